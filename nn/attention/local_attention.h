// Local attention: each query looks at a window of the keys only (Luong et al. 2015, § 3.2).
//
//     LocalMonotonicAttention    keys s with |s - t| <= D, t the query's own position ("local-m")
//     LocalPredictiveAttention   keys s with |s - p| <= D, p learnt ("local-p"):
//
//         p = S · σ(vᵀ tanh(W q)),   weights = softmax over the window · exp(-(s - p)² / 2σ²),
//         σ = D/2,  S the number of keys
//
// The Gaussian multiplies the weights, which are not normalised again, so they sum to less than 1:
// how well the window fits is part of the output, and its gradient is how p learns. Any score can be used.
// A window saves no time here: all n m scores are computed, and those outside it are masked.
#pragma once

#include <cstdint>

#include <heed/autograd/ops/activations.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/scores.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

/// The window of both: D positions to either side of a centre.
struct LocalWindow {
  int64_t reach;

  explicit LocalWindow(Whole D) : reach(D) { check(D >= 0, "LocalWindow: reach = ", D, ": must not be negative"); }

  /// s - centre for each key s = 0 … m-1: centres (…, n, 1) -> (…, n, m).
  static Tensor offsets(const Tensor& centres, int64_t keys) { return arange(keys, centres.dtype()) - centres; }

  /// Forbids everything outside the window, for scores of this shape, in addition to what the masks forbid.
  void restrict(AttentionOptions& options, const Shape& scores, const Tensor& offsets) const {
    const Tensor inside = abs(offsets.detach()) <= static_cast<double>(reach);
    AttentionMask mask = attention_mask("attend", scores, offsets.dtype(), {.mask = options.mask});
    mask.permitted = mask.permitted.defined() ? mask.permitted & inside : inside;
    options.mask = mask.as_one();
  }
};

template <class Score> struct LocalMonotonicAttention : Module {
  Score score;
  LocalWindow window;

  explicit LocalMonotonicAttention(Whole D, Score s = Score()) : score(std::move(s)), window(D) {}

  /// q (…, n, ·), k (…, m, ·), v (…, m, p) -> output (…, n, p), weights (…, n, m). Query i is at
  /// position `first` + i: a decoder with one query per step passes its step t.
  Attended operator()(const Tensor& q, const Tensor& k, const Tensor& v, AttentionOptions options = {},
                      int64_t first = 0) const {
    const Scope scope(*this);
    const Tensor place = arange(q.size(-2), q.dtype()).unsqueeze(1) + static_cast<double>(first);  // (n, 1)
    window.restrict(options, scores_shape(q, k), LocalWindow::offsets(place, k.size(-2)));
    options.normaliser = Score::normaliser;
    return scope(attend(guarded_scores("LocalMonotonicAttention", score, q, k, options), v, options));
  }

  void visit(Visitor& visitor) override { visitor("score", score); }
};

template <class Score> struct LocalPredictiveAttention : Module {
  Score score;
  LocalWindow window;
  Linear position_layer;  // W: d_q -> h
  Linear position_out;    // v: h -> 1

  /// Error for D < 1: a Gaussian of width 0 sees nothing.
  LocalPredictiveAttention(Whole D, Whole query_dim, Whole hidden_dim, Score s = Score())
      : score(std::move(s)),
        window(D),
        position_layer(query_dim, hidden_dim, {.bias = false}),
        position_out(hidden_dim, 1, {.bias = false}) {
    check(D >= 1, "LocalPredictiveAttention: window = ", D, ": σ is half of it: must be at least 1");
  }

  /// p of each query, (…, n, 1); `keys` is the number of keys, or a tensor (…, 1, 1) of it.
  template <class Keys> Tensor centres(const Tensor& q, const Keys& keys) const {
    return sigmoid(position_out(tanh(position_layer(q)))) * keys;
  }

  /// As above. With a .key_mask, S counts the real keys only.
  Attended operator()(const Tensor& queries, const Tensor& keys, const Tensor& v, AttentionOptions options = {}) const {
    const Scope scope(*this);
    const auto [q, k] = taking_part("LocalPredictiveAttention", queries, keys, options);
    const int64_t m = k.size(-2);
    Tensor p;
    if (options.key_mask) {
      Shape each = Shape::filled(q.dim(), 1);
      each[0] = options.key_mask->size(0);
      p = centres(q, sum(options.key_mask->to(q.dtype()), -1).reshape(each));
    } else {
      p = centres(q, static_cast<double>(m));
    }
    const Tensor offsets = LocalWindow::offsets(p, m);  // (…, n, m)
    window.restrict(options, scores_shape(q, k), offsets);
    options.normaliser = Score::normaliser;
    const double sigma = 0.5 * static_cast<double>(window.reach);
    const Tensor near = exp(square(offsets) * (-0.5 / (sigma * sigma)));
    // The two steps of attend(), with the Gaussian in between.
    const Tensor scores = score(q, k);
    check_scores("LocalPredictiveAttention", scores, q, k);
    return scope(weighted_average(attention_weights(scores, options) * near, v, options));
  }

  void visit(Visitor& visitor) override {
    visitor("score", score);
    visitor("position_layer", position_layer);
    visitor("position_out", position_out);
  }
};

}  // namespace heed::nn
