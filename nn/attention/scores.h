// Scores: how well a key matches a query.
//
// A score is a module (q (…, n, d), k (…, m, d)) -> (…, n, m) with the normaliser that turns it
// into weights. Attention<Score> and MultiHead<Score> (multi_head.h) do the rest, so a new score is
// no more than this:
//
//     struct DotScore : Module {
//       static constexpr Normaliser normaliser = Normaliser::softmax;
//       Tensor operator()(const Tensor& q, const Tensor& k) const { … }
//       void visit(Visitor&) override {}
//     };
//
// This file has scores without parameters, learned_scores.h those with parameters, distance_kernels.h those that
// decrease with the distance, local_attention.h those restricted to a window of the keys.
#pragma once

#include <cmath>
#include <utility>

#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/linalg.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/unseen.h>

namespace heed::nn {

/// Any score, and the weighted mean that it defines. Further arguments of a score (ContextScore)
/// follow the options:  attention(q, k, v, {}, context).
template <class Score> struct Attention : Module {
  Score score;
  double dropout = 0.0;
  Normaliser normaliser;

  explicit Attention(Score s = Score(), double dropout_ = 0.0, Normaliser n = Score::normaliser)
      : score(std::move(s)), dropout(dropout_), normaliser(n) {}

  /// q (…, n, ·), k (…, m, ·), v (…, m, p) -> output (…, n, p), weights (…, n, m). The normaliser
  /// is the module's, whatever the options say.
  template <class... More>
  Attended operator()(const Tensor& q, const Tensor& k, const Tensor& v, AttentionOptions options = {},
                      const More&... context) const {
    const Scope scope(*this);
    options = with_dropout(std::move(options), training ? dropout : 0.0);
    options.normaliser = normaliser;
    return scope(attend(guarded_scores("attention", score, q, k, options, context...), v, options));
  }

  void visit(Visitor& visitor) override { visitor("score", score); }
};

/// q · k
struct DotScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return scope(matmul(q, k.transpose(-2, -1)));
  }

  void visit(Visitor&) override {}
};

/// q · k / √d (Vaswani et al. 2017, eq. 1)
struct ScaledDotScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return scope(matmul(q * (1.0 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-2, -1)));
  }

  void visit(Visitor&) override {}
};

struct CosineOptions {
  double temperature = 1.0;
  bool learn_temperature = false;  // as its logarithm
};

/// q·k / (‖q‖ ‖k‖ T): the angle only (Graves et al. 2014, eq. 6; their key strength is 1/T).
///
/// A dot product is not a cosine similarity: it depends on lengths, and the two may rank keys
/// differently. For T = 1 weights stay soft: e² : 1 at most. A vector of length 0 has no direction:
/// its cosine with any vector is 0, as is its gradient.
struct CosineScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  double fixed_temperature;
  Tensor log_temperature;  // (), if it is learnt

  explicit CosineScore(const CosineOptions& o = {}) : fixed_temperature(o.temperature) {
    check(o.temperature > 0.0, "CosineScore: temperature = ", o.temperature, ": must be positive");
    if (o.learn_temperature) log_temperature = parameter(scalar(std::log(o.temperature)));
  }

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    const Tensor cosine = matmul(direction(q), direction(k).transpose(-2, -1));
    return scope(log_temperature.defined() ? cosine * exp(-log_temperature) : cosine / fixed_temperature);
  }

  /// x / ‖x‖, or 0 for x = 0.
  static Tensor direction(const Tensor& x) {
    const Tensor length = norm(x, -1, keepdim);
    const Tensor some = length > 0.0;
    return where(some, x / where(some, length, 1.0), 0.0);
  }

  void visit(Visitor& v) override { v("log_temperature", log_temperature); }
};

}  // namespace heed::nn
