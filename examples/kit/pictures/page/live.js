// The live page: a text, the model's pass through it, and what the reader changes in the model.

const model = readModel(page), tokeniser = readTokeniser(JSON.parse(page.tokeniser), page.names);
const longest = model.context = Math.min(model.context, page.window);  // tokens that the page reads at most
const mostBars = 7, mostWritten = 4000;
const live = {
  text: page.text, otherText: page.other, temperature: 0.8, topK: 0,
  tokens: [],                                // of the whole text
  plain: new Pass(model),                    // the model as it is
  changed: new Pass(model),                  // with heads scaled and positions patched
  other: new Pass(model),                    // reading the other text
  scale: new Map(),                          // "layer head" -> how strong it is, where that is not 1
  patches: new Set(),                        // "layer position"
  version: 0,                                // grows when what is computed for the same text changes
  same: 0,                                   // positions whose tokens have not changed
  isChanged: () => live.scale.size > 0 || live.patches.size > 0,
  pass: () => live.isChanged() ? live.changed : live.plain,
};

// --- Reading ------------------------------------------------------------------------------------

// The last tokens, as many as fit. Where it must be cut, it is cut in steps, so that the next token costs little.
function fitting(tokens) {
  const all = [...page.begin, ...tokens], ids = all.length ? all : page.empty, over = ids.length - longest;
  if (over <= 0) return ids;
  const step = Math.max(1, longest >> 2), begin = page.begin.length;
  return [...page.begin, ...ids.slice(begin + Math.min(Math.ceil(over / step) * step, ids.length - begin - 1))];
}


// Brings all passes up to date and redraws.
function compute() {
  const begun = performance.now(), ids = fitting(live.tokens), computed = live.plain.read(ids);
  live.same = Math.min(live.same, ids.length - computed);
  live.other.read(fitting(tokeniser.encode(live.otherText).ids));
  for (const place of [...live.patches])
    if (!patchFits(place)) live.patches.delete(place);
  if (live.isChanged()) {
    const wish = live.wholeVersion(true);
    if (wish !== live.changed.wish) live.changed.ids = [];
    live.changed.wish = wish;
    live.changed.scale.fill(1);
    for (const [place, strength] of live.scale) {
      const [layer, head] = place.split(' ').map(Number);
      live.changed.scale[layer * model.heads + head] = strength;
    }
    live.changed.patches = [...live.patches].map(place => live.patchOf(...place.split(' ').map(Number)));
    live.changed.read(ids);
  }
  page.sets[0] = setOf(live.pass());
  if (state.token && state.token.index >= ids.length) state.token = null;
  const milliseconds = performance.now() - begun;
  byId('text-note').textContent = live.tokens.length + (live.tokens.length === 1 ? ' token' : ' tokens') +
    (ids.length < live.tokens.length ? ', of which the last ' + (ids.length - page.begin.length) + ' are read' : '') +
    '; computed in ' + milliseconds.toFixed(1) + ' ms' + (live.unknown.length
      ? '. The model has no token for ' + live.unknown.map(c => "'" + shown(c) + "'").join(', ') + '.' : '.');
  drawBars();
}

const patchFits = place => {
  const position = +place.split(' ')[1];
  return position < Math.min(live.plain.ids.length, live.other.ids.length);
};
live.patchOf = (layer, position) => ({layer, position,
  vector: live.other.residual[layer].slice(position * model.width, (position + 1) * model.width)});
live.isPatched = (layer, position) => live.patches.has(layer + ' ' + position);
// Of everything that the changed pass depends on, or only of the changes.
live.wholeVersion = (changesOnly = false) => JSON.stringify([[...live.scale], [...live.patches], live.otherText,
                                                             changesOnly || live.plain.ids]);

// What the views draw. Row i of a pass has i + 1 weights, here it has n.
function setOf(pass) {
  const n = pass.ids.length, tokens = pass.ids.map(id => page.names[id]);
  const whole = packed => {
    const w = new Float32Array(n * n);
    for (let i = 0; i < n; ++i) w.set(packed.subarray(i * (i + 1) / 2, (i + 1) * (i + 2) / 2), i * n);
    return w;
  };
  const {heads, kvHeads, headWidth: d, context} = model;
  const queries = (l, h) => {
    const q = new Float32Array(n * d);
    for (let i = 0; i < n; ++i) q.set(pass.q[l].subarray((i * heads + h) * d, (i * heads + h + 1) * d), i * d);
    return q;
  };
  const keys = (l, h) => pass.k[l].slice(Math.floor(h * kvHeads / heads) * context * d).subarray(0, n * d);
  const vectors = range(model.layers).map(l => range(heads).map(h => ({
    get q() { return this.queries ??= queries(l, h); },
    get k() { return this.keys ??= keys(l, h); }, width: d, scale: 1 / Math.sqrt(d)})));
  return {name: '', queries: tokens, keys: tokens, layers: pass.weights.map(layer => layer.map(whole)), vectors,
          allowed: range(n).map(i => '1'.repeat(i + 1) + '0'.repeat(n - i - 1))};
}

// Redraws after a change; the status line then changes without being read aloud.
function redraw() {
  compute();
  byId('status').setAttribute('aria-live', 'off');
  draw();
  byId('status').setAttribute('aria-live', 'polite');
}

// --- What comes next ----------------------------------------------------------------------------

const logitsNow = pass => pass.logits(pass.ids.length - 1);
function drawBars() {
  const p = probabilities(logitsNow(live.pass()), live.temperature, live.topK);
  const before = live.isChanged() ? probabilities(logitsNow(live.plain), live.temperature, live.topK) : null;
  const list = byId('bars');
  while (list.children.length < Math.min(mostBars, model.vocab)) {
    const button = make('button', {class: 'bar', onclick: () => take(+button.dataset.id)},
      make('span', {class: 'token'}), make('span', {class: 'track'}, make('i'), make('b')),
      make('span', {class: 'number'}));
    list.append(make('li', {}, button));
  }
  const best = likeliest(p, list.children.length);
  best.forEach((id, at) => {
    const button = list.children[at].firstChild, [token, track, number] = button.children, name = page.names[id];
    button.dataset.id = id;
    token.textContent = shown(name);
    number.textContent = (100 * p[id]).toFixed(1) + ' %';
    track.firstChild.style.width = 100 * p[id] + '%';
    track.lastChild.hidden = !before;
    if (before) track.lastChild.style.left = 100 * before[id] + '%';
    button.setAttribute('aria-label', "'" + spoken(name) + "' " + (100 * p[id]).toFixed(1) + ' %' +
      (before ? ', before the changes ' + (100 * before[id]).toFixed(1) + ' %' : '') + ': take it');
  });
  const bits = p.reduce((sum, x) => x > 0 ? sum - x * Math.log2(x) : sum, 0);
  byId('next-note').textContent = 'Press one to take it. Entropy ' + bits.toFixed(2) + ' bits of ' +
    Math.log2(model.vocab).toFixed(1) + '.';
  byId('changes').hidden = !before;
  if (!before) return;
  const count = (n, one, many) => n ? [n + ' ' + (n === 1 ? one : many)] : [];
  byId('changes-note').textContent = [...count(live.scale.size, 'head changed', 'heads changed'),
    ...count(live.patches.size, 'position patched', 'positions patched')].join(', ') +
    '; the marks show the model as it was.';
}

const modelPrecision = () => page.bits === 32 ? 'The model’s weights are stored exactly.'
  : 'To keep the file small, the model’s matrices are stored in 8 bits with a scale per row: probabilities differ ' +
    'a little from those of the model itself.';

// --- Writing ------------------------------------------------------------------------------------

live.unknown = [];
function typed(text) {
  live.text = text;
  const {ids, unknown} = tokeniser.encode(text);
  live.unknown = unknown;
  live.tokens = ids;
  redraw();
}
function take(id) {
  live.tokens = [...live.tokens, id];
  showTokens();
}
function showTokens() {
  live.text = tokeniser.decode(live.tokens);
  byId('text').value = live.text;
  byId('text').scrollTop = byId('text').scrollHeight;
  redraw();
}
function step() {
  const p = probabilities(logitsNow(live.pass()), live.temperature, live.topK), id = drawn(p, Math.random());
  if (id === page.end || live.tokens.length > mostWritten) return false;
  take(id);
  return true;
}
function write(on) {
  live.writing = on;
  byId('run').setAttribute('aria-pressed', on);
  byId('run').textContent = on ? 'Stop' : 'Write on';
  const next = () => {
    if (!live.writing) return;
    if (step()) setTimeout(next, 60);
    else write(false);
  };
  if (on) next();
}

// --- Changes ------------------------------------------------------------------------------------

function scaleHead(layer, head, strength) {
  if (strength === 1) live.scale.delete(layer + ' ' + head);
  else live.scale.set(layer + ' ' + head, strength);
  ++live.version;
  redraw();
}
const strengthOf = (layer, head) => live.scale.get(layer + ' ' + head) ?? 1;
live.togglePatch = (layer, position) => {
  const place = layer + ' ' + position;
  if (!live.patches.delete(place)) live.patches.add(place);
  ++live.version;
  redraw();
};
live.setOther = text => {
  live.otherText = text;
  ++live.version;
  redraw();
};
headTools.push({
  mark(layer, head) {
    const strength = strengthOf(layer, head);
    return strength === 1 ? '' : strength === 0 ? 'off' : '× ' + strength;
  },
  controls(layer, head) {
    const slider = make('input', {type: 'range', min: 0, max: 2, step: 0.25, id: 'strength',
      oninput: () => set(+slider.value)}), value = make('output', {for: 'strength'});
    const button = make('button', {onclick: () => set(strengthOf(layer, head) === 0 ? 1 : 0)});
    const mark = () => {
      slider.value = strengthOf(layer, head);
      value.textContent = '× ' + strengthOf(layer, head);
      button.textContent = strengthOf(layer, head) === 0 ? 'Switch on' : 'Switch off';
    };
    const set = strength => { scaleHead(layer, head, strength); mark(); };
    this.refresh = mark;
    mark();
    return make('div', {class: 'controls'}, button,
      make('label', {class: 'group', for: 'strength'}, 'strength ', slider, value));
  },
});

// --- Start ----------------------------------------------------------------------------------------

addressParts.push({
  write: () => '&text=' + encodeURIComponent(live.text) +
    (live.otherText ? '&other=' + encodeURIComponent(live.otherText) : '') +
    '&temperature=' + live.temperature + '&topk=' + live.topK +
    (live.scale.size ? '&scale=' + [...live.scale].map(([at, s]) => at.replace(' ', '.') + ':' + s).join('_') : '') +
    (live.patches.size ? '&patch=' + [...live.patches].map(place => place.replace(' ', '.')).join('_') : ''),
  read(given) {
    const number = (name, most, otherwise) => given.has(name) && +given.get(name) >= 0 && +given.get(name) <= most
      ? +given.get(name) : otherwise;
    live.text = given.get('text') ?? live.text;
    live.otherText = given.get('other') ?? live.otherText;
    live.temperature = number('temperature', 2, live.temperature);
    live.topK = Math.floor(number('topk', model.vocab, live.topK));
    const places = (name, rows, columns) => [...(given.get(name) || '').matchAll(/(\d+)\.(\d+)(?::([\d.]+))?/g)]
      .map(([, a, b, s]) => [+a, +b, +(s ?? 1)]).filter(([a, b, s]) => a < rows && b < columns && s <= 2);
    live.scale = new Map(places('scale', model.layers, model.heads).map(([l, h, s]) => [l + ' ' + h, s]));
    live.patches = new Set(places('patch', model.layers + 1, longest).map(([l, i]) => l + ' ' + i));
    ++live.version;
    byId('text').value = live.text;
    byId('temperature').value = live.temperature;
    byId('temperature-shown').textContent = live.temperature.toFixed(2);
    byId('top-k').value = live.topK;
    const {ids, unknown} = tokeniser.encode(live.text);
    live.unknown = unknown;
    live.tokens = ids;
    compute();
  },
});

onStart.unshift(() => {
  page.exact = true;
  page.sets = [{vectors: []}];  // until the address is read
  byId('text').addEventListener('input', event => typed(event.target.value));
  byId('step').addEventListener('click', step);
  byId('run').addEventListener('click', () => write(!live.writing));
  byId('undo').addEventListener('click', () => { live.tokens = live.tokens.slice(0, -1); showTokens(); });
  byId('restore').addEventListener('click', () => {
    live.scale.clear();
    live.patches.clear();
    ++live.version;
    for (const tool of headTools) if (tool.refresh) tool.refresh();
    redraw();
    byId('text').focus();
  });
  byId('temperature').addEventListener('input', event => {
    live.temperature = +event.target.value;
    byId('temperature-shown').textContent = live.temperature.toFixed(2);
    drawBars();
    writeAddress();
  });
  byId('top-k').setAttribute('max', model.vocab);
  byId('top-k').addEventListener('input', event => {
    live.topK = Math.min(model.vocab, Math.max(0, Math.floor(+event.target.value || 0)));
    drawBars();
    writeAddress();
  });
  byId('view').addEventListener('keydown', event => {
    if (event.key !== 'x' || !event.target.matches('.thumb')) return;
    scaleHead(state.layer, state.heads[0], strengthOf(state.layer, state.heads[0]) === 0 ? 1 : 0);
    for (const tool of headTools) if (tool.refresh) tool.refresh();
  });
});
