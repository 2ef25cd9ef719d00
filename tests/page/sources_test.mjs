// The pages' sources: what a linter would say, and what a page must not do.
import assert from 'node:assert';
import {readdirSync} from 'node:fs';
import {test} from 'node:test';
import {source} from './load.mjs';

const folder = new URL('../../examples/kit/pictures/page/', import.meta.url);
const files = readdirSync(folder).filter(name => !name.endsWith('.md')), scripts = files.filter(name => name.endsWith('.js'));

for (const name of files)
  test(`${name}: fits into a string literal, in lines of 120 columns`, () => {
    const text = source(name);
    assert.ok(Buffer.byteLength(text) < 16380, `${Buffer.byteLength(text)} bytes`);
    assert.ok(!text.includes(')page"'));
    text.split('\n').forEach((line, i) => {
      assert.ok([...line].length <= 120, `line ${i + 1} has ${[...line].length} columns`);
      assert.ok(!/\s$/.test(line), `line ${i + 1} ends in white space`);
    });
  });

for (const name of scripts)
  test(`${name}: strict, and neither parses text as HTML nor reaches out`, () => {
    const text = source(name);
    new Function(`'use strict';\n${text}`);
    for (const word of ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'eval(', 'fetch(', 'XMLHttpRequest',
                        'import(', 'WebSocket', 'localStorage', 'var ', ' == ', ' != '])
      assert.ok(!text.includes(word), word);
  });

test('every function and constant of the scripts is used', () => {
  const all = scripts.map(source).join('\n');
  for (const [, name] of all.matchAll(/^(?:function|const|let|class) (\w+)/gm)) {
    const uses = all.match(new RegExp(`\\b${name}\\b`, 'g')).length;
    assert.ok(uses > 1, `${name} is defined, and used nowhere`);
  }
});
