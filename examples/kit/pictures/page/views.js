// --- Head view: lines between two columns of tokens -------------------------------------------

const rowHeight = 26, mostLines = 1500;

views.head = {
  title: 'Head view',
  draw(root) {
    const {queries, keys} = currentSet();
    const height = rowHeight * Math.max(queries.length, keys.length);
    this.lines = make('svg', {viewBox: '0 0 100 ' + height, height, preserveAspectRatio: 'none',
                              'aria-hidden': 'true'});
    this.columns = {q: tokenColumn('q', queries), k: tokenColumn('k', keys)};
    root.replaceChildren(make('div', {class: 'columns'},
      make('h2', {id: 'name-q'}, 'queries'), make('span'), make('h2', {id: 'name-k'}, 'keys'),
      this.columns.q, this.lines, this.columns.k), make('p', {class: 'legend', id: 'line-count'}));
  },
  select(token) {
    drawLines(this.lines, token);
    for (const side of ['q', 'k'])
      [...this.columns[side].children].forEach((item, index) => {
        const own = token !== null && token.side === side && token.index === index;
        item.querySelector('.token').classList.toggle('selected', own);
        item.querySelector('.token').setAttribute('aria-pressed', own);
        const opposite = token !== null && token.side !== side;
        item.querySelector('.boxes').replaceChildren(...(opposite ? boxes(token, index) : []));
      });
  },
};

function tokenColumn(side, tokens) {
  const go = (toSide, index) => {
    const buttons = views.head.columns[toSide].querySelectorAll('.token');
    const target = buttons[Math.min(Math.max(index, 0), buttons.length - 1)];
    for (const other of document.querySelectorAll('.columns .token')) other.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
  };
  const item = (token, index) => {
    const here = {side, index};
    const keydown = event => {
      const moves = {ArrowDown: [side, index + 1], ArrowUp: [side, index - 1], Home: [side, 0],
                     End: [side, tokens.length - 1],
                     ArrowLeft: ['q', index], ArrowRight: ['k', index]};
      if (!moves[event.key]) return;
      event.preventDefault();
      go(...moves[event.key]);
    };
    const button = make('button', {
      class: 'token', title: spoken(token), tabindex: side === 'q' && index === 0 ? 0 : -1,
      'aria-label': (side === 'q' ? 'query ' : 'key ') + index + ' ' + spoken(token),
      onclick: () => pin(here), onkeydown: keydown,
      onfocus: () => select(here), onblur: () => select(state.token),
      onmouseenter: () => select(here), onmouseleave: () => select(state.token)}, shown(token));
    const weights = make('span', {class: 'boxes', 'aria-hidden': 'true'});
    return make('li', {}, ...(side === 'q' ? [weights, button] : [button, weights]));
  };
  return make('ol', {class: side === 'q' ? 'left' : 'right', 'aria-labelledby': 'name-' + side},
              ...tokens.map(item));
}

// The weight between the selected token and token `index` of the other side: the mean as text, and
// one box per head.
function boxes(token, index) {
  const [i, j] = token.side === 'q' ? [token.index, index] : [index, token.index];
  const m = currentSet().keys.length;
  if (masked(i, j)) return [make('b', {}, 'masked')];
  const heads = state.heads.length > 12 ? [] : state.heads;
  const parts = heads.map(head => {
    const box = make('i', {class: 'c' + head % 8});
    box.style.opacity = Math.min(1, Math.max(0.06, weightsOf(head).w[i * m + j]));
    return box;
  });
  const number = make('b', {}, meanWeight(i, j).toFixed(2));
  return token.side === 'q' ? [...parts, number] : [number, ...parts];
}

// One line per weight, the larger the more opaque; only the strongest if there are too many. The
// lines of different heads are side by side.
function drawLines(svg, token) {
  const {queries, keys} = currentSet();
  const lines = [];
  for (const head of state.heads) {
    const {w} = weightsOf(head);
    for (let i = 0; i < queries.length; ++i) {
      if (token && token.side === 'q' && token.index !== i) continue;
      for (let j = 0; j < keys.length; ++j) {
        if (token && token.side === 'k' && token.index !== j) continue;
        if (w[i * keys.length + j] >= 0.004) lines.push([w[i * keys.length + j], head, i, j]);
      }
    }
  }
  byId('line-count').textContent = lines.length > mostLines
    ? 'Only the ' + mostLines + ' strongest of ' + lines.length + ' lines are drawn.' : '';
  if (lines.length > mostLines) lines.sort((a, b) => b[0] - a[0]).length = mostLines;
  const gap = Math.min(3, 18 / state.heads.length);
  const shift = head => (state.heads.indexOf(head) - (state.heads.length - 1) / 2) * gap;
  svg.replaceChildren(...lines.map(([w, head, i, j]) => make('line', {
    class: 'c' + head % 8 + (head >= 8 ? ' again' : ''), x1: 0, x2: 100,
    y1: (i + 0.5) * rowHeight + shift(head), y2: (j + 0.5) * rowHeight + shift(head),
    opacity: Math.min(1, w).toFixed(3)})));
}

// --- Heat map: one panel per head, with the weights if they fit -------------------------------

const mostColumns = 32;

views.heat = {
  title: 'Heat map',
  draw(root) {
    root.replaceChildren(
      make('div', {class: 'panels'}, ...state.heads.map(heatPanel)),
      make('p', {class: 'legend'}, 'Rows are queries, columns are keys. ',
           make('span', {class: 'swatch masked'}), ' masked: the query may not attend to this key.'));
  },
  select() {},
};

// The scale of the C++ heat maps: white, blue, navy. Returns [background, text colour].
function heatColours(t) {
  const stops = [[250, 250, 250], [0, 114, 178], [0, 30, 66]];
  const [a, b, s] = t < 0.6 ? [stops[0], stops[1], t / 0.6] : [stops[1], stops[2], (t - 0.6) / 0.4];
  const rgb = a.map((from, c) => Math.round(from + (b[c] - from) * Math.min(Math.max(s, 0), 1)));
  const linear = rgb.map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return ['rgb(' + rgb.join(',') + ')', luminance < 0.179 ? '#fff' : '#000'];
}

function saying(head, i, j) {
  const {queries, keys} = currentSet(), {w, exact} = weightsOf(head);
  const position = i * keys.length + j;
  const number = (exact(position) ? '' : '≈ ') + Number(w[position].toPrecision(4));
  return 'head ' + head + ': ' + named(queries, i) +
         (masked(i, j) ? ' may not attend to ' : ' attends ' + number + ' to ') + named(keys, j) +
         (masked(i, j) ? ' (masked)' : '');
}

function heatPanel(head) {
  const {queries, keys} = currentSet(), {w} = weightsOf(head);
  const top = w.reduce((most, weight) => Math.max(most, weight), 1e-9);
  const small = keys.length <= mostColumns && queries.length <= mostColumns;
  const panel = (small ? heatTable : heatCanvas)(head, queries, keys, w, top);
  return make('figure', {}, make('figcaption', {}, 'Head ' + head),
              make('div', {class: 'scroll'}, panel),
              make('p', {class: 'legend'}, 'colour scale from 0 to ' + top.toPrecision(2)));
}

// Arrow keys move (i, j); returns null for other keys.
function moved(event, i, j, n, m) {
  const to = {ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1],
              ArrowRight: [i, j + 1], Home: [i, 0], End: [i, m - 1]}[event.key];
  if (!to) return null;
  event.preventDefault();
  return [Math.min(Math.max(to[0], 0), n - 1), Math.min(Math.max(to[1], 0), m - 1)];
}

function heatTable(head, queries, keys, w, top) {
  const cells = [];
  const focus = (i, j) => {
    for (const row of cells) for (const cell of row) cell.tabIndex = -1;
    cells[i][j].tabIndex = 0;
    cells[i][j].focus();
  };
  const cell = (i, j) => {
    const weight = w[i * keys.length + j], off = masked(i, j);
    const words = saying(head, i, j);
    const move = event => {
      const to = moved(event, i, j, queries.length, keys.length);
      if (to) focus(...to);
    };
    const td = make('td', {
      class: off ? 'masked' : null, tabindex: i + j ? -1 : 0, 'data-weight': weight,
      title: words, 'aria-label': words, onmouseenter: () => say(words), onfocus: () => say(words),
      onkeydown: move}, off ? '–' : weight.toFixed(2));
    if (!off) [td.style.background, td.style.color] = heatColours(weight / top);
    return td;
  };
  const rows = queries.map((token, i) => {
    cells.push(keys.map((unused, j) => cell(i, j)));
    return make('tr', {}, make('th', {scope: 'row'}, tokenSpan(token)), ...cells[i]);
  });
  return make('table', {class: 'heat', 'aria-label': 'weights of head ' + head},
    make('thead', {}, make('tr', {}, make('th'),
      ...keys.map(token => make('th', {scope: 'col'}, tokenSpan(token))))),
    make('tbody', {}, ...rows));
}

// Too large for text: one coloured square per weight, and the weight under the pointer or cursor.
function heatCanvas(head, queries, keys, w, top) {
  const n = queries.length, m = keys.length;
  const size = Math.max(2, Math.min(14, Math.floor(640 / Math.max(n, m))));
  let cursor = [0, 0];
  const canvas = make('canvas', {width: m * size, height: n * size, tabindex: 0, role: 'img',
    'aria-label': 'heat map of head ' + head + ', ' + n + ' queries by ' + m + ' keys; the arrow ' +
                  'keys move from weight to weight, and the table view lists them'});
  const paint = marked => {
    const pen = canvas.getContext('2d');
    const style = getComputedStyle(document.documentElement);
    for (let i = 0; i < n; ++i)
      for (let j = 0; j < m; ++j) {
        pen.fillStyle = masked(i, j) ? style.getPropertyValue('--paper')
                                     : heatColours(w[i * m + j] / top)[0];
        pen.fillRect(j * size, i * size, size, size);
        if (!masked(i, j)) continue;
        pen.strokeStyle = style.getPropertyValue('--edge');
        pen.beginPath();
        pen.moveTo(j * size, (i + 1) * size);
        pen.lineTo((j + 1) * size, i * size);
        pen.stroke();
      }
    if (!marked) return;
    pen.strokeStyle = style.getPropertyValue('--focus');
    pen.lineWidth = 2;
    pen.strokeRect(cursor[1] * size - 1, cursor[0] * size - 1, size + 2, size + 2);
    pen.lineWidth = 1;
  };
  const go = to => { cursor = to; paint(true); say(saying(head, ...cursor)); };
  canvas.addEventListener('focus', () => go(cursor));
  canvas.addEventListener('blur', () => paint(false));
  canvas.addEventListener('keydown', event => {
    const to = moved(event, ...cursor, n, m);
    if (to) go(to);
  });
  canvas.addEventListener('mousemove', event => {
    const box = canvas.getBoundingClientRect();
    const at = (pixel, extent, count) =>
      Math.min(count - 1, Math.max(0, Math.floor(pixel / extent * count)));
    say(saying(head, at(event.clientY - box.top, box.height, n),
               at(event.clientX - box.left, box.width, m)));
  });
  paint(false);
  return canvas;
}

// --- Table: all weights of one query, as text -------------------------------------------------

views.table = {
  title: 'Table',
  draw(root) {
    const {queries} = currentSet();
    const query = state.token && state.token.side === 'q' ? state.token.index : 0;
    this.body = make('div', {class: 'scroll'});
    this.choice = choice('query', queries.map((token, i) => i + '  ' + shown(token)), query,
                         index => pin({side: 'q', index}));
    root.replaceChildren(make('div', {class: 'controls'}, this.choice), this.body);
  },
  select(token) {
    const query = token && token.side === 'q' ? token.index : 0;
    this.choice.querySelector('select').value = query;
    this.body.replaceChildren(weightTable(query));
  },
};

function weightTable(i) {
  const {queries, keys} = currentSet(), m = keys.length;
  const number = (head, j) => {
    const {w, exact} = weightsOf(head);
    return (exact(i * m + j) ? '' : '≈ ') + w[i * m + j].toFixed(4);
  };
  const row = (token, j) => {
    const numbers = state.heads.map(head => masked(i, j) ? 'masked' : number(head, j));
    const mean = masked(i, j) ? 'masked' : meanWeight(i, j).toFixed(4);
    return make('tr', {}, make('th', {scope: 'row'}, j + '  ', tokenSpan(token)),
      ...numbers.map(text => make('td', {}, text)),
      state.heads.length > 1 ? make('td', {}, mean) : '');
  };
  const caption =
    'What query ' + i + ", '" + spoken(queries[i]) + "', attends to in layer " + state.layer;
  return make('table', {class: 'list'},
    make('caption', {}, caption),
    make('thead', {}, make('tr', {}, make('th', {scope: 'col'}, 'key'),
      ...state.heads.map(head => make('th', {scope: 'col'}, 'head ' + head)),
      state.heads.length > 1 ? make('th', {scope: 'col'}, 'mean') : '')),
    make('tbody', {}, ...keys.map(row)));
}
start();
