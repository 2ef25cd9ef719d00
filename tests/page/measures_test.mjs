// page/measures.js: heads that do one thing are called by its name.
import assert from 'node:assert';
import {test} from 'node:test';
import {load} from './load.mjs';

const {measure, rules, crossRules, explanations} = load(['measures.js'], 'measure', 'rules', 'crossRules', 'explanations');

const words = 'the cat sat on the mat and the cat ran to the mat again'.split(' '), n = words.length;
const causal = words.map((unused, i) => '1'.repeat(i + 1) + '0'.repeat(n - i - 1));
const self = {queries: words, keys: words, allowed: causal};

/// Rows that put their weight where `wish` says, equally, or else on the first key.
function head(set, wish) {
  const m = set.keys.length;
  return set.queries.flatMap((unused, i) => {
    const row = set.keys.map((key, j) => (!set.allowed || set.allowed[i][j] === '1') && wish(i, j) ? 1 : 0);
    const total = row.reduce((a, b) => a + b);
    return total ? row.map(x => x / total) : row.map((unused, j) => j === 0 ? 1 : 0);
  }).slice(0, set.queries.length * m);
}

test('each rule is found where a head follows it', () => {
  const follow = {
    'previous token': (i, j) => j === i - 1,
    'itself': (i, j) => j === i,
    'first token': (i, j) => j === 0,
    'induction': (i, j) => j > 0 && j < i && words[j - 1] === words[i],
    'same token earlier': (i, j) => j < i && words[j] === words[i],
  };
  for (const [name, wish] of Object.entries(follow)) {
    const found = measure(self, head(self, wish));
    assert.equal(found.kind, name);
    assert.ok(found.share > 0.99, `${name}: ${found.share}`);
  }
  const free = {...self, allowed: null};
  assert.equal(measure(free, head(free, (i, j) => j === i + 1)).kind, 'next token');
});

test('equal weights are spread; a fixed distance is positional; else mixed', () => {
  const even = measure(self, head(self, () => true));
  assert.equal(even.kind, 'spread');
  assert.ok(Math.abs(even.sharpness) < 1e-6);
  assert.equal(measure(self, head(self, (i, j) => j === i - 3)).kind, 'positional');
  assert.equal(measure(self, head(self, (i, j) => words[j] === 'sat' || words[j] === 'and')).kind, 'mixed');
});

test('numbers: sharpness, bits and distance of a head that looks two back', () => {
  const found = measure(self, head(self, (i, j) => j === i - 2));
  assert.ok(Math.abs(found.sharpness - 1) < 1e-9);
  assert.equal(found.entropy, 0);
  assert.ok(Math.abs(found.distance - (1 + 2 * (n - 2)) / (n - 1)) < 1e-9);  // the second token looks one back
  const two = measure({queries: ['a', 'b', 'c'], keys: ['a', 'b', 'c'], allowed: null}, [0.5, 0.5, 0, 0.5, 0.5, 0, 0.5, 0.5, 0]);
  assert.ok(Math.abs(two.entropy - 1) < 1e-9);
  assert.ok(Math.abs(two.sharpness - (1 - 1 / Math.log2(3))) < 1e-9);
});

test('different texts have rules of their own, and every rule an explanation', () => {
  const cross = {queries: ['le', 'chat', 'dort', '.'], keys: ['the', 'cat', 'sleeps', 'now', '.', '<eos>', 'x', 'y'], allowed: null};
  assert.equal(measure(cross, head(cross, (i, j) => Math.floor(j / 2) === i)).kind, 'same place');
  assert.equal(measure(cross, head(cross, (i, j) => j === 7)).kind, 'last token');
  for (const name of [...Object.keys(rules), ...Object.keys(crossRules), 'positional', 'spread', 'mixed'])
    assert.ok(explanations[name], name);
});

test('a head without a choice, and one of zeros, have no measures', () => {
  assert.equal(measure({queries: ['a'], keys: ['a'], allowed: null}, [1]).kind, 'spread');
  assert.equal(measure(self, new Float32Array(n * n)).sharpness, 0);
});
