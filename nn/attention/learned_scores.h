// Scores that learn how a query asks and what a key answers. See scores.h for what a score is.
//
//     AdditiveScore         wᵀ tanh(W_q q + W_k k)             Bahdanau et al. 2014
//     ContextScore          wᵀ tanh(W_q q + W_k k + W_c c)     … that also hears of a third thing
//     MultiplicativeScore   (W q + b)ᵀ k                       Luong et al. 2015, "general"
//     ElementwiseScore      Σ wᵢ qᵢ kᵢ                         multiplicative, element by element
//     LocationScore         W q: one score for each place, whatever stands there; ibid., "location"
//     MlpScore<S>           a small network makes another score of the score S
//
// Symbols: … any batch axes, n queries, m keys, h hidden width. Queries and keys may have different
// widths, d_q and d_k, where both are named.
#pragma once

#include <heed/autograd/ops/activations.h>
#include <heed/nn/attention/scores.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct AdditiveOptions {
  bool bias = true;  // false: Bahdanau's and d2l's form; the energy's cancels in softmax anyway
};

/// w·tanh(W_q qᵢ + b_q + W_k kⱼ + b_k) + b for each pair (i, j) (Bahdanau et al. 2014, A.1.2).
///
/// q (…, n, d_q), k (…, m, d_k) -> (…, n, m). O(n m h) time and memory: the sum of every query with
/// every key is formed. Queries and keys need an axis each: (B, n, h) + (B, m, h) runs for n = m > 1, too, and
/// scores query i with key i only.
struct AdditiveScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear query_layer;   // d_q -> h
  Linear key_layer;     // d_k -> h
  Linear energy_layer;  // h -> 1

  AdditiveScore(int64_t query_dim, int64_t key_dim, int64_t hidden_dim, const AdditiveOptions& o = {})
      : query_layer(query_dim, hidden_dim, {.bias = o.bias}),
        key_layer(key_dim, hidden_dim, {.bias = o.bias}),
        energy_layer(hidden_dim, 1, {.bias = o.bias}) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return with_keys(q, key_layer(k));
  }

  /// The same where keys = key_layer(k) (…, m, h) are known: a decoder asks them at every step.
  Tensor with_keys(const Tensor& q, const Tensor& keys) const {
    const Scope scope(*this);
    const Tensor pairs = query_layer(q).unsqueeze(-2) + keys.unsqueeze(-3);  // (…, n, m, h)
    return energy_layer(tanh(pairs)).squeeze(-1);
  }

  void visit(Visitor& v) override {
    v("query_layer", query_layer);
    v("key_layer", key_layer);
    v("energy_layer", energy_layer);
  }
};

/// w·tanh(W_q qᵢ + W_k kⱼ + W_c cᵢ + b): relevance that also depends on a context, such as the
/// topic or who is asking. q (…, n, d_q), k (…, m, d_k), c (…, n, d_c), or (…, 1, d_c), one for all
/// queries -> (…, n, m). It equals an AdditiveScore whose queries are [q c] side by side.
struct ContextScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear query_layer;    // d_q -> h
  Linear key_layer;      // d_k -> h, with the bias of all three
  Linear context_layer;  // d_c -> h
  Linear energy_layer;   // h -> 1

  ContextScore(int64_t query_dim, int64_t key_dim, int64_t context_dim, int64_t hidden_dim)
      : query_layer(query_dim, hidden_dim, {.bias = false}),
        key_layer(key_dim, hidden_dim),
        context_layer(context_dim, hidden_dim, {.bias = false}),
        energy_layer(hidden_dim, 1, {.bias = false}) {}

  Tensor operator()(const Tensor& q, const Tensor& k, const Tensor& context) const {
    const Scope scope(*this);
    const Tensor asked = query_layer(q) + context_layer(context);  // (…, n, h)
    return energy_layer(tanh(asked.unsqueeze(-2) + key_layer(k).unsqueeze(-3))).squeeze(-1);
  }

  void visit(Visitor& v) override {
    v("query_layer", query_layer);
    v("key_layer", key_layer);
    v("context_layer", context_layer);
    v("energy_layer", energy_layer);
  }
};

/// (W q + b)ᵀ k (Luong et al. 2015, § 3.1, "general"): the query is turned into the key it wants.
/// q (…, n, d_q), k (…, m, d_k) -> (…, n, m). W = 1, b = 0 is DotScore.
struct MultiplicativeScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear query_layer;  // d_q -> d_k

  MultiplicativeScore(int64_t query_dim, int64_t key_dim, const LinearOptions& o = {})
      : query_layer(query_dim, key_dim, o) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return matmul(query_layer(q), k.transpose(-2, -1));
  }

  void visit(Visitor& v) override { v("query_layer", query_layer); }
};

/// w·(q ⊙ k) = Σ wᵢ qᵢ kᵢ: a product element by element, and how much each counts. q (…, n, d),
/// k (…, m, d) -> (…, n, m). With w = 1 it is DotScore, which it starts as.
struct ElementwiseScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Tensor weight;  // (d)

  explicit ElementwiseScore(int64_t dim) : weight(parameter(ones({dim}))) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return matmul(q * weight, k.transpose(-2, -1));
  }

  void visit(Visitor& v) override { v("weight", weight); }
};

/// W q + b: a score for each of the places 0 … m-1, from the query alone (Luong et al. 2015, eq. 8,
/// "location"). q (…, n, d_q), k (…, m, ·) -> (…, n, m), m <= max_length: Error otherwise.
///
/// It knows where to look but not what is there: change a key, and no weight moves. The decoder of
/// the well-known translation tutorial attends so.
struct LocationScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Linear attn;  // d_q -> max_length

  LocationScore(int64_t query_dim, int64_t max_length) : attn(query_dim, max_length) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    const int64_t keys = k.size(-2), places = attn.weight.size(0);
    check<ShapeError>(keys <= places, "LocationScore: keys ", k.shape(), ": are ", keys, ", but there are scores for ",
                      places, " places: ", "make max_length the longest sequence's");
    return attn(q).slice(-1, 0, keys);
  }

  void visit(Visitor& v) override { v("attn", attn); }
};

/// wᵀ tanh(u s + b) + c for each score s of another kind: a learnt curve, the same for all pairs.
/// (…, n, d), (…, m, d) -> (…, n, m); O(n m h) beside the score's own cost.
template <class Score> struct MlpScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Score score;
  Linear hidden_layer;  // 1 -> h
  Linear energy_layer;  // h -> 1

  explicit MlpScore(int64_t hidden_dim, Score s = Score())
      : score(std::move(s)), hidden_layer(1, hidden_dim), energy_layer(hidden_dim, 1) {}

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return energy_layer(tanh(hidden_layer(score(q, k).unsqueeze(-1)))).squeeze(-1);
  }

  void visit(Visitor& v) override {
    v("score", score);
    v("hidden_layer", hidden_layer);
    v("energy_layer", energy_layer);
  }
};

}  // namespace heed::nn
