// page/gpt.js against the formulas, written once more without a cache, blocks or typed arrays.
import assert from 'node:assert';
import {test} from 'node:test';
import {load, numbers} from './load.mjs';

const {Pass, linear, erf, probabilities, likeliest, drawn} =
  load(['gpt.js'], 'Pass', 'linear', 'erf', 'probabilities', 'likeliest', 'drawn');

function randomModel(kind, seed, {bias = true, kvHeads = 4, interleaved = true} = {}) {
  const next = numbers(seed), many = (n, size = 0.5) => Float32Array.from({length: n}, () => size * next());
  const model = {kind, vocab: 11, context: 12, width: 8, heads: 4, kvHeads, headWidth: 2, hidden: 13, layers: 3, eps: 1e-5,
                 geluTanh: false, rope: kind === 'llama' ? {base: 10000, interleaved} : undefined, weight: {}};
  const w = model.weight, {vocab, context, width: E, hidden, headWidth: d} = model;
  const matrix = (name, m, n) => {
    w[name + '.weight'] = many(m * n);
    if (bias) w[name + '.bias'] = many(m);
  };
  const gain = name => {
    w[name + '.weight'] = many(E).map(x => 1 + x);
    if (bias && kind === 'gpt') w[name + '.bias'] = many(E);
  };
  if (kind === 'gpt') {
    Object.assign(w, {'wte.weight': many(vocab * E), 'wpe.weight': many(context * E)});
    gain('ln_f');
    for (let l = 0; l < model.layers; ++l) {
      gain(`h.${l}.ln_1`);
      gain(`h.${l}.ln_2`);
      matrix(`h.${l}.attn.c_attn`, 3 * E, E);
      matrix(`h.${l}.attn.c_proj`, E, E);
      matrix(`h.${l}.mlp.c_fc`, hidden, E);
      matrix(`h.${l}.mlp.c_proj`, E, hidden);
    }
    return model;
  }
  Object.assign(w, {'model.embed_tokens.weight': many(vocab * E), 'lm_head.weight': many(vocab * E)});
  gain('model.norm');
  for (let l = 0; l < model.layers; ++l) {
    const at = `model.layers.${l}.`;
    gain(at + 'input_layernorm');
    gain(at + 'post_attention_layernorm');
    matrix(at + 'self_attn.q_proj', E, E);
    matrix(at + 'self_attn.k_proj', kvHeads * d, E);
    matrix(at + 'self_attn.v_proj', kvHeads * d, E);
    matrix(at + 'self_attn.o_proj', E, E);
    matrix(at + 'mlp.gate_proj', hidden, E);
    matrix(at + 'mlp.up_proj', hidden, E);
    matrix(at + 'mlp.down_proj', E, hidden);
  }
  return model;
}

// --- The formulas ---------------------------------------------------------------------------------

const range = n => [...Array(n).keys()];
const plus = (a, b) => a.map((x, i) => x + b[i]);
const rowOf = (matrix, i, n) => [...matrix.slice(i * n, (i + 1) * n)];
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const mean = a => a.reduce((sum, x) => sum + x, 0) / a.length;
function times(w, name, x) {
  const bias = w[name + '.bias'], weight = w[name + '.weight'];
  return range(weight.length / x.length).map(o => dot(rowOf(weight, o, x.length), x) + (bias ? bias[o] : 0));
}
// erf by Simpson's rule.
function erfByIntegral(x) {
  const steps = 2000, h = x / steps, f = t => Math.exp(-t * t);
  return 2 / Math.sqrt(Math.PI) * h / 3 *
    range(steps + 1).reduce((sum, i) => sum + f(i * h) * (i === 0 || i === steps ? 1 : i % 2 ? 4 : 2), 0);
}
function norm(model, name, x) {
  const centre = model.kind === 'gpt' ? mean(x) : 0, w = model.weight;
  const scale = Math.sqrt(mean(x.map(v => (v - centre) ** 2)) + model.eps);
  return x.map((v, i) => (v - centre) / scale * w[name + '.weight'][i] + (w[name + '.bias']?.[i] ?? 0));
}
function rotated(x, position, {base, interleaved}) {
  const d = x.length, y = [...x];
  for (let j = 0; j < d / 2; ++j) {
    const [a, b] = interleaved ? [2 * j, 2 * j + 1] : [j, j + d / 2], angle = position * base ** (-2 * j / d);
    y[a] = x[a] * Math.cos(angle) - x[b] * Math.sin(angle);
    y[b] = x[a] * Math.sin(angle) + x[b] * Math.cos(angle);
  }
  return y;
}
function attentionOf(model, l, xs, off) {
  const {kind, weight: w, heads, kvHeads, headWidth: d, width: E} = model, at = `model.layers.${l}.self_attn.`;
  const parts = xs.map((x, position) => {
    const all = kind === 'gpt' ? times(w, `h.${l}.attn.c_attn`, x) : null;
    const part = (i, name) => kind === 'gpt' ? all.slice(i * E, (i + 1) * E) : times(w, at + name, x);
    const head = (y, h, turn) => turn && model.rope ? rotated(y.slice(h * d, (h + 1) * d), position, model.rope)
                                                    : y.slice(h * d, (h + 1) * d);
    const [q, k, v] = [part(0, 'q_proj'), part(1, 'k_proj'), part(2, 'v_proj')];
    return {q: range(heads).map(h => head(q, h, true)), k: range(kvHeads).map(h => head(k, h, true)),
            v: range(kvHeads).map(h => head(v, h))};
  });
  return parts.map(({q}, i) => {
    const mixed = range(heads).flatMap(h => {
      const g = Math.floor(h * kvHeads / heads);
      const e = range(i + 1).map(j => Math.exp(dot(q[h], parts[j].k[g]) / Math.sqrt(d)));
      const total = e.reduce((a, b) => a + b);
      return range(d).map(c => off === `${l} ${h}` ? 0 : range(i + 1).reduce((sum, j) => sum + e[j] / total * parts[j].v[g][c], 0));
    });
    return times(w, kind === 'gpt' ? `h.${l}.attn.c_proj` : at + 'o_proj', mixed);
  });
}
function mlp(model, l, x) {
  const w = model.weight, at = `model.layers.${l}.mlp.`;
  if (model.kind === 'gpt')
    return times(w, `h.${l}.mlp.c_proj`, times(w, `h.${l}.mlp.c_fc`, x).map(v => v / 2 * (1 + erfByIntegral(v / Math.SQRT2))));
  const up = times(w, at + 'up_proj', x);
  return times(w, at + 'down_proj', times(w, at + 'gate_proj', x).map((g, i) => g / (1 + Math.exp(-g)) * up[i]));
}
function logitsByFormula(model, ids, {off, patch} = {}) {
  const {kind, weight: w, width: E, layers} = model, gpt = kind === 'gpt';
  let xs = ids.map((id, i) => {
    const x = rowOf(w[gpt ? 'wte.weight' : 'model.embed_tokens.weight'], id, E);
    return gpt ? plus(x, rowOf(w['wpe.weight'], i, E)) : x;
  });
  const names = gpt ? ['ln_1', 'ln_2'] : ['input_layernorm', 'post_attention_layernorm'];
  for (let l = 0; l < layers; ++l) {
    if (patch && patch.layer === l) xs[patch.position] = [...patch.vector];
    const at = gpt ? `h.${l}.` : `model.layers.${l}.`;
    const attended = attentionOf(model, l, xs.map(x => norm(model, at + names[0], x)), off);
    xs = xs.map((x, i) => plus(x, attended[i]));
    xs = xs.map(x => plus(x, mlp(model, l, norm(model, at + names[1], x))));
  }
  return xs.map(x => {
    const y = norm(model, gpt ? 'ln_f' : 'model.norm', x), table = w['lm_head.weight'] || w['wte.weight'];
    return range(model.vocab).map(v => dot(rowOf(table, v, E), y));
  });
}

// --- Tests ----------------------------------------------------------------------------------------

function assertClose(found, wanted, tolerance = 1e-4) {
  assert.equal(found.length, wanted.length);
  found.forEach((x, i) => assert.ok(Math.abs(x - wanted[i]) <= tolerance, `[${i}]: ${x}, not ${wanted[i]}`));
}
const ids = [3, 1, 4, 1, 5, 9, 2, 6, 5];
const models = {
  'GPT with biases': randomModel('gpt', 1),
  'GPT without biases': randomModel('gpt', 2, {bias: false}),
  'Llama, pairs interleaved': randomModel('llama', 3),
  'Llama, shared keys, halves': randomModel('llama', 4, {kvHeads: 2, interleaved: false, bias: false}),
};

for (const [name, model] of Object.entries(models)) {
  test(`${name}: logits are those of the formulas, read at once or token by token`, () => {
    const wanted = logitsByFormula(model, ids), whole = new Pass(model), slowly = new Pass(model);
    assert.equal(whole.read(ids), ids.length);
    ids.forEach((unused, i) => assert.equal(slowly.read(ids.slice(0, i + 1)), 1));
    ids.forEach((unused, i) => {
      assertClose(whole.logits(i), wanted[i]);
      assertClose(slowly.logits(i), wanted[i]);
    });
  });

  test(`${name}: after a change in the middle only what follows is computed, and rightly`, () => {
    const pass = new Pass(model), other = [...ids.slice(0, 4), 7, 7, 2];
    pass.read(ids);
    assert.equal(pass.read(other), 3);
    const wanted = logitsByFormula(model, other);
    other.forEach((unused, i) => assertClose(pass.logits(i), wanted[i]));
    assert.equal(pass.read(other.slice(0, 5)), 0);
    assertClose(pass.logits(4), wanted[4]);
  });

  test(`${name}: weights of a query sum to 1; a head that is switched off adds nothing`, () => {
    const pass = new Pass(model);
    pass.scale[1 * model.heads + 2] = 0;
    pass.read(ids);
    for (const heads of pass.weights) for (const w of heads)
      ids.forEach((unused, i) => assertClose([w.subarray(i * (i + 1) / 2, (i + 1) * (i + 2) / 2).reduce((a, b) => a + b)], [1]));
    const wanted = logitsByFormula(model, ids, {off: '1 2'});
    ids.forEach((unused, i) => assertClose(pass.logits(i), wanted[i]));
    assert.ok(Math.abs(wanted[8][0] - logitsByFormula(model, ids)[8][0]) > 1e-3);
  });

  test(`${name}: a patch is what the residual stream is, from its layer on`, () => {
    const next = numbers(5), vector = Float32Array.from({length: model.width}, next);
    for (let layer = 0; layer < model.layers; ++layer) {
      const plain = new Pass(model), pass = new Pass(model), patch = {layer, position: 3, vector};
      plain.read(ids);
      pass.copy(plain);
      pass.patches = [patch];
      pass.compute(3, layer);  // the rest is the plain pass's
      const wanted = logitsByFormula(model, ids, {patch});
      ids.forEach((unused, i) => assertClose(pass.logits(i), wanted[i]));
    }
  });
}

test('linear: any number of rows and outputs, rows of W that are apart', () => {
  const next = numbers(6);
  for (const [rows, m, n, apart] of [[1, 1, 1, 1], [1, 5, 3, 3], [2, 4, 7, 7], [3, 6, 2, 5], [5, 9, 4, 4]]) {
    const x = Float32Array.from({length: rows * n}, next), w = Float32Array.from({length: m * apart}, next);
    const b = Float32Array.from({length: m}, next), y = new Float32Array(rows * m);
    linear(y, x, rows, w, b, m, n, apart);
    assertClose(y, range(rows * m).map(i => dot(rowOf(x, Math.floor(i / m), n), [...w.slice(i % m * apart, i % m * apart + n)]) + b[i % m]), 1e-6);
  }
});

test('erf: as the integral, odd, and 1 far out', () => {
  for (let x = -4; x <= 4; x += 0.0625 * 1.1) assert.ok(Math.abs(erf(x) - erfByIntegral(x)) < 1e-9, `erf(${x})`);
  assert.equal(erf(7), 1);
  assert.equal(erf(-100), -1);
});

test('probabilities: temperature, top-k, ties; a drawn index has a probability', () => {
  const logits = Float32Array.of(1, 3, 2, 3, -1);
  const e = [...logits].map(Math.exp), total = e.reduce((a, b) => a + b);
  assertClose(probabilities(logits), e.map(x => x / total), 1e-7);
  assert.deepEqual([...probabilities(logits, 0)], [0, 1, 0, 0, 0]);
  assertClose(probabilities(logits, 0.5, 2), [0, 0.5, 0, 0.5, 0], 1e-7);
  assert.deepEqual([...probabilities(logits, 1, 1)], [0, 1, 0, 0, 0]);
  assert.deepEqual(likeliest(logits, 3), [1, 3, 2]);
  assert.equal(drawn([0.25, 0, 0.75], 0), 0);
  assert.equal(drawn([0.25, 0, 0.75], 0.25), 2);
  assert.equal(drawn([0.25, 0.75, 0], 1), 1);
});
