// --- Logit lens: what each layer would already say ---------------------------------------------
//
// The residual stream after any layer has the width of the last; with the last norm and output it gives logits, too
// (nostalgebraist 2020). Rows are positions, columns layers; the last column is what the model says.

views.lens = {
  title: 'Logit lens',
  choosesHeads: true,
  draw(root) {
    const pass = live.pass(), {queries} = page.sets[0], layers = range(model.layers + 1), n = queries.length;
    if (root.firstChild !== this.note || this.pass !== pass || this.version !== live.version) this.build(root, layers);
    Object.assign(this, {pass, version: live.version});
    // Rows of positions before the first change stay.
    this.rows.length = Math.min(this.rows.length, live.same, n);
    live.same = Infinity;
    while (this.body.children.length > this.rows.length) this.body.lastChild.remove();
    for (let i = this.rows.length; i < n; ++i) {
      this.rows.push(layers.map(layer => this.cell(pass, i, layer)));
      this.body.append(make('tr', {}, make('th', {scope: 'row'}, tokenSpan(queries, i)), ...this.rows[i],
                            make('td', {class: 'plain'})));
    }
    for (let i = 0; i < n; ++i)
      this.body.children[i].lastChild.textContent = i + 1 < n ? shown(queries[i + 1]) : '?';
    this.stop(this.rows[n - 1][model.layers]);
    this.box.scrollTop = this.box.scrollHeight;
  },
  select() {},
  overview() { say(this.rows[this.rows.length - 1][model.layers].title); },

  build(root, layers) {
    const column = name => make('th', {scope: 'col'}, name);
    this.rows = [];
    this.body = make('tbody', {onkeydown: event => this.move(event)});
    this.note = make('p', {class: 'legend'}, 'The likeliest next token, if the model ended after this layer, at ' +
      'temperature 1. The stronger the colour, the more certain.');
    this.box = make('div', {class: 'scroll tall'}, make('table', {class: 'heat lens'},
      make('thead', {}, make('tr', {}, column('token'), ...layers.map(l => column(l === 0 ? 'embedding'
        : l === model.layers ? 'layer ' + l + ', the model' : 'layer ' + l)), column('in the text'))), this.body));
    root.replaceChildren(this.note, this.box);
  },
  cell(pass, position, layer) {
    const p = probabilities(pass.logits(position, layer)), [first, ...others] = likeliest(p, 3);
    const percent = id => "'" + spoken(page.names[id]) + "' " + (100 * p[id]).toFixed(1) + ' %';
    const after = layer === 0 ? 'the embedding' : layer === model.layers ? 'all layers' : 'layer ' + layer;
    const words = 'after ' + after + ', at ' + named(page.sets[0].queries, position) + ': ' +
      [first, ...others].map(percent).join(', ');
    const td = make('td', {class: 'says', tabindex: -1, onfocus: () => { this.stop(td); say(words); },
      onmouseenter: () => say(words), title: words, 'aria-label': words}, shown(page.names[first]));
    fillCell(td, heat(p[first]));
    return td;
  },
  // One tab stop; arrow keys move it.
  stop(cell) {
    if (this.stopped) this.stopped.tabIndex = -1;
    this.stopped = cell;
    cell.tabIndex = 0;
  },
  move(event) {
    const {parentNode: row, cellIndex} = event.target;
    const to = moved(event, row.sectionRowIndex, cellIndex - 1, this.rows.length, model.layers + 1);
    if (to) this.rows[to[0]][to[1]].focus();
  },
};
