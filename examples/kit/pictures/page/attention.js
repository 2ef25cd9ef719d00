// Weights, state and controls. A view is an entry of `views`: `title` is on its tab, `draw(root)` fills `root` from
// `state`, `select(token)` highlights a token's weights (null: no token is selected).
const page = JSON.parse(document.getElementById('data').textContent);
const state = {view: 'model', set: 0, filter: 0, layer: 0, heads: [],
               token: null};  // or {side: 'q' or 'k', index}
const views = {};
const onStart = [];       // functions to call before the page is first drawn
const addressParts = [];  // {write() -> '&name=value', read(parameters)}: what else the address records

// --- Data -------------------------------------------------------------------------------------

// A set {name, queries, keys, allowed, layers}; with two sentences, `second` is where the second begins, and only
// weights from one of them to one of them may be asked for.
const filters = ['all', 'A → A', 'A → B', 'B → A', 'B → B'];
const kept = {};  // what was computed for the current set: {key, set, heads: Map, measures: Map}
function currentSet() {
  const set = page.sets[state.set], key = state.set + ' ' + state.filter;
  if (kept.key !== key || kept.whole !== set) {
    const within = second => second ? [set.second, set.queries.length] : [0, set.second];
    const [q0, q1] = within(state.filter > 2), [k0, k1] = within(state.filter % 2 === 0);
    const slice = (tokens, first, end) => Object.assign(tokens.slice(first, end), {first});
    const part = state.filter === 0 ? set : {...set, queries: slice(set.queries, q0, q1), keys: slice(set.keys, k0, k1),
      allowed: set.allowed && set.allowed.slice(q0, q1).map(row => row.slice(k0, k1)), from: [q0, k0]};
    Object.assign(kept, {key, whole: set, set: part, heads: new Map(), measures: new Map()});
  }
  return kept.set;
}
const headCount = (layer = state.layer) => currentSet().layers[layer].length;
const masked = (i, j) => currentSet().allowed !== null && currentSet().allowed[i][j] === '0';

// The weights of one head as {w, exact}: w[i * keys + j], and whether that weight is exact.
function weightsOf(head, layer = state.layer) {
  const set = currentSet(), key = layer + ' ' + head;
  if (!kept.heads.has(key)) {
    if (kept.heads.size > 200) kept.heads.clear();
    const whole = decode(set.layers[layer][head], kept.whole);
    kept.heads.set(key, set.from ? cut(whole, set, kept.whole.keys.length) : whole);
  }
  return kept.heads.get(key);
}
// Stored are the weights, or of those that are not masked bytes, and of each row some exactly.
function decode(stored, {queries, keys, allowed}) {
  if (!stored.bytes) return {w: stored, exact: () => true};
  const m = keys.length, w = new Float32Array(queries.length * m), exact = new Set(), bytes = atob(stored.bytes);
  const may = p => !allowed || allowed[Math.floor(p / m)][p % m] !== '0';
  for (let p = 0, next = 0; p < w.length; ++p)
    if (may(p)) w[p] = stored.low + stored.step * bytes.charCodeAt(next++);
  stored.top.forEach((row, i) => {
    for (let k = 0; k < row.length; k += 2) {
      w[i * m + row[k]] = row[k + 1];
      exact.add(i * m + row[k]);
    }
  });
  return {w, exact: position => exact.has(position)};
}
function cut({w, exact}, {queries, keys, from: [q0, k0]}, m) {
  const whole = p => (q0 + Math.floor(p / keys.length)) * m + k0 + p % keys.length;
  return {w: range(queries.length * keys.length).map(p => w[whole(p)]), exact: p => exact(whole(p))};
}
// The mean over the selected heads.
function meanWeight(i, j) {
  const m = currentSet().keys.length;
  const sum = state.heads.reduce((sum, head) => sum + weightsOf(head).w[i * m + j], 0);
  return sum / state.heads.length;
}
// What the head does (measures.js).
function measured(layer, head) {
  const set = currentSet(), key = layer + ' ' + head;
  if (!kept.measures.has(key)) kept.measures.set(key, measure(set, weightsOf(head, layer).w));
  return kept.measures.get(key);
}
// The head whose queries' largest weights are largest on average.
function sharpestHead() {
  const set = page.sets[state.set], m = set.keys.length;
  const largest = stored => {
    if (stored.top) return stored.top.reduce((sum, row) => sum + row[1], 0);
    let sum = 0;
    for (let i = 0; i < set.queries.length; ++i) {
      let most = 0;
      for (let j = 0; j < m; ++j) most = Math.max(most, stored[i * m + j]);
      sum += most;
    }
    return sum;
  };
  let best = {layer: 0, head: 0, value: -1};
  set.layers.forEach((heads, layer) => heads.forEach((stored, head) => {
    const value = largest(stored);
    if (value > best.value + 1e-9) best = {layer, head, value};
  }));
  return best;
}

// --- Words ------------------------------------------------------------------------------------

const headWord = () =>
  state.heads.length === 1 ? 'head ' + state.heads[0] : 'mean of ' + state.heads.length + ' heads';

// "'cat' (#1) attends 0.62 to 'the' (#0), 0.20 to 'sat' (#2) (mean of 4 heads)": the three largest
// weights, without those that are masked or round to zero.
function sentence({side, index}) {
  const {queries, keys} = currentSet();
  const others = side === 'q' ? keys : queries;
  const weight = k => side === 'q' ? meanWeight(index, k) : meanWeight(k, index);
  const hidden = k => side === 'q' ? masked(index, k) : masked(k, index);
  const strongest = others.map((token, k) => k)
    .filter(k => !hidden(k) && weight(k) >= 0.005)
    .sort((a, b) => weight(b) - weight(a)).slice(0, 3);
  const parts = strongest.map(
    k => weight(k).toFixed(2) + (side === 'q' ? ' to ' : ' from ') + named(others, k));
  const nothing = side === 'q' ? 'to no token' : 'from no token';
  return named(side === 'q' ? queries : keys, index) + (side === 'q' ? ' attends ' : ' receives ') +
         (parts.length ? parts.join(', ') : nothing) + ' (' + headWord() + ')';
}
function headSentence(layer, head) {
  const {kind, share, sharpness, entropy, distance} = measured(layer, head);
  return 'layer ' + layer + ', head ' + head + ': ' + kind + (share ? ' ' + Math.round(100 * share) + ' %' : '') +
         ', sharpness ' + sharpness.toFixed(2) + ', entropy ' + entropy.toFixed(1) + ' bits, mean distance ' +
         distance.toFixed(1);
}
function say(text) { byId('status').textContent = text; }
function sayOverview() {
  const {name, queries, keys, layers} = currentSet();
  say((name ? name + ': ' : '') + queries.length + ' queries, ' + keys.length + ' keys, layer ' +
      state.layer + ' (of ' + layers.length + '), ' + state.heads.length + ' of ' + headCount() +
      ' heads. Point at a token, or move to it with the arrow keys.');
}

// --- Address: #view=heat&set=0&layer=1&heads=0.2&token=q3 -------------------------------------

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const within = (name, count, otherwise) =>
    /^\d+$/.test(given.get(name) || '') && +given.get(name) < count ? +given.get(name) : otherwise;
  for (const part of addressParts) part.read(given);
  if (Object.hasOwn(views, given.get('view') || '')) state.view = given.get('view');
  state.set = within('set', page.sets.length, 0);
  state.filter = page.sets[state.set].second ? within('filter', filters.length, 0) : 0;
  const sharpest = given.has('layer') ? {layer: 0} : sharpestHead();
  state.layer = within('layer', currentSet().layers.length, sharpest.layer);
  const heads = (given.get('heads') || '').split('.')
    .map(h => /^\d+$/.test(h) && +h < headCount() ? +h : -1).filter(h => h >= 0);
  state.heads = heads.length ? [...new Set(heads)].sort((a, b) => a - b)
    : given.has('layer') ? allHeads() : [sharpest.head];
  const [, side, index] = /^([qk])(\d+)$/.exec(given.get('token') || '') || [];
  const count = side === 'q' ? currentSet().queries.length : currentSet().keys.length;
  state.token = side && +index < count ? {side, index: +index} : null;
}
let waiting = null;
function writeAddress() {  // at once when nothing has changed for a while: browsers allow few changes a second
  clearTimeout(waiting);
  waiting = setTimeout(writeAddressNow, 200);
}
function writeAddressNow() {
  const heads = state.heads.length < headCount() ? '&heads=' + state.heads.join('.') : '';
  const token = state.token ? '&token=' + state.token.side + state.token.index : '';
  const hash = '#view=' + state.view + '&set=' + state.set + (state.filter ? '&filter=' + state.filter : '') +
    '&layer=' + state.layer + heads + token + addressParts.map(part => part.write()).join('');
  if (hash === location.hash) return;
  try {
    history.replaceState(null, '', hash);
  } catch (error) {
    // Some viewers forbid this; the address then stays as it is.
  }
}
const allHeads = () => range(headCount());

// --- Controls ---------------------------------------------------------------------------------

function tabs() {
  const move = event => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step) return;
    const all = Object.keys(views);
    event.preventDefault();
    show({view: all[(all.indexOf(state.view) + step + all.length) % all.length]});
    byId('tab-' + state.view).focus();
  };
  return make('div', {role: 'tablist', 'aria-label': 'view', class: 'group tabs', onkeydown: move},
    ...Object.entries(views).map(([name, view]) => make('button', {
      role: 'tab', id: 'tab-' + name, 'aria-controls': 'view', onclick: () => show({view: name}),
    }, view.title)));
}
function toggleHead(head, alone) {
  const on = state.heads.includes(head);
  if (alone) show({heads: on && state.heads.length === 1 ? allHeads() : [head]});
  else if (!on) show({heads: [...state.heads, head].sort((a, b) => a - b)});
  else if (state.heads.length > 1) show({heads: state.heads.filter(h => h !== head)});
}
function headButton(head) {
  return make('button', {
    class: 'head c' + head % 8, 'data-head': head, 'aria-label': 'head ' + head,
    onclick: event => toggleHead(head, event.shiftKey),
    ondblclick: () => toggleHead(head, true)}, String(head));
}
function drawControls() {
  const {layers, second} = kept.whole || page.sets[state.set];
  const parts = [tabs()];
  if (page.sets.length > 1)
    parts.push(choice('attention', page.sets.map((set, i) => set.name || String(i)), state.set,
                      set => show({set})));
  if (second) parts.push(choice('sentences', filters, state.filter, filter => show({filter})));
  if (layers.length > 1)
    parts.push(choice('layer', layers.map((unused, l) => String(l)), state.layer,
                      layer => show({layer})));
  if (headCount() > 1)
    parts.push(make('div', {class: 'group heads', role: 'group', 'aria-label': 'heads'}, 'heads ',
      ...allHeads().map(headButton),
      make('button', {onclick: () => show({heads: allHeads()})}, 'all')));
  byId('controls').replaceChildren(...parts);
}
function markControls() {
  for (const name of Object.keys(views)) {
    byId('tab-' + name).setAttribute('aria-selected', name === state.view);
    byId('tab-' + name).tabIndex = name === state.view ? 0 : -1;
  }
  // A view that chooses heads itself needs no other choice of them.
  const own = Boolean(views[state.view].choosesHeads);
  for (const part of document.querySelectorAll('#controls .heads, #controls label'))
    if (part.matches('.heads') || part.textContent.startsWith('layer')) part.hidden = own;
  for (const button of document.querySelectorAll('[data-head]'))
    button.setAttribute('aria-pressed', state.heads.includes(+button.dataset.head));
}

// Changes the state and redraws what depends on it.
function show(change) {
  const rebuild = 'set' in change || 'layer' in change || 'filter' in change;
  Object.assign(state, change);
  if ('set' in change) state.filter = 0;
  if ('set' in change || 'filter' in change) state.token = null;
  if ('set' in change) {
    const {layer, head} = sharpestHead();
    Object.assign(state, {layer, heads: [head]});
  }
  if (rebuild) {
    state.heads = state.heads.filter(h => h < headCount());
    if (!state.heads.length) state.heads = allHeads();
    const focused = document.activeElement && document.activeElement.closest('label');
    const label = focused && focused.firstChild.textContent;
    drawControls();
    for (const other of document.querySelectorAll('#controls label'))
      if (other.firstChild.textContent === label) other.querySelector('select').focus();
  }
  draw();
  if ('view' in change && byId('controls').getBoundingClientRect().top < 0) byId('controls').scrollIntoView();
}
function draw() {
  markControls();
  byId('view').setAttribute('aria-labelledby', 'tab-' + state.view);
  views[state.view].draw(byId('view'));
  select(state.token);
}
// Shows a token's weights, or with null all weights. Only pin() remembers the token.
function select(token) {
  const view = views[state.view];
  view.select(token);
  if (token) say(sentence(token));
  else if (view.overview) view.overview();
  else sayOverview();
  writeAddress();
}
function pin(token) {
  const same = token && state.token && token.side === state.token.side &&
               token.index === state.token.index;
  state.token = same ? null : token;
  select(state.token || token);
}

const precision = () => page.sizes ? modelPrecision() : page.exact ? 'All weights are stored exactly.'
  : 'To keep the file small, weights are stored in 8 bits (marked ≈, error at most 1/510 of ' +
    'their head’s range); the five largest of each query are exact.';

function start() {
  for (const prepare of onStart) prepare();
  const fresh = () => { readAddress(); drawControls(); draw(); };
  byId('precision').textContent = precision();
  addEventListener('hashchange', fresh);
  addEventListener('keydown', event => {
    if (event.key === 'Escape') { state.token = null; select(null); }
  });
  darkMode.addEventListener('change', draw);
  fresh();
}
