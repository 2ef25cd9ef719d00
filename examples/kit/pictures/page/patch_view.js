// --- Patch: put a part of another text's computation into this one ------------------------------
//
// A cell stands for the residual stream before a layer (in the last column: after the last), at a position. When it is
// on, the vector of the other text at the same position takes its place, and everything after it is computed anew
// (activation patching; Meng et al. 2022, Wang et al. 2022).

views.patch = {
  title: 'Patch',
  choosesHeads: true,
  draw(root) {
    if (live.otherText === '') return live.setOther(live.text);  // to be edited
    const {plain, other} = live, {queries} = page.sets[0], n = queries.length;
    const rows = range(n), columns = range(model.layers + 1), target = this.target();
    const first = rows.find(i => plain.ids[i] !== other.ids[i]) ?? n;  // where the texts begin to differ
    const swept = this.sweep && this.sweep.version === live.wholeVersion();
    const found = swept ? this.sweep.found : new Map();
    const name = layer => layer === 0 ? 'embedding' : 'after layer ' + layer;
    const cell = (i, layer) => {
      const able = i >= first && i < other.ids.length, on = live.isPatched(layer, i);
      const effect = found.get(layer + ' ' + i);
      const words = name(layer) + ', ' + named(queries, i) + ': ' + (!able
        ? i < first ? 'the same in both texts' : 'the other text is shorter' : (on ? 'patched' : 'not patched') +
          (effect === undefined ? '' : ", would change the probability of '" + spoken(page.names[target]) +
           "' by " + (100 * effect).toFixed(1) + ' points'));
      const button = make('button', {class: 'patch',
        'aria-pressed': able ? on : null, 'aria-disabled': able ? null : 'true', 'aria-label': words, title: words,
        onfocus: () => say(words), onclick: () => {
          if (!able) return;
          this.focus = [i, layer];
          live.togglePatch(layer, i);
        }}, on ? '●' : effect === undefined ? able ? '○' : i < first ? '=' : '–' : (100 * effect).toFixed(0));
      if (effect !== undefined) fillCell(button, signed(effect * 1.5));
      return button;
    };
    const cells = rows.map(i => columns.map(layer => cell(i, layer)));
    const at = this.focus && this.focus[0] < n ? this.focus : [n - 1, 0];
    rovingCells(cells, at);
    const input = make('textarea', {rows: 2, id: 'other', spellcheck: 'false',
                                    oninput: () => live.setOther(input.value)});
    input.value = live.otherText;
    const keep = root.querySelector('#other'), focused = document.activeElement, box = root.querySelector('.tall');
    const scroll = box ? box.scrollTop : Math.max(0, first - 2) * 26;
    const column = words => make('th', {scope: 'col'}, words);
    const body = make('div', {class: 'scroll tall'}, make('table', {class: 'heat patching'},
      make('thead', {}, make('tr', {}, column('text'), column('other'), ...columns.map(name).map(column))),
      make('tbody', {}, ...rows.map(i => make('tr', {}, make('th', {scope: 'row'}, tokenSpan(queries, i)),
        make('td', {class: 'plain'}, i < other.ids.length ? shown(page.names[other.ids[i]]) : ''),
        ...cells[i].map(button => make('td', {}, button)))))));
    const button = make('button', {onclick: () => this.tryAll(first)}, 'Try every cell');
    const about = make('p', {class: 'legend'}, 'A number is the change, in points, of the probability of ',
      make('b', {}, "'" + shown(page.names[target]) + "'"),
      ', which the other text makes likeliest, at temperature 1.');
    this.progress = make('span', {class: 'legend', role: 'status'});
    const tools = make('div', {class: 'controls'}, button, this.progress);
    if (keep) {  // while its text is being edited, the field stays
      keep.closest('.writing').nextElementSibling.replaceWith(make('div', {}, tools, about, body));
    } else {
      root.replaceChildren(make('div', {class: 'writing'},
        make('label', {for: 'other'}, 'Another text, alike except for a word'), input),
        make('div', {}, tools, about, body));
    }
    body.scrollTop = scroll;
    if (focused && focused.matches && focused.matches('button.patch')) cells[at[0]][at[1]].focus();
  },
  select() {},
  overview() {
    say(live.otherText === live.text ? 'Change a word of the other text; its parts can then be put into this one.'
                                     : 'A cell takes what the other text has there; Enter switches it on and off.');
  },
  target() { return likeliest(live.other.logits(live.other.ids.length - 1), 1)[0]; },

  // Every cell by itself, some milliseconds at a time.
  tryAll(first) {
    const {plain, other} = live, n = plain.ids.length, target = this.target();
    const found = new Map(), version = live.wholeVersion();
    const ask = pass => probabilities(pass.logits(n - 1))[target], before = ask(plain), left = [];
    for (let i = first; i < Math.min(n, other.ids.length); ++i)
      for (let l = 0; l <= model.layers; ++l) left.push([l, i]);
    const all = left.length, trial = new Pass(model);
    const slice = () => {
      if (version !== live.wholeVersion() || state.view !== 'patch') return;
      const end = performance.now() + 30;
      while (left.length && performance.now() < end) {
        const [layer, position] = left.shift();
        trial.copy(plain);
        trial.patches = [live.patchOf(layer, position)];
        trial.compute(position, layer);
        found.set(layer + ' ' + position, ask(trial) - before);
      }
      this.progress.textContent = all - left.length + ' of ' + all;
      if (left.length) return void setTimeout(slice);
      this.sweep = {found, version};
      this.draw(byId('view'));
    };
    slice();
  },
};
