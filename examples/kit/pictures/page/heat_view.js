// --- Heat map: one panel per head, with the weights in the cells if they fit ------------------

const mostColumns = 32;

views.heat = {
  title: 'Heat map',
  draw(root) {
    const {queries, keys} = currentSet(), small = keys.length <= mostColumns && queries.length <= mostColumns;
    const width = Math.max(260, Math.min(root.clientWidth, state.heads.length > 1 ? 560 : 1100));
    this.panels = state.heads.map(head => small ? heatTable(head) : heatMap(head, state.layer, {width, height: 620}));
    root.replaceChildren(
      make('div', {class: 'panels'}, ...state.heads.map((head, i) => make('figure', {},
        make('figcaption', {}, 'Layer ' + state.layer + ', head ' + head),
        small ? make('div', {class: 'scroll'}, this.panels[i]) : this.panels[i],
        make('p', {class: 'legend'}, 'colour scale from 0 to ' + largest(head, state.layer).toPrecision(2))))),
      make('p', {class: 'legend'}, 'Rows are queries, columns are keys. ',
           make('span', {class: 'swatch masked'}), ' masked: the query may not attend to this key.'));
  },
  select(token) { for (const panel of this.panels) panel.follow(token); },
};

const largest = (head, layer) => {
  let most = 1e-9;
  for (const weight of weightsOf(head, layer).w) if (weight > most) most = weight;
  return most;
};

function saying(head, i, j, layer = state.layer) {
  const {queries, keys} = currentSet(), {w, exact} = weightsOf(head, layer);
  const position = i * keys.length + j;
  const number = (exact(position) ? '' : '≈ ') + Number(w[position].toPrecision(4));
  return 'head ' + head + ': ' + named(queries, i) +
         (masked(i, j) ? ' may not attend to ' : ' attends ' + number + ' to ') + named(keys, j) +
         (masked(i, j) ? ' (masked)' : '');
}

function heatTable(head) {
  const {queries, keys} = currentSet(), {w} = weightsOf(head), top = largest(head, state.layer);
  const cell = (i, j) => {
    const weight = w[i * keys.length + j], off = masked(i, j), words = saying(head, i, j);
    const td = make('td', {
      class: off ? 'masked' : null, 'data-weight': weight,
      title: words, 'aria-label': words, onmouseenter: () => say(words), onfocus: () => say(words),
      onclick: () => pin({side: 'q', index: i})}, off ? '–' : weight.toFixed(2));
    if (!off) fillCell(td, heat(weight / top));
    return td;
  };
  const cells = queries.map((unused, i) => keys.map((also, j) => cell(i, j)));
  rovingCells(cells);
  const rows = cells.map((row, i) => make('tr', {}, make('th', {scope: 'row'}, tokenSpan(queries, i)), ...row));
  const columns = keys.map((unused, j) => make('th', {scope: 'col'}, tokenSpan(keys, j)));
  const table = make('table', {class: 'heat', 'aria-label': 'weights of head ' + head},
    make('thead', {}, make('tr', {}, make('td'), ...columns)), make('tbody', {}, ...rows));
  table.follow = token => {
    const is = (side, index) => Boolean(token) && token.side === side && token.index === index;
    rows.forEach((row, i) => row.classList.toggle('followed', is('q', i)));
    columns.forEach((th, j) => th.classList.toggle('followed', is('k', j)));
  };
  return table;
}

// A map of any size: labels stay in sight while the cells are scrolled; + and - zoom, 0 fits it into the box. Only
// what is visible is drawn.
function heatMap(head, layer, {width, height}) {
  const {queries, keys} = currentSet(), {w} = weightsOf(head, layer), top = largest(head, layer);
  const n = queries.length, m = keys.length;
  const longest = list => Math.max(...list.map(token => [...shown(token)].length));
  const left = Math.min(110, 14 + 7.2 * longest(queries)), above = Math.min(110, 14 + 7.2 * longest(keys));
  const fit = Math.min(26, (width - left - 16) / m, (height - above - 16) / n);
  let size = Math.max(fit, 2), cursor = null, followed = null;
  const canvas = make('canvas', {'aria-hidden': 'true'}), spacer = make('div', {class: 'spacer'});
  const box = make('div', {class: 'map', tabindex: 0, role: 'img',
    'aria-label': 'heat map of layer ' + layer + ', head ' + head + ', ' + n + ' queries by ' + m + ' keys; arrow ' +
                  'keys move from weight to weight, plus and minus zoom, and the table view lists them'},
    make('div', {class: 'pinned'}, canvas), spacer);
  const paint = () => paintMap(canvas, box, {w, n, m, top, size, left, above, cursor, followed, queries, keys});
  const zoom = next => {
    size = Math.min(48, Math.max(2, next));
    Object.assign(spacer.style, {width: left + m * size + 'px', height: above + n * size + 'px'});
    Object.assign(box.style, {width: Math.min(width, left + m * size + 16) + 'px',
                              height: Math.min(height, above + n * size + 16) + 'px'});
    requestAnimationFrame(paint);
  };
  const go = to => {
    cursor = to;
    const [i, j] = to, y = i * size, x = j * size, seen = [box.clientWidth - left, box.clientHeight - above];
    if (x < box.scrollLeft || x + size > box.scrollLeft + seen[0]) box.scrollLeft = x - seen[0] / 2;
    if (y < box.scrollTop || y + size > box.scrollTop + seen[1]) box.scrollTop = y - seen[1] / 2;
    paint();
    say(saying(head, i, j, layer));
  };
  box.addEventListener('scroll', paint);
  box.addEventListener('focus', () => go(cursor || [n - 1, 0]));
  box.addEventListener('keydown', event => {
    if (event.key === '+' || event.key === '=') return zoom(size * 1.25);
    if (event.key === '-') return zoom(size / 1.25);
    if (event.key === '0') return zoom(fit);
    if (event.key === 'Enter' && cursor) return pin({side: 'q', index: cursor[0]});
    const to = moved(event, ...(cursor || [0, 0]), n, m);
    if (to) go(to);
  });
  const under = event => {
    const frame = canvas.getBoundingClientRect();
    const j = Math.floor((event.clientX - frame.left - left + box.scrollLeft) / size);
    const i = Math.floor((event.clientY - frame.top - above + box.scrollTop) / size);
    return i >= 0 && j >= 0 && i < n && j < m ? [i, j] : null;
  };
  box.addEventListener('mousemove', event => {
    const at = under(event);
    if (at) cursor = at, paint(), say(saying(head, ...at, layer));
  });
  box.addEventListener('click', event => { if (under(event)) pin({side: 'q', index: under(event)[0]}); });
  const button = (label, words, act) => make('button', {'aria-label': words, title: words, onclick: act}, label);
  const panel = make('div', {class: 'mapping'}, box, make('div', {class: 'group'},
    button('−', 'zoom out', () => zoom(size / 1.25)), button('+', 'zoom in', () => zoom(size * 1.25)),
    button('fit', 'fit into the box', () => zoom(fit))));
  panel.follow = token => {
    followed = token;
    if (token && token.side === 'q') go([token.index, cursor ? cursor[1] : 0]);
    else paint();
  };
  zoom(size);
  return panel;
}

function paintMap(canvas, box, {w, n, m, top, size, left, above, cursor, followed, queries, keys}) {
  const width = box.clientWidth, height = box.clientHeight, sharp = devicePixelRatio || 1;
  if (!width || !height) return;
  canvas.width = width * sharp;
  canvas.height = height * sharp;
  Object.assign(canvas.style, {width: width + 'px', height: height + 'px'});
  const pen = canvas.getContext('2d'), paper = themeColour('--paper'), ink = themeColour('--ink');
  pen.scale(sharp, sharp);
  const x = j => left + j * size - box.scrollLeft, y = i => above + i * size - box.scrollTop;
  const seen = (scroll, extent, count) => [Math.max(0, Math.floor(scroll / size)),
                                           Math.min(count, Math.ceil((scroll + extent) / size))];
  const [i0, i1] = seen(box.scrollTop, height - above, n), [j0, j1] = seen(box.scrollLeft, width - left, m);
  const hatch = hatching(pen), shades = heatShades(), gap = size > 8 ? 1 : 0;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.font = '11px system-ui, sans-serif';
  for (let i = i0; i < i1; ++i)
    for (let j = j0; j < j1; ++j) {
      const weight = w[i * m + j], off = masked(i, j), shade = 3 * Math.min(255, Math.round(255 * weight / top));
      const rgb = [...shades.subarray(shade, shade + 3)];
      pen.fillStyle = off ? hatch : css(rgb);
      pen.fillRect(x(j), y(i), size - gap, size - gap);
      if (size < 34 || off) continue;
      pen.fillStyle = inkOn(rgb);
      pen.fillText(weight.toFixed(2), x(j) + size / 2, y(i) + size / 2);
    }
  pen.strokeStyle = themeColour('--focus');
  pen.lineWidth = 2;
  if (followed && followed.side === 'q') pen.strokeRect(x(0), y(followed.index), m * size, size);
  if (followed && followed.side === 'k') pen.strokeRect(x(followed.index), y(0), size, n * size);
  if (cursor) pen.strokeRect(x(cursor[1]) - 1, y(cursor[0]) - 1, size + 2, size + 2);
  // The margins cover what was scrolled under them.
  pen.fillStyle = paper;
  pen.fillRect(0, 0, left, height);
  pen.fillRect(0, 0, width, above);
  pen.fillStyle = ink;
  const every = Math.max(1, Math.ceil(12 / size));
  const bold = (side, index) => {
    const on = (followed && followed.side === side && followed.index === index) ||
               (cursor && cursor[side === 'q' ? 0 : 1] === index);
    pen.font = (on ? 'bold ' : '') + '12px system-ui, sans-serif';
    return on;
  };
  pen.textAlign = 'right';
  for (let i = i0; i < i1; ++i)
    if (bold('q', i) || i % every === 0) {
      const at = y(i) + size / 2;
      if (at > above) pen.fillText(shown(queries[i]), left - 6, at, left - 8);
    }
  pen.textAlign = 'left';
  for (let j = j0; j < j1; ++j)
    if (bold('k', j) || j % every === 0) {
      const at = x(j) + size / 2;
      if (at <= left) continue;
      pen.save();
      pen.translate(at, above - 6);
      pen.rotate(-Math.PI / 2);
      pen.fillText(shown(keys[j]), 0, 0, above - 8);
      pen.restore();
    }
}

function hatching(pen) {
  const tile = make('canvas', {width: 6, height: 6}), stroke = tile.getContext('2d');
  stroke.fillStyle = themeColour('--paper');
  stroke.fillRect(0, 0, 6, 6);
  stroke.strokeStyle = themeColour('--edge');
  stroke.beginPath();
  for (const at of [-3, 3, 9]) {
    stroke.moveTo(at - 4, 4 + 3);
    stroke.lineTo(at + 4, -4 + 3);
  }
  stroke.stroke();
  return pen.createPattern(tile, 'repeat');
}
