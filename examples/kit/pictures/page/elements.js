// Elements of the page, and how tokens are written and spoken.

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
const range = n => Array.from({length: n}, (unused, i) => i);

// "AAAA…" -> its bytes; and as 32-bit floats, little-endian.
function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}
function floatsOf(base64) {
  const bytes = bytesOf(base64), view = new DataView(bytes.buffer);
  return Float32Array.from({length: bytes.length / 4}, (unused, i) => view.getFloat32(4 * i, true));
}

// --- Tokens -----------------------------------------------------------------------------------

const glyphs = {' ': '␣', '\n': '⏎', '\t': '⇥', '\r': '␍', '': '∅'};
const names = {' ': 'space', '\n': 'newline', '\t': 'tab', '\r': 'carriage return', '': 'empty token'};
const shown = token =>
  glyphs[token] || token.replace(/[\n\t\r]/g, c => glyphs[c]).replace(/^ | $/g, '␣');
const spoken = token => names[token] || token;
// A part of a text (`first` is where it begins) keeps the positions of the whole.
const place = (tokens, index) => (tokens.first || 0) + index;
const named = (tokens, index) => "'" + spoken(tokens[index]) + "' (#" + place(tokens, index) + ')';

// A token as text; one that occurs again in the same list has its position beside it.
function tokenSpan(tokens, index) {
  const token = tokens[index], again = tokens.indexOf(token) !== tokens.lastIndexOf(token);
  const upright = /[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]|[\ud840-\ud88f]/.test(token);
  const words = spoken(token) + ' (#' + place(tokens, index) + ')';
  return make('span', {class: upright ? 'token upright' : 'token', title: words},
    shown(token), ...again ? [make('sub', {}, String(place(tokens, index)))] : []);
}

// --- Colours ----------------------------------------------------------------------------------

const darkMode = matchMedia('(prefers-color-scheme: dark)');

// A weight 0 … 1: from paper to blue to the darkest (in dark mode the lightest) blue. Returns [r, g, b].
function heat(t) {
  const [low, middle, high] = darkMode.matches ? [[30, 33, 38], [33, 128, 188], [214, 238, 255]]
                                               : [[250, 250, 250], [0, 114, 178], [0, 30, 66]];
  const [a, b, s] = t < 0.6 ? [low, middle, t / 0.6] : [middle, high, (t - 0.6) / 0.4];
  return a.map((from, c) => Math.round(from + (b[c] - from) * Math.min(Math.max(s, 0), 1)));
}
// A number of either sign, -1 … 1: orange below, blue above, paper at 0.
function signed(t) {
  const from = darkMode.matches ? [30, 33, 38] : [250, 250, 250], s = Math.min(Math.abs(t), 1);
  const [below, above] = darkMode.matches ? [[240, 140, 60], [90, 180, 240]] : [[200, 80, 0], [0, 100, 165]];
  const to = t < 0 ? below : above;
  return from.map((c, i) => Math.round(c + (to[i] - c) * s));
}
const css = rgb => 'rgb(' + rgb.join(',') + ')';
// Black or white, whichever is easier to read on this colour.
function inkOn(rgb) {
  const [r, g, b] = rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.179 ? '#fff' : '#000';
}
const themeColour = name => getComputedStyle(document.documentElement).getPropertyValue(name);
function fillCell(cell, rgb) {
  cell.style.background = css(rgb);
  cell.style.color = inkOn(rgb);
}

// --- Controls ---------------------------------------------------------------------------------

function choice(label, options, current, choose) {
  const select = make('select', {onchange: event => choose(+event.target.value)},
    ...options.map((text, i) => make('option', {value: i, selected: i === current ? '' : null}, text)));
  return make('label', {class: 'group'}, label + ' ', select);
}

// Arrow keys move (i, j) within n rows and m columns; returns null for other keys.
function moved(event, i, j, n, m) {
  const to = {ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1],
              ArrowRight: [i, j + 1], Home: [i, 0], End: [i, m - 1],
              PageUp: [i - 10, j], PageDown: [i + 10, j]}[event.key];
  if (!to || event.ctrlKey || event.altKey || event.metaKey) return null;
  event.preventDefault();
  return [Math.min(Math.max(to[0], 0), n - 1), Math.min(Math.max(to[1], 0), m - 1)];
}

// One tab stop for many cells: arrow keys move among cells[i][j].
function rovingCells(cells, start = [0, 0]) {
  cells.forEach((row, i) => row.forEach((cell, j) => {
    cell.tabIndex = i === start[0] && j === start[1] ? 0 : -1;
    cell.addEventListener('keydown', event => {
      const to = moved(event, i, j, cells.length, row.length);
      if (to) cells[to[0]][to[1]].focus();
    });
    cell.addEventListener('focus', () => {
      for (const other of cells.flat()) other.tabIndex = -1;
      cell.tabIndex = 0;
    });
  }));
}
