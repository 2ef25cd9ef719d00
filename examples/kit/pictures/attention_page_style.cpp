// What the attention page looks like, and its fixed parts.
#include <heed/examples/kit/pictures/attention_page.h>

namespace heed::kit {

// Head colours --c0 … --c7 after Okabe & Ito 2008; two are darker on white, two lighter on black.
// Text has a contrast of at least 4.5 : 1 in both modes.
const char* const attention_page_style = R"css(
:root {
  --paper: #fff; --ink: #1b1b1b; --soft: #595959; --edge: #b5b5b5;
  --panel: #f4f5f7; --focus: #d55e00;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b85a92;
  --c4: #b97f00; --c5: #2f97d0; --c6: #857600; --c7: #1b1b1b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181c; --ink: #ececec; --soft: #b0b4ba; --edge: #565b63;
    --panel: #22252b; --focus: #ffb000;
    --c0: #4fa8dc; --c1: #f07a2a; --c2: #1fc295; --c3: #dd92bd;
    --c4: #e69f00; --c5: #7fcaf3; --c6: #f0e442; --c7: #ececec;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif;
}
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; max-width: 60rem; }
footer {
  margin-top: 1.5rem; padding-top: .75rem; border-top: 1px solid var(--edge); color: var(--soft);
}
kbd { font: inherit; border: 1px solid var(--edge); border-radius: 3px; padding: 0 .3em; }
button, select {
  font: inherit; color: var(--ink); background: var(--panel); border: 1px solid var(--edge);
  border-radius: 4px; padding: .2rem .55rem; min-height: 1.9rem;
}
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; }

.controls {
  display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center; margin: .75rem 0;
}
.group { display: flex; flex-wrap: wrap; gap: .3rem; align-items: center; }
[role=tab][aria-selected=true] {
  background: var(--ink); color: var(--paper); border-color: var(--ink);
}
.head::before {
  content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .35em;
  border: 2px solid var(--c); border-radius: 2px; vertical-align: -.1em;
}
.head[aria-pressed=true]::before { background: var(--c); }
.head[aria-pressed=true] { border-color: var(--ink); }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }

#status {
  position: sticky; top: 0; z-index: 2; margin: .5rem 0; padding: .35rem .6rem; min-height: 2.2rem;
  background: var(--panel); border-left: 4px solid var(--edge); overflow-wrap: anywhere;
}
.scroll { overflow: auto; max-width: 100%; }
.token { unicode-bidi: isolate; white-space: pre; }

/* Head view: rows of 26 pixels, which the script's lines count on. */
.columns {
  display: grid; grid-template-columns: fit-content(42%) minmax(70px, 26rem) fit-content(42%);
}
.columns h2 { font-size: .9rem; font-weight: 600; margin: 0; color: var(--soft); }
.columns h2:first-child { text-align: right; }
.columns ol { list-style: none; margin: 0; padding: 0; min-width: 0; }
.columns li { height: 26px; display: flex; align-items: center; gap: 6px; min-width: 0; }
.columns .left li { justify-content: flex-end; }
.columns .token {
  height: 24px; min-height: 0; padding: 0 7px; background: none; border-color: transparent;
  overflow: hidden; text-overflow: ellipsis; line-height: 22px;
}
.columns .token:hover, .columns .token.selected {
  background: var(--panel); border-color: var(--edge);
}
.columns .token.selected { font-weight: 600; }
.columns svg { width: 100%; display: block; }
.columns line {
  stroke: var(--c); stroke-width: 2; vector-effect: non-scaling-stroke; transition: opacity .12s;
}
.columns line.again { stroke-dasharray: 6 3; }
.boxes { display: inline-flex; flex: none; font-size: 12px; align-items: center; gap: 1px; }
.boxes i { width: 9px; height: 16px; background: var(--c); }
.boxes b { font-weight: 400; font-variant-numeric: tabular-nums; margin: 0 3px; }

/* Heat map and table. */
.panels { display: flex; flex-wrap: wrap; gap: 1.25rem; align-items: flex-start; }
figure { margin: 0; min-width: 0; max-width: 100%; }
figcaption, caption { text-align: left; font-weight: 600; padding: .25rem 0; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.heat td {
  width: 38px; min-width: 38px; height: 26px; text-align: center; padding: 0;
  border: 1px solid var(--paper);
}
.heat th {
  font-weight: 400; padding: 0 6px; max-width: 11rem; overflow: hidden; text-overflow: ellipsis;
}
.heat th[scope=row] { text-align: right; }
.heat thead th { vertical-align: bottom; padding: 4px 2px; }
.heat thead .token {
  writing-mode: vertical-rl; transform: rotate(180deg); max-height: 8rem; overflow: hidden;
}
.heat td:focus { outline: 3px solid var(--focus); outline-offset: -2px; }
.masked, .heat td.masked {
  background: repeating-linear-gradient(45deg, var(--paper) 0 4px, var(--edge) 4px 5px);
  color: var(--ink);
}
canvas {
  display: block; image-rendering: pixelated; border: 1px solid var(--edge); max-width: 100%;
}
.list { min-width: 16rem; }
.list th, .list td {
  padding: .15rem .7rem; text-align: right; border-bottom: 1px solid var(--edge);
}
.list th:first-child { text-align: left; }
.list th[scope=row] { font-weight: 400; }
.list tbody tr:hover { background: var(--panel); }
.legend { color: var(--soft); font-size: 13px; }
.swatch {
  display: inline-block; width: 1.4em; height: 1em; vertical-align: -.15em;
  border: 1px solid var(--edge);
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
@media (max-width: 32rem) { body { padding: .6rem; font-size: 14px; } }
)css";

const char* const attention_page_body = R"html(<main>
<div class="controls" id="controls"></div>
<div id="status" role="status" aria-live="polite"></div>
<div id="view" role="tabpanel" tabindex="-1"></div>
<noscript><p>A script draws this page's pictures; your browser does not run it.</p></noscript>
</main>
<footer>
<p>Attention is not an explanation: a weight says how much of a value was mixed in, not why the
model answered as it did (Jain &amp; Wallace 2019; Wiegreffe &amp; Pinter 2019).</p>
<p id="precision"></p>
<p>Keys: <kbd>Tab</kbd> between the parts, arrows within one, <kbd>Enter</kbd> keeps a token
selected, <kbd>Esc</kbd> lets it go. On a head, double click or <kbd>Shift</kbd>+<kbd>Enter</kbd>
shows it alone.</p>
</footer>
)html";

}  // namespace heed::kit
