// The functions of a page's scripts, which are plain scripts and not modules.
import {readFileSync} from 'node:fs';

const folder = new URL('../../examples/kit/pictures/page/', import.meta.url);
export const source = name => readFileSync(new URL(name, folder), 'utf8');

/// load(['gpt.js'], 'Pass', 'linear') -> {Pass, linear}
export function load(files, ...names) {
  const browser = 'const matchMedia = () => ({matches: false}), document = {};\n';
  return new Function(`'use strict';\n${browser}${files.map(source).join('\n')}\nreturn {${names.join(', ')}};`)();
}

/// Numbers that look random, the same in every run: in [-1, 1).
export function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
