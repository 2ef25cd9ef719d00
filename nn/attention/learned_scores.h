// Scores with parameters. See scores.h for what a score is.
//
//     AdditiveScore         wᵀ tanh(W_q q + W_k k)             Bahdanau et al. 2014
//     ContextScore          wᵀ tanh(W_q q + W_k k + W_c c)     … that also depends on a context
//     MultiplicativeScore   (W q + b)ᵀ k                       Luong et al. 2015, "general"
//     ElementwiseScore      Σ wᵢ qᵢ kᵢ                         multiplicative, element by element
//     LocationScore         W q: one score per position, whatever its key; ibid., "location"
//     MlpScore<S>           a small network transforms the score S
//
// Symbols: … any batch axes, n queries, m keys, h hidden width. Where both d_q and d_k are named, queries and
// keys may have different widths.
#pragma once

#include <heed/autograd/ops/activations.h>
#include <heed/nn/attention/scores.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct AdditiveOptions {
  bool bias = true;  // false: Bahdanau's and d2l's form; the bias of the energy cancels in softmax anyway
};

/// w·tanh(W_q qᵢ + b_q + W_k kⱼ + b_k) + b for each pair (i, j) (Bahdanau et al. 2014, A.1.2).
///
/// q (…, n, d_q), k (…, m, d_k) -> (…, n, m). O(n m h) time and memory: the sum of every query with
/// every key is formed. Queries and keys need separate axes: (B, n, h) + (B, m, h) also runs for n = m > 1, but
/// scores query i with key i only.
struct AdditiveScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear query_layer;   // d_q -> h
  Linear key_layer;     // d_k -> h
  Linear energy_layer;  // h -> 1

  AdditiveScore(Whole query_dim, Whole key_dim, Whole hidden_dim, const AdditiveOptions& o = {})
      : query_layer(query_dim, hidden_dim, {.bias = o.bias}),
        key_layer(key_dim, hidden_dim, {.bias = o.bias}),
        energy_layer(hidden_dim, 1, {.bias = o.bias}) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return scope(with_keys(q, key_layer(k)));
  }

  /// The same with keys = key_layer(k) (…, m, h) already computed: a decoder uses them at every step.
  Tensor with_keys(const Tensor& q, const Tensor& keys) const {
    const Scope scope(*this);
    const Tensor pairs = query_layer(q).unsqueeze(-2) + keys.unsqueeze(-3);  // (…, n, m, h)
    return scope(energy_layer(tanh(pairs)).squeeze(-1));
  }

  void visit(Visitor& v) override {
    v("query_layer", query_layer);
    v("key_layer", key_layer);
    v("energy_layer", energy_layer);
  }
};

/// w·tanh(W_q qᵢ + W_k kⱼ + W_c cᵢ + b): relevance that also depends on a context, such as a
/// topic or a user. q (…, n, d_q), k (…, m, d_k), c (…, n, d_c), or (…, 1, d_c), one for all
/// queries -> (…, n, m). It equals an AdditiveScore whose queries are the concatenation [q c].
struct ContextScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear query_layer;    // d_q -> h
  Linear key_layer;      // d_k -> h, with the bias of all three
  Linear context_layer;  // d_c -> h
  Linear energy_layer;   // h -> 1

  ContextScore(Whole query_dim, Whole key_dim, Whole context_dim, Whole hidden_dim)
      : query_layer(query_dim, hidden_dim, {.bias = false}),
        key_layer(key_dim, hidden_dim),
        context_layer(context_dim, hidden_dim, {.bias = false}),
        energy_layer(hidden_dim, 1, {.bias = false}) {}

  Tensor operator()(const Tensor& q, const Tensor& k, const Tensor& context) const {
    const Scope scope(*this);
    const Tensor asked = query_layer(q) + context_layer(context);  // (…, n, h)
    return scope(energy_layer(tanh(asked.unsqueeze(-2) + key_layer(k).unsqueeze(-3))).squeeze(-1));
  }

  void visit(Visitor& v) override {
    v("query_layer", query_layer);
    v("key_layer", key_layer);
    v("context_layer", context_layer);
    v("energy_layer", energy_layer);
  }
};

/// (W q + b)ᵀ k (Luong et al. 2015, § 3.1, "general"): the query is mapped to the key it looks for.
/// q (…, n, d_q), k (…, m, d_k) -> (…, n, m). W = 1, b = 0 is DotScore.
struct MultiplicativeScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear query_layer;  // d_q -> d_k

  MultiplicativeScore(Whole query_dim, Whole key_dim, const LinearOptions& o = {})
      : query_layer(query_dim, key_dim, o) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return scope(matmul(query_layer(q), k.transpose(-2, -1)));
  }

  void visit(Visitor& v) override { v("query_layer", query_layer); }
};

/// w·(q ⊙ k) = Σ wᵢ qᵢ kᵢ: an elementwise product with a weight per element. q (…, n, d),
/// k (…, m, d) -> (…, n, m). With w = 1, its initial value, it is DotScore.
struct ElementwiseScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Tensor weight;  // (d)

  explicit ElementwiseScore(Whole dim) : weight(parameter(ones({dim}))) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return scope(matmul(q * weight, k.transpose(-2, -1)));
  }

  void visit(Visitor& v) override { v("weight", weight); }
};

/// W q + b: a score for each of the positions 0 … m-1, from the query alone (Luong et al. 2015, eq. 8,
/// "location"). q (…, n, d_q), k (…, m, ·) -> (…, n, m), m <= max_length: Error otherwise.
///
/// It can learn where to look but does not see what is there: change a key, and no weight changes. The decoder of
/// the well-known translation tutorial uses this score.
struct LocationScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear attn;  // d_q -> max_length

  LocationScore(Whole query_dim, Whole max_length) : attn(query_dim, max_length) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    const int64_t keys = k.size(-2), places = attn.weight.size(0);
    check<ShapeError>(keys <= places, "LocationScore: keys ", k.shape(), ": are ", keys, ", but there are scores for ",
                      places, " positions: ", "make max_length the length of the longest sequence");
    return scope(attn(q).slice(-1, 0, keys));
  }

  void visit(Visitor& v) override { v("attn", attn); }
};

/// wᵀ tanh(u s + b) + c for each value s of another score: a learnt curve, the same for all pairs.
/// (…, n, d), (…, m, d) -> (…, n, m); O(n m h) in addition to that score's cost.
template <class Score> struct MlpScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Score score;
  Linear hidden_layer;  // 1 -> h
  Linear energy_layer;  // h -> 1

  explicit MlpScore(Whole hidden_dim, Score s = Score())
      : score(std::move(s)), hidden_layer(1, hidden_dim), energy_layer(hidden_dim, 1) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return scope(energy_layer(tanh(hidden_layer(score(q, k).unsqueeze(-1)))).squeeze(-1));
  }

  void visit(Visitor& v) override {
    v("score", score);
    v("hidden_layer", hidden_layer);
    v("energy_layer", energy_layer);
  }
};

}  // namespace heed::nn
