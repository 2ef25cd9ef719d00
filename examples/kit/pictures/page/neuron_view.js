// --- Neuron view: how a weight comes about, element by element ----------------------------------
//
//     score = Σ q ⊙ k / √d,   weight = softmax of the scores over all keys
//
// A set has it if it has `vectors`: [layer][head] -> {q, k, width, scale}, with q[i * width + e], or q and k as text
// (floatsOf).

const vectorsOf = (layer, head) => {
  const {vectors} = currentSet(), found = vectors && vectors[layer][head];
  if (!found || typeof found.q !== 'string') return found;
  return vectors[layer][head] = {...found, q: floatsOf(found.q), k: floatsOf(found.k)};
};
onStart.push(() => { if (!page.sets.some(set => set.vectors)) delete views.neuron; });

views.neuron = {
  title: 'Neuron view',
  draw(root) {
    const {queries} = currentSet(), head = state.heads[0];
    if (!vectorsOf(state.layer, head) || state.filter) {
      this.body = null;
      return root.replaceChildren(make('p', {}, 'There are no queries and keys of these weights.'));
    }
    this.query = state.token && state.token.side === 'q' ? state.token.index : queries.length - 1;
    this.key = null;
    this.choice = choice('query', queries.map((token, i) => i + '  ' + shown(token)), this.query,
                         index => pin({side: 'q', index}));
    this.body = make('div');
    root.replaceChildren(make('div', {class: 'controls'}, this.choice, make('span', {class: 'legend'},
      'layer ' + state.layer + ', head ' + head + '. Blue is above zero, orange below; the stronger, the further.')),
      this.body);
  },
  select(token) {
    if (!this.body) return;
    if (token && token.side === 'q') this.query = token.index;
    if (token && token.side === 'k') this.key = token.index;
    this.choice.querySelector('select').value = this.query;
    this.fill();
  },
  overview() { say(this.body ? neuronSentence(this.query, this.key) : ''); },

  fill() {
    const {queries, keys} = currentSet(), head = state.heads[0], {q, k, width, scale} = vectorsOf(state.layer, head);
    const {w} = weightsOf(head), i = this.query, m = keys.length, seen = range(m).filter(j => !masked(i, j));
    const slice = (all, row) => all.slice(row * width, (row + 1) * width);
    const query = slice(q, i), products = seen.map(j => slice(k, j).map((x, e) => x * query[e]));
    const scores = products.map(product => product.reduce((sum, x) => sum + x, 0) * scale);
    const most = list => Math.max(1e-9, ...list.map(x => Math.abs(x)));
    const mostOfAll = Math.max(...seen.map(j => most([...slice(k, j)])));
    const mostProduct = Math.max(...products.map(p => most([...p])));
    if (this.key === null || !seen.includes(this.key))
      this.key = seen.reduce((best, j) => w[i * m + j] > w[i * m + best] ? j : best, seen[0]);
    const buttons = seen.map(j => [make('button', {class: 'token', 'aria-pressed': j === this.key,
      onclick: () => this.look(j), onfocus: () => say(neuronSentence(i, j))}, ...tokenSpan(keys, j).childNodes)]);
    const bar = (value, most) => {
      const fill = make('i', {class: value < 0 ? 'below' : 'above'});
      fill.style.width = Math.round(60 * Math.abs(value) / most) + 'px';
      return fill;
    };
    const row = (j, at) => make('tr', {class: j === this.key ? 'followed' : null},
      make('th', {scope: 'row'}, buttons[at][0]), make('td', {}, strip([...slice(k, j)], mostOfAll)),
      make('td', {}, strip([...products[at]], mostProduct)),
      make('td', {class: 'bar'}, bar(scores[at], most(scores)), scores[at].toFixed(2)),
      make('td', {class: 'bar'}, bar(w[i * m + j], 1), w[i * m + j].toFixed(3)));
    rovingCells(buttons, [seen.indexOf(this.key), 0]);
    const before = this.body.querySelector('.tall'), scroll = before && before.scrollTop;
    const pair = this.key, product = products[seen.indexOf(pair)], column = name => make('th', {scope: 'col'}, name);
    this.body.replaceChildren(
      make('p', {class: 'strip'}, 'q of ', tokenSpan(queries, i), ' ', strip([...query], most([...query]))),
      make('div', {class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': 'keys'},
        make('table', {class: 'list neurons'},
        make('thead', {}, make('tr', {}, ...['key', 'k', 'q ⊙ k', 'score', 'weight'].map(column))),
        make('tbody', {}, ...seen.map(row)))),
      make('details', {}, make('summary', {}, 'The numbers of ' + named(queries, i) + ' and ' + named(keys, pair)),
        make('table', {class: 'list'}, make('thead', {}, make('tr', {}, ...['element', 'q', 'k', 'q k'].map(column))),
          make('tbody', {}, ...range(width).map(e => make('tr', {}, make('th', {scope: 'row'}, String(e)),
            ...[query[e], k[pair * width + e], product[e]].map(x => make('td', {}, x.toFixed(4)))))))));
    const box = this.body.querySelector('.tall');
    box.scrollTop = scroll ?? Math.max(0, box.querySelector('.followed').offsetTop - 300);
  },
  look(j) {
    const open = this.body.querySelector('details').open;
    this.key = j;
    this.fill();
    this.body.querySelector('details').open = open;
    this.body.querySelector('[aria-pressed=true]').focus();
  },
};

function neuronSentence(i, j) {
  const {queries, keys} = currentSet(), head = state.heads[0], vectors = vectorsOf(state.layer, head);
  if (j === null || !vectors) return '';
  const {q, k, width, scale} = vectors;
  const score = range(width).reduce((sum, e) => sum + q[i * width + e] * k[j * width + e], 0) * scale;
  return 'query ' + named(queries, i) + ', key ' + named(keys, j) + ': score ' + score.toFixed(3) + ', weight ' +
         weightsOf(head).w[i * keys.length + j].toFixed(3) + ' (head ' + head + ')';
}

// A vector as a row of coloured squares.
function strip(values, most) {
  const canvas = make('canvas', {width: values.length, height: 1, class: 'strip', 'aria-hidden': 'true'});
  canvas.style.width = Math.min(256, Math.max(64, 6 * values.length)) + 'px';
  const pen = canvas.getContext('2d'), image = pen.createImageData(values.length, 1);
  values.forEach((value, e) => image.data.set([...signed(value / most), 255], 4 * e));
  pen.putImageData(image, 0, 0);
  return canvas;
}
