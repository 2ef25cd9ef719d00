// What a head does, in numbers and in words, from its weights alone.
//
//     measure({queries, keys, allowed}, w) -> {sharpness, entropy, distance, kind, share}
//
// sharpness is 1 for one key per query and 0 for equal weights on all that a query may see; entropy is in bits;
// distance is the mean of |i - j|. All are means over queries that have a choice, two keys or more.
// kind is the rule that explains the largest share of the weights, if it is at least `enough`.
const enough = 0.4;

// A rule says which keys a query would attend to: (set, i, j) -> boolean. The second list is for different texts.
const sameList = ({queries, keys}) => queries.length === keys.length && queries.every((q, i) => q === keys[i]);
const rules = {
  'previous token': (set, i, j) => j === i - 1,
  'next token': (set, i, j) => j === i + 1,
  'itself': (set, i, j) => j === i,
  'first token': (set, i, j) => j === 0,
  'induction': ({queries, keys}, i, j) => j > 0 && j < i && keys[j - 1] === queries[i],
  'same token earlier': ({queries, keys}, i, j) => j < i && keys[j] === queries[i],
};
const crossRules = {
  'same place': ({queries, keys}, i, j) =>
    Math.abs((i + 0.5) / queries.length - (j + 0.5) / keys.length) * keys.length < 1,
  'first token': (set, i, j) => j === 0,
  'last token': ({keys}, i, j) => j === keys.length - 1,
};

// Of a set: which keys each query may see, and what each rule says of each query. A rule that says nothing about a
// query, or allows it nearly everything, is not tried on it.
const occasions = new WeakMap();
function occasionsOf(set) {
  if (!occasions.has(set)) {
    const {queries, keys, allowed} = set, n = queries.length, m = keys.length, own = sameList(set);
    const seen = Array.from({length: n}, (unused, i) => Array.from({length: m}, (also, j) => j)
      .filter(j => !allowed || allowed[i][j] !== '0'));
    const said = Object.entries(own ? rules : crossRules).map(([name, rule]) => [name, seen.map((list, i) => {
      const chosen = list.filter(j => rule(set, i, j));
      return 2 * chosen.length <= list.length ? chosen : [];
    })]);
    occasions.set(set, {own, seen, said});
  }
  return occasions.get(set);
}

const explanations = {
  'previous token': 'each token looks at the one before it',
  'next token': 'each token looks at the one after it',
  'itself': 'each token looks at itself',
  'first token': 'all tokens look at the first: often a place to rest',
  'last token': 'all look at the last token',
  'same place': 'each token looks at the same place of the other text',
  'induction': 'each token looks at what came after its last occurrence',
  'same token earlier': 'each token looks at its own earlier occurrences',
  'positional': 'where it looks depends on the distance, not on the tokens',
  'spread': 'it looks at everything about equally',
  'mixed': 'no simple rule says where it looks',
};

function measure(set, w) {
  const m = set.keys.length, {own, seen, said} = occasionsOf(set);
  let rows = 0, entropy = 0, relative = 0, distance = 0;
  const hits = said.map(() => 0), chances = said.map(() => 0);
  seen.forEach((list, i) => {
    let bits = 0, far = 0, total = 0;
    for (const j of list) {
      const p = w[i * m + j];
      total += p;
      far += p * Math.abs(i - j);
      if (p > 0) bits -= p * Math.log2(p);
    }
    if (list.length < 2 || total === 0) return;
    ++rows;
    entropy += bits;
    relative += bits / Math.log2(list.length);
    distance += far;
    said.forEach(([, chosen], r) => {
      if (!chosen[i].length) return;
      for (const j of chosen[i]) hits[r] += w[i * m + j];
      ++chances[r];
    });
  });
  if (rows === 0) return {sharpness: 0, entropy: 0, distance: 0, kind: 'spread', share: 0};
  const sharpness = 1 - relative / rows;
  let kind = 'mixed', share = 0;
  said.forEach(([name], r) => {  // induction and the like need some occasions to be told from chance
    const mean = chances[r] >= Math.max(2, rows / 8) ? hits[r] / chances[r] : 0;
    if (mean > share) share = mean, kind = name;
  });
  // What seems to follow the words may follow the distance alone.
  const unsure = share < enough || kind === 'induction' || kind === 'same token earlier';
  const byDistance = own && unsure ? positional(set, w) : 0;
  if (share < enough || byDistance > Math.max(share, 0.7)) {
    kind = sharpness < 0.1 ? 'spread' : byDistance > 0.7 ? 'positional' : 'mixed';
    share = kind === 'positional' ? byDistance : 0;
  }
  return {sharpness, entropy: entropy / rows, distance: distance / rows, kind, share};
}

// How much of the weights' variance follows from the distance i - j alone: 0 … 1.
function positional(set, w) {
  const n = set.queries.length, m = set.keys.length, sums = new Float64Array(n + m), counts = new Float64Array(n + m);
  let total = 0, squares = 0, count = 0;
  occasionsOf(set).seen.forEach((list, i) => {
    for (const j of list) {
      const p = w[i * m + j];
      sums[i - j + m] += p;
      ++counts[i - j + m];
      total += p;
      squares += p * p;
      ++count;
    }
  });
  const mean = total / count, variance = squares / count - mean * mean;
  let explained = 0;
  for (let d = 0; d < n + m; ++d) if (counts[d]) explained += counts[d] * (sums[d] / counts[d] - mean) ** 2;
  return variance > 1e-12 ? explained / count / variance : 0;
}
