// --- Model view: every head as a small picture, and the chosen one in detail ------------------

// What other files add to a head: {controls(layer, head) -> element, mark(layer, head) -> a few letters or ''}.
const headTools = [];
const brief = {'previous token': 'prev', 'next token': 'next', 'itself': 'self', 'first token': 'first',
               'last token': 'last', 'same place': 'place', 'induction': 'induct', 'same token earlier': 'same',
               'positional': 'pos', 'spread': 'spread', 'mixed': 'mixed'};

views.model = {
  title: 'Model view',
  choosesHeads: true,
  draw(root) {
    const {layers} = currentSet(), shape = layers.map(heads => heads.length).join(' ');
    const available = Math.min(root.clientWidth, 1180), wide = available > 760;
    const most = Math.max(...layers.map(heads => heads.length));
    const room = wide ? Math.min(available * 0.56, 640) : available;
    const size = Math.floor(Math.max(9, Math.min(150, this.tallest(layers.length), (room - 26) / most - 3)));
    const key = shape + ' ' + size;
    if (root.firstChild !== this.root || this.key !== key) {
      this.key = key;
      this.size = size;
      this.cells = layers.map((heads, layer) => heads.map((unused, head) => this.thumb(layer, head)));
      rovingCells(this.cells, [state.layer, state.heads[0]]);
      const rows = this.cells.map((row, layer) => make('tr', {}, make('th', {scope: 'row'}, String(layer)),
        ...row.map(cell => make('td', {}, cell))));
      this.detail = make('section', {class: 'detail', 'aria-label': 'the chosen head'});
      this.shownHead = '';
      this.root = make('div', {class: 'model'},
        make('table', {class: 'thumbs' + (size < 34 ? ' bare' : '')},
          make('caption', {}, 'Every head: rows are layers, columns are heads. The stronger the colour, the larger ' +
                              'the weight.'),
          make('thead', {}, make('tr', {}, make('td'),
            ...range(most).map(head => make('th', {scope: 'col'}, String(head))))),
          make('tbody', {}, ...rows)), this.detail);
      root.replaceChildren(this.root);
    }
    this.drawThumbs();
    this.choose(state.layer, state.heads[0]);
  },
  // Few layers fit on a screen.
  tallest: layers => layers > 8 ? 150 : Math.max(64, innerHeight * 0.6 / layers - 18),
  select() {},
  overview() { say(headSentence(state.layer, state.heads[0])); },

  thumb(layer, head) {
    const open = event => {
      if (event.key && event.key !== 'Enter') return;
      event.preventDefault();
      this.choose(layer, head);
      show({view: 'head', layer, heads: [head]});
      byId('tab-head').focus();
    };
    const canvas = make('canvas', {'aria-hidden': 'true'});
    canvas.style.width = canvas.style.height = this.size + 'px';
    const choose = () => { this.choose(layer, head); writeAddress(); };
    return make('button', {class: 'thumb', 'aria-label': 'layer ' + layer + ', head ' + head, onkeydown: open,
      ondblclick: open, onfocus: choose, onclick: choose}, canvas, make('span', {'aria-hidden': 'true'}));
  },

  // In slices of some milliseconds, so that a page of a thousand heads answers at once.
  drawThumbs() {
    const turn = this.turn = {};
    const left = this.cells.flatMap((row, layer) => row.map((cell, head) => [cell, layer, head]));
    const slice = () => {
      const end = performance.now() + 12;
      while (left.length && turn === this.turn && performance.now() < end) this.drawThumb(...left.shift());
      if (left.length && turn === this.turn) setTimeout(slice);
    };
    slice();
  },
  drawThumb(cell, layer, head) {
    drawSmall(cell.firstChild, currentSet(), weightsOf(head, layer).w, this.size);
    const mark = headTools.map(tool => tool.mark(layer, head)).join('');
    const {kind} = measured(layer, head);
    cell.classList.toggle('changed', mark !== '');
    cell.lastChild.textContent = mark || (this.size > 84 ? kind : brief[kind]);
    cell.title = headSentence(layer, head);
    cell.setAttribute('aria-label', 'layer ' + layer + ', head ' + head + ': ' + kind + (mark ? ', ' + mark : ''));
  },

  choose(layer, head) {
    Object.assign(state, {layer, heads: [head]});
    this.cells.forEach((row, l) => row.forEach((cell, h) =>
      cell.setAttribute('aria-pressed', l === layer && h === head)));
    const shownHead = state.set + ' ' + layer + ' ' + head, fresh = this.shownHead !== shownHead;
    this.shownHead = shownHead;
    if (fresh) {
      const to = (view, words) => views[view] &&
        make('button', {onclick: () => show({view, layer, heads: [head]})}, words);
      this.facts = make('div');
      this.map = make('div');
      this.detail.replaceChildren(make('h2', {}, 'Layer ' + layer + ', head ' + head), this.facts,
        ...headTools.map(tool => tool.controls(layer, head)), this.map,
        make('div', {class: 'group'}, ...[to('head', 'Lines'), to('heat', 'Numbers'), to('neuron', 'Queries and keys')]
          .filter(Boolean)));
    }
    this.describe(layer, head);
    say(headSentence(layer, head));
  },
  describe(layer, head) {
    const {kind, share, sharpness, entropy, distance} = measured(layer, head);
    const fact = (name, value) => make('li', {}, name + ' ', make('b', {}, value));
    this.facts.replaceChildren(
      make('p', {class: 'kind'}, kind + (share ? ' ' + Math.round(100 * share) + ' %' : '')),
      make('p', {class: 'legend'}, 'Seemingly: ' + explanations[kind] + '.'),
      make('ul', {class: 'facts'}, fact('sharpness', sharpness.toFixed(2)),
           fact('entropy', entropy.toFixed(1) + ' bits'), fact('mean distance', distance.toFixed(1))));
    this.map.replaceChildren(heatMap(head, layer, {width: this.detail.clientWidth || 340, height: 380}));
  },
};

// A whole head in size x size points: of cells that share a point the largest is shown.
function drawSmall(canvas, {queries, keys, allowed}, w, size) {
  const n = queries.length, m = keys.length, rows = Math.min(n, 2 * size), columns = Math.min(m, 2 * size);
  canvas.width = columns;
  canvas.height = rows;
  const pen = canvas.getContext('2d'), image = pen.createImageData(columns, rows);
  const most = new Float32Array(rows * columns);
  const row = range(n).map(i => Math.floor(i * rows / n)), column = range(m).map(j => Math.floor(j * columns / m));
  let top = 1e-9;
  for (let i = 0; i < n; ++i)
    for (let j = 0; j < m; ++j) {
      const at = row[i] * columns + column[j], value = w[i * m + j];
      if (value > most[at]) most[at] = value;
      if (value > top) top = value;
      if (!allowed || allowed[i][j] !== '0') image.data[4 * at + 3] = 255;
    }
  const shades = heatShades();
  for (let at = 0; at < most.length; ++at) {
    const shade = 3 * Math.min(255, Math.round(255 * most[at] / top));
    for (let c = 0; c < 3; ++c) image.data[4 * at + c] = shades[shade + c];
  }
  pen.putImageData(image, 0, 0);
}
function heatShades() {
  const table = darkMode.matches ? 'dark' : 'light';
  return heatShades[table] = heatShades[table] || Uint8Array.from(range(256).flatMap(i => heat(i / 255)));
}
