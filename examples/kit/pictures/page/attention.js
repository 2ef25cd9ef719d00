'use strict';

const page = JSON.parse(document.getElementById('data').textContent);
const state = {view: 'head', set: 0, layer: 0, heads: [],
               token: null};  // or {side: 'q' or 'k', index}
const views = {};  // name -> {title, draw(root), select(token)}; views.js fills it

// Makes an element: make('td', {class: 'x', onclick: f}, 'text' or elements …). Text is never parsed
// as HTML. An attribute whose value is null or undefined is left out.
function make(tag, attributes, ...children) {
  const svg = tag === 'svg' || tag === 'line';
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag)
                      : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
const byId = id => document.getElementById(id);

// --- Data -------------------------------------------------------------------------------------

const currentSet = () => page.sets[state.set];
const headCount = () => currentSet().layers[state.layer].length;
const masked = (i, j) => currentSet().allowed !== null && currentSet().allowed[i][j] === '0';

// The weights of one head as {w, exact}: w[i * keys + j], and whether that weight is exact.
const decoded = new Map();
function weightsOf(head) {
  const {layers, keys} = currentSet();
  const key = state.set + ' ' + state.layer + ' ' + head;
  if (!decoded.has(key)) decoded.set(key, decode(layers[state.layer][head], keys.length));
  return decoded.get(key);
}
function decode(stored, keys) {
  if (Array.isArray(stored)) return {w: stored, exact: () => true};
  const w = Array.from(atob(stored.bytes), c => stored.low + stored.step * c.charCodeAt(0));
  const exact = new Set();
  stored.top.forEach((row, i) => {
    for (let k = 0; k < row.length; k += 2) {
      w[i * keys + row[k]] = row[k + 1];
      exact.add(i * keys + row[k]);
    }
  });
  return {w, exact: position => exact.has(position)};
}
// The mean over the selected heads.
function meanWeight(i, j) {
  const m = currentSet().keys.length;
  const sum = state.heads.reduce((sum, head) => sum + weightsOf(head).w[i * m + j], 0);
  return sum / state.heads.length;
}

// --- Words ------------------------------------------------------------------------------------

const glyphs = {' ': '␣', '\n': '⏎', '\t': '⇥', '\r': '␍', '': '∅'};
const names = {' ': 'space', '\n': 'newline', '\t': 'tab', '\r': 'carriage return',
               '': 'empty token'};
const shown = token =>
  glyphs[token] || token.replace(/[\n\t\r]/g, c => glyphs[c]).replace(/^ | $/g, '␣');
const spoken = token => names[token] || token;
const headWord = () =>
  state.heads.length === 1 ? 'head ' + state.heads[0] : 'mean of ' + state.heads.length + ' heads';
const named = (tokens, index) => "'" + spoken(tokens[index]) + "' (#" + index + ')';
const tokenSpan = token => make('span', {class: 'token', title: spoken(token)}, shown(token));

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
  const within = (text, count, otherwise) =>
    /^\d+$/.test(text || '') && +text < count ? +text : otherwise;
  if (Object.hasOwn(views, given.get('view') || '')) state.view = given.get('view');
  state.set = within(given.get('set'), page.sets.length, 0);
  state.layer = within(given.get('layer'), currentSet().layers.length, 0);
  const heads = (given.get('heads') || '').split('.')
    .map(h => within(h, headCount(), -1)).filter(h => h >= 0);
  state.heads = heads.length ? [...new Set(heads)].sort((a, b) => a - b) : allHeads();
  const [, side, index] = /^([qk])(\d+)$/.exec(given.get('token') || '') || [];
  const count = side === 'q' ? currentSet().queries.length : currentSet().keys.length;
  state.token = side && +index < count ? {side, index: +index} : null;
}
function writeAddress() {
  const heads = state.heads.length < headCount() ? '&heads=' + state.heads.join('.') : '';
  const token = state.token ? '&token=' + state.token.side + state.token.index : '';
  const hash =
    '#view=' + state.view + '&set=' + state.set + '&layer=' + state.layer + heads + token;
  if (hash === location.hash) return;
  try {
    history.replaceState(null, '', hash);
  } catch (error) {
    // Some viewers forbid this; the address then stays as it is.
  }
}
const allHeads = () => Array.from({length: headCount()}, (unused, h) => h);

// --- Controls ---------------------------------------------------------------------------------

function choice(label, options, current, choose) {
  const select = make('select', {onchange: event => choose(+event.target.value)},
    ...options.map((text, i) =>
      make('option', {value: i, selected: i === current ? '' : null}, text)));
  return make('label', {class: 'group'}, label + ' ', select);
}
function tabs() {
  const move = event => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step) return;
    const all = Object.keys(views);
    event.preventDefault();
    show({view: all[(all.indexOf(state.view) + step + all.length) % all.length]});
    byId('tab-' + state.view).focus();
  };
  return make('div', {role: 'tablist', 'aria-label': 'view', class: 'group', onkeydown: move},
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
  const {layers} = currentSet();
  const parts = [tabs()];
  if (page.sets.length > 1)
    parts.push(choice('attention', page.sets.map((set, i) => set.name || String(i)), state.set,
                      set => show({set})));
  if (layers.length > 1)
    parts.push(choice('layer', layers.map((unused, l) => String(l)), state.layer,
                      layer => show({layer})));
  if (headCount() > 1)
    parts.push(make('div', {class: 'group', role: 'group', 'aria-label': 'heads'}, 'heads ',
      ...allHeads().map(headButton),
      make('button', {onclick: () => show({heads: allHeads()})}, 'all')));
  byId('controls').replaceChildren(...parts);
}
function markControls() {
  for (const name of Object.keys(views)) {
    byId('tab-' + name).setAttribute('aria-selected', name === state.view);
    byId('tab-' + name).tabIndex = name === state.view ? 0 : -1;
  }
  for (const button of document.querySelectorAll('[data-head]'))
    button.setAttribute('aria-pressed', state.heads.includes(+button.dataset.head));
}

// Changes the state and redraws what depends on it.
function show(change) {
  const rebuild = 'set' in change || 'layer' in change;
  Object.assign(state, change);
  if ('set' in change) state.layer = 0, state.token = null;
  if (rebuild) {
    state.heads = state.heads.filter(h => h < headCount());
    if ('set' in change || !state.heads.length) state.heads = allHeads();
    const focused = document.activeElement && document.activeElement.closest('label');
    const label = focused && focused.firstChild.textContent;
    drawControls();
    for (const other of document.querySelectorAll('#controls label'))
      if (other.firstChild.textContent === label) other.querySelector('select').focus();
  }
  draw();
}
function draw() {
  markControls();
  byId('view').setAttribute('aria-labelledby', 'tab-' + state.view);
  views[state.view].draw(byId('view'));
  select(state.token);
}
// Shows a token's weights, or with null all weights. Only pin() remembers the token.
function select(token) {
  views[state.view].select(token);
  if (token) say(sentence(token)); else sayOverview();
  writeAddress();
}
function pin(token) {
  const same = token && state.token && token.side === state.token.side &&
               token.index === state.token.index;
  state.token = same ? null : token;
  select(state.token || token);
}

function start() {
  const fresh = () => { readAddress(); drawControls(); draw(); };
  byId('precision').textContent = page.exact ? 'All weights are stored exactly.'
    : 'To keep the file small, weights are stored in 8 bits (marked ≈, error at most 1/510 of ' +
      'their head’s range); the five largest of each query are exact.';
  addEventListener('hashchange', fresh);
  addEventListener('keydown', event => {
    if (event.key === 'Escape') { state.token = null; select(null); }
  });
  fresh();
}
