// --- Head view: lines between two columns of tokens -------------------------------------------

const rowHeight = 26, mostLines = 1500;
const strongestKeys = 2, weakestLine = 0.1;  // of each query, while no token is selected

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
      onmouseenter: () => select(here), onmouseleave: () => select(state.token)},
      ...tokenSpan(tokens, index).childNodes);
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

// One line per weight, the larger the more opaque. Of a selected token all are drawn, else the strongest of each
// query, which leaves a picture that can be read. The lines of different heads are side by side.
function drawLines(svg, token) {
  const {queries, keys} = currentSet(), m = keys.length, lines = [];
  for (const head of state.heads) {
    const {w} = weightsOf(head);
    for (let i = 0; i < queries.length; ++i) {
      if (token && token.side === 'q' && token.index !== i) continue;
      const row = range(m).map(j => [w[i * m + j], head, i, j]);
      lines.push(...token
        ? row.filter(([weight, , , j]) => weight >= 0.004 && (token.side === 'q' || token.index === j))
        : row.sort((a, b) => b[0] - a[0]).slice(0, strongestKeys).filter(line => line[0] >= weakestLine));
    }
  }
  byId('line-count').textContent = token ? '' : 'Lines from each query to the ' + strongestKeys +
    ' keys of its largest weights, if they are at least ' + weakestLine +
    '; select a token to see all of its weights.';
  if (lines.length > mostLines) lines.sort((a, b) => b[0] - a[0]).length = mostLines;
  const gap = Math.min(3, 18 / state.heads.length);
  const shift = head => (state.heads.indexOf(head) - (state.heads.length - 1) / 2) * gap;
  svg.replaceChildren(...lines.map(([w, head, i, j]) => make('line', {
    class: 'c' + head % 8 + (head >= 8 ? ' again' : ''), x1: 0, x2: 100,
    y1: (i + 0.5) * rowHeight + shift(head), y2: (j + 0.5) * rowHeight + shift(head),
    opacity: Math.min(1, w).toFixed(3)})));
}
