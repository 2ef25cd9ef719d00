// page/tokeniser.js: small vocabularies whose tokens are known by hand. (tests/page/check_pages.py compares with heed.)
import assert from 'node:assert';
import {test} from 'node:test';
import {load} from './load.mjs';

const {readTokeniser} = load(['tokeniser.js'], 'readTokeniser');

test('characters: one id each, unknown ones are named once', () => {
  const tokeniser = readTokeniser({type: 'characters', symbols: '\n abü😀'}, [...'\n abü😀']);
  assert.deepEqual(tokeniser.encode('ba😀\n'), {ids: [3, 2, 5, 0], unknown: []});
  assert.deepEqual(tokeniser.encode('xaxy'), {ids: [2], unknown: ['x', 'y']});
  assert.equal(tokeniser.decode([4, 5, 1]), 'ü😀 ');
});

test('llama2.c: the pair of the highest score merges first, other characters become bytes', () => {
  const bytes = Array.from({length: 256}, (unused, b) => '<0x' + b.toString(16).toUpperCase().padStart(2, '0') + '>');
  const pieces = ['<unk>', '<s>', '</s>', ...bytes, ' ', 'a', 'b', 'ab', ' a', 'ba', 'A'];
  const scores = [...Array(259).fill(0), 0, 0, 0, -2, -1, -3, 0];
  const tokeniser = readTokeniser({type: 'llama2.c', pieces, scores}, pieces);
  const id = piece => pieces.indexOf(piece);
  assert.deepEqual(tokeniser.encode('ab').ids, [id(' a'), id('b')]);  // ' a' before 'ab'
  assert.deepEqual(tokeniser.encode('bab').ids, [id(' '), id('b'), id('ab')]);
  assert.deepEqual(tokeniser.encode('é').ids, [id(' '), id('<0xC3>'), id('<0xA9>')]);
  assert.deepEqual(tokeniser.encode('').ids, []);
  for (const text of ['ab ba', 'é 日本', ' a', 'A\n']) assert.equal(tokeniser.decode(tokeniser.encode(text).ids), text);
});

test('byte pairs: pieces as GPT-2 cuts them, merges in the order of the list', () => {
  const letters = ['a', 'b', 'Ġ', 'c', "'", 's', 'Ã', '©', '1'];
  const joined = ['ab', 'Ġab', "'s", 'Ã©', '<|endoftext|>'];
  const vocab = Object.fromEntries([...letters, ...joined].map((token, id) => [token, id]));
  const tokeniser = readTokeniser({model: {type: 'BPE', vocab, merges: ['a b', 'Ġ ab', "' s", 'Ã ©']},
    added_tokens: [{id: vocab['<|endoftext|>'], content: '<|endoftext|>', special: true}]}, [...letters, ...joined]);
  const ids = (...tokens) => tokens.map(token => vocab[token]);
  assert.deepEqual(tokeniser.encode('ab ab').ids, ids('ab', 'Ġab'));
  assert.deepEqual(tokeniser.encode("ab's c").ids, ids('ab', "'s", 'Ġ', 'c'));
  assert.deepEqual(tokeniser.encode('  ab1').ids, ids('Ġ', 'Ġab', '1'));
  assert.deepEqual(tokeniser.encode('é').ids, ids('Ã©'));
  assert.equal(tokeniser.decode(ids('ab', "'s", 'Ġab', 'Ã©', '<|endoftext|>')), "ab's abé");
});
