// The forward pass of a language model, as in nn/models/gpt.h and nn/models/llama.h:
//
//     x = embedding of the token (GPT: plus that of its position)
//     in each layer:   x += attention(norm(x));   x += mlp(norm(x))
//     logits = norm(x) Uᵀ
//
// A model is {kind: 'gpt' or 'llama', vocab, context, width, heads, kvHeads, headWidth, hidden, layers, eps,
// geluTanh, rope: {base, interleaved}, weight: name -> Float32Array or undefined}, with heed's names.

// y = x Wᵀ + b: x (rows, n), W (m, n), y (rows, m). Two rows and four outputs at a time, for as many sums in flight;
// where there are fewer, the last is computed again. Rows of W may lie further apart than n.
function linear(y, x, rows, w, b, m, n, apart = n) {
  for (let row = 0; row < rows; row += 2) {
    const second = Math.min(row + 1, rows - 1), from = row * n, next = second * n, to = row * m, also = second * m;
    for (let o = 0; o < m; o += 4) {
      const o1 = Math.min(o + 1, m - 1), o2 = Math.min(o + 2, m - 1), o3 = Math.min(o + 3, m - 1);
      let s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
      for (let i = 0, p = o * apart, q = o1 * apart, r = o2 * apart, s = o3 * apart; i < n; ++i) {
        const u = x[from + i], v = x[next + i], w0 = w[p + i], w1 = w[q + i], w2 = w[r + i], w3 = w[s + i];
        s0 += u * w0;
        s1 += u * w1;
        s2 += u * w2;
        s3 += u * w3;
        t0 += v * w0;
        t1 += v * w1;
        t2 += v * w2;
        t3 += v * w3;
      }
      y[to + o] = s0, y[to + o1] = s1, y[to + o2] = s2, y[to + o3] = s3;
      y[also + o] = t0, y[also + o1] = t1, y[also + o2] = t2, y[also + o3] = t3;
    }
  }
  if (b) for (let i = 0; i < rows * m; ++i) y[i] += b[i % m];
}

// LayerNorm, or without means RMSNorm: x (rows, n) -> y.
function normalise(y, x, start, rows, gain, bias, n, eps, centred) {
  for (let row = 0; row < rows; ++row) {
    const from = start + row * n, to = row * n;
    let mean = 0, square = 0;
    if (centred) {
      for (let i = 0; i < n; ++i) mean += x[from + i];
      mean /= n;
    }
    for (let i = 0; i < n; ++i) square += (x[from + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(square / n + eps);
    for (let i = 0; i < n; ++i)
      y[to + i] = (x[from + i] - mean) * scale * gain[i] + (bias ? bias[i] : 0);
  }
}

function softmax(p, scale) {
  let most = -Infinity, total = 0;
  for (let j = 0; j < p.length; ++j) if (p[j] > most) most = p[j];
  for (let j = 0; j < p.length; ++j) total += p[j] = Math.exp((p[j] - most) * scale);
  for (let j = 0; j < p.length; ++j) p[j] /= total;
}

// erf from a table: cubic between points 1/128 apart, from values and slopes; error below 1e-9.
const erf = (() => {
  const points = 6 * 128, value = new Float64Array(points + 2), slope = new Float64Array(points + 2);
  for (let i = 0; i < points + 2; ++i) {
    const x = i / 128, peak = 2 / Math.sqrt(Math.PI) * Math.exp(-x * x);
    let sum = 0;  // erf x = 2/√π e^(-x²) Σ 2ᵏ x^(2k+1) / (1·3·…·(2k+1))
    for (let k = 0, term = x; k < 150 && term > 1e-18 * sum; ++k, term *= 2 * x * x / (2 * k + 1)) sum += term;
    value[i] = peak * sum;
    slope[i] = peak / 128;
  }
  return x => {
    const a = Math.abs(x) * 128, i = Math.floor(a), t = a - i;
    if (!(i < points)) return Math.sign(x);
    const rise = value[i + 1] - value[i], c = 3 * rise - 2 * slope[i] - slope[i + 1];
    const y = value[i] + t * (slope[i] + t * (c + t * (slope[i] + slope[i + 1] - 2 * rise)));
    return x < 0 ? -y : y;
  };
})();
const gelu = x => 0.5 * x * (1 + erf(x * Math.SQRT1_2));
const geluTanh = x => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const silu = x => x / (1 + Math.exp(-x));

// Rotates each head of y (rows, heads · d), the first row standing at position `first` (nn/attention/rotary.h).
function rotate(y, rows, heads, d, first, {base, interleaved}) {
  const half = d / 2, apart = interleaved ? 1 : half, step = interleaved ? 2 : 1;
  for (let row = 0; row < rows; ++row)
    for (let j = 0; j < half; ++j) {
      const angle = (first + row) * base ** (-2 * j / d), c = Math.cos(angle), s = Math.sin(angle);
      for (let head = 0; head < heads; ++head) {
        const at = (row * heads + head) * d + j * step, a = y[at], b = y[at + apart];
        y[at] = a * c - b * s;
        y[at + apart] = a * s + b * c;
      }
    }
}

// Names of the weights of layer l.
const layerNames = {
  gpt: l => ({norm1: `h.${l}.ln_1`, norm2: `h.${l}.ln_2`, qkv: `h.${l}.attn.c_attn`, o: `h.${l}.attn.c_proj`,
              up: `h.${l}.mlp.c_fc`, down: `h.${l}.mlp.c_proj`}),
  llama: l => {
    const at = 'model.layers.' + l + '.';
    return {norm1: at + 'input_layernorm', norm2: at + 'post_attention_layernorm', q: at + 'self_attn.q_proj',
            k: at + 'self_attn.k_proj', v: at + 'self_attn.v_proj', o: at + 'self_attn.o_proj',
            gate: at + 'mlp.gate_proj', up: at + 'mlp.up_proj', down: at + 'mlp.down_proj'};
  },
};

// One text passing through a model. What was computed of a text is kept, so that a longer one costs its new
// tokens only. Row i of anything belongs to position i.
class Pass {
  constructor(model) {
    const {context, width, heads, kvHeads, headWidth, layers} = model, layer = size =>
      Array.from({length: layers}, () => new Float32Array(context * size));
    this.model = model;
    this.ids = [];
    this.residual = [...layer(width), new Float32Array(context * width)];  // before each layer, after the last
    this.q = layer(heads * headWidth);    // of each layer: (position, head, element)
    this.k = layer(kvHeads * headWidth);  // (head, position, element)
    this.v = layer(kvHeads * headWidth);  // (head, element, position)
    // Of each layer and head: row i has i + 1 weights, beginning at i (i + 1) / 2.
    this.weights = this.q.map(() => Array.from({length: heads},
      () => new Float32Array(context * (context + 1) / 2)));
    this.scale = new Float32Array(layers * heads).fill(1);  // of what each head adds; 0: it is switched off
    this.patches = [];  // {layer, position, vector}: what the residual stream is before this layer
  }

  // Reads `ids`; what equals the last call is not computed again. Returns how many tokens were.
  read(ids) {
    let same = 0;
    while (same < ids.length && ids[same] === this.ids[same]) ++same;
    this.ids = ids.slice();
    if (same < ids.length) this.compute(same, 0);
    return ids.length - same;
  }

  // Becomes what `other` is, a pass through the same model.
  copy(other) {
    this.ids = other.ids.slice();
    for (const part of ['residual', 'q', 'k', 'v']) this[part].forEach((to, l) => to.set(other[part][l]));
    this.weights.forEach((heads, l) => heads.forEach((to, h) => to.set(other.weights[l][h])));
    this.scale.set(other.scale);
  }

  // Positions first … n-1 through layers layer … L-1, from residual[layer] (which layer 0 makes itself).
  compute(first, layer) {
    const {model, ids} = this, rows = ids.length - first, {width, layers} = model;
    if (layer === 0) this.embed(first);
    for (let l = layer; l <= layers; ++l) {
      for (const patch of this.patches)
        if (patch.layer === l && patch.position >= first && patch.position < ids.length)
          this.residual[l].set(patch.vector, patch.position * width);
      if (l < layers) this.block(l, first, rows);
    }
  }

  embed(first) {
    const {model, ids} = this, {width, weight} = model, x = this.residual[0];
    const table = weight[model.kind === 'gpt' ? 'wte.weight' : 'model.embed_tokens.weight'];
    const positions = weight['wpe.weight'];
    for (let i = first; i < ids.length; ++i)
      for (let e = 0; e < width; ++e)
        x[i * width + e] = table[ids[i] * width + e] + (positions ? positions[i * width + e] : 0);
  }

  // The rows of residual[l] from `first` on -> those of residual[l + 1].
  block(l, first, rows) {
    const {model} = this, {kind, width, heads, headWidth, hidden, eps, weight} = model;
    const names = layerNames[kind](l), start = first * width, size = rows * width;
    const w = name => weight[name + '.weight'], b = name => weight[name + '.bias'];
    const x = this.residual[l], out = this.residual[l + 1];
    const normed = new Float32Array(size), part = new Float32Array(size);
    const norm = (from, name) =>
      normalise(normed, from, start, rows, w(name), b(name), width, eps, kind === 'gpt');

    norm(x, names.norm1);
    this.project(l, first, rows, normed, names, w, b);
    const mixed = this.attend(l, first, rows);
    linear(part, mixed, rows, w(names.o), b(names.o), width, heads * headWidth);
    for (let i = 0; i < size; ++i) out[start + i] = x[start + i] + part[i];

    norm(out, names.norm2);
    const inner = new Float32Array(rows * hidden);
    linear(inner, normed, rows, w(names.up), b(names.up), hidden, width);
    if (names.gate) {
      const gate = new Float32Array(rows * hidden);
      linear(gate, normed, rows, w(names.gate), b(names.gate), hidden, width);
      for (let i = 0; i < inner.length; ++i) inner[i] *= silu(gate[i]);
    } else {
      const activation = model.geluTanh ? geluTanh : gelu;
      for (let i = 0; i < inner.length; ++i) inner[i] = activation(inner[i]);
    }
    linear(part, inner, rows, w(names.down), b(names.down), width, hidden);
    for (let i = 0; i < size; ++i) out[start + i] += part[i];
  }

  // Queries, keys and values of the new rows.
  project(l, first, rows, normed, names, w, b) {
    const {context, width, heads, kvHeads, headWidth: d, rope} = this.model;
    const third = (all, i) => all && all.subarray(i * all.length / 3, (i + 1) * all.length / 3);
    const make = (i, name, count) => {
      const y = new Float32Array(rows * count * d);
      linear(y, normed, rows, names.qkv ? third(w(names.qkv), i) : w(names[name]),
             names.qkv ? third(b(names.qkv), i) : b(names[name]), count * d, width);
      if (rope && name !== 'v') rotate(y, rows, count, d, first, rope);
      return y;
    };
    const keys = make(1, 'k', kvHeads), values = make(2, 'v', kvHeads);
    this.q[l].set(make(0, 'q', heads), first * heads * d);
    for (let row = 0, from = 0; row < rows; ++row)
      for (let head = 0; head < kvHeads; ++head)
        for (let e = 0; e < d; ++e, ++from) {
          this.k[l][(head * context + first + row) * d + e] = keys[from];
          this.v[l][(head * d + e) * context + first + row] = values[from];
        }
  }

  // softmax(q kᵀ / √d) v of each head for the new rows: (rows, heads · d).
  attend(l, first, rows) {
    const {context, heads, kvHeads, headWidth: d} = this.model, scale = 1 / Math.sqrt(d);
    const mixed = new Float32Array(rows * heads * d);
    for (let head = 0; head < heads; ++head) {
      const shared = Math.floor(head * kvHeads / heads) * context * d, strength = this.scale[l * heads + head];
      const k = this.k[l].subarray(shared, shared + context * d), v = this.v[l].subarray(shared, shared + context * d);
      for (let row = 0; row < rows; ++row) {
        const i = first + row, start = i * (i + 1) / 2, at = (row * heads + head) * d;
        const p = this.weights[l][head].subarray(start, start + i + 1);
        const q = this.q[l].subarray((i * heads + head) * d, (i * heads + head + 1) * d);
        linear(p, q, 1, k, null, i + 1, d);
        softmax(p, scale);
        const sum = mixed.subarray(at, at + d);
        linear(sum, p, 1, v, null, d, i + 1, context);
        if (strength !== 1) for (let e = 0; e < d; ++e) sum[e] *= strength;
      }
    }
    return mixed;
  }

  // What the model would say after `layer` layers at this position, with the last norm and output: (vocab).
  logits(position, layer = this.model.layers) {
    const {kind, vocab, width, eps, weight} = this.model, gpt = kind === 'gpt';
    const normed = new Float32Array(width), out = new Float32Array(vocab);
    const name = gpt ? 'ln_f' : 'model.norm';
    normalise(normed, this.residual[layer], position * width, 1, weight[name + '.weight'], weight[name + '.bias'],
              width, eps, gpt);
    linear(out, normed, 1, weight['lm_head.weight'] || weight[gpt ? 'wte.weight' : 'model.embed_tokens.weight'],
           null, vocab, width);
    return out;
  }
}

// p = softmax(logits / temperature), all but the topK likeliest removed (nn/models/sampling.h). Temperature 0:
// the likeliest has probability 1.
function probabilities(logits, temperature = 1, topK = 0) {
  const p = new Float64Array(logits.length), most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  if (temperature === 0) return p[logits.indexOf(most)] = 1, p;
  const kept = topK > 0 && topK < logits.length ? new Set(likeliest(logits, topK)) : null;
  let total = 0;
  for (let i = 0; i < p.length; ++i)
    if (!kept || kept.has(i)) total += p[i] = Math.exp((logits[i] - most) / temperature);
  return p.map(x => x / total);
}

// The indices of the `count` largest, in falling order; of equal ones the first.
function likeliest(values, count) {
  const order = (a, b) => values[b] - values[a] || a - b;
  if (count > 16) return Array.from(values, (unused, i) => i).sort(order).slice(0, count);
  const best = [];
  for (let i = 0; i < values.length; ++i) {
    if (best.length === count && values[i] <= values[best[count - 1]]) continue;
    let at = best.length;
    while (at > 0 && values[best[at - 1]] < values[i]) --at;
    best.splice(at, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}

// An index drawn with these probabilities; `random` lies in [0, 1).
function drawn(p, random) {
  let left = random;
  for (let i = 0; i < p.length; ++i) if ((left -= p[i]) < 0) return i;
  return p.lastIndexOf(Math.max(...p));
}
