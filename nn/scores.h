// Scores: how well a key answers a query.
//
// A score is a module (q (…, n, d), k (…, m, d)) -> (…, n, m) with the normaliser that turns it
// into weights. Attention<Score> does the rest, so a new one is this much:
//
//     struct DotScore : Module {
//       static constexpr Normaliser normaliser = Normaliser::softmax;
//       Tensor operator()(const Tensor& q, const Tensor& k) const { … }
//       void visit(Visitor&) override {}
//     };
#pragma once

#include <cmath>

#include <heed/autograd/elementwise.h>
#include <heed/autograd/linalg.h>
#include <heed/nn/attention.h>

namespace heed::nn {

/// Any score: a module (q, k) -> scores (…, n, m) that names its normaliser (scores.h).
template <class Score>
struct Attention : Module {
  Score score;
  double dropout = 0.0;

  explicit Attention(Score s = Score(), double dropout_ = 0.0)
      : score(std::move(s)), dropout(dropout_) {}

  Attended operator()(const Tensor& q, const Tensor& k, const Tensor& v,
                      AttentionOptions options = {}) const {
    const Scope scope(*this);
    options.normaliser = Score::normaliser;
    if (training && dropout > 0.0) options.dropout = dropout;
    return attend(score(q, k), v, options);
  }

  void visit(Visitor& visitor) override { visitor("score", score); }
};

/// q · k
struct DotScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return matmul(q, k.transpose(-2, -1));
  }

  void visit(Visitor&) override {}
};

/// q · k / √d (Vaswani et al. 2017, eq. 1)
struct ScaledDotScore : Module {
  static constexpr Normaliser normaliser = Normaliser::softmax;

  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const Scope scope(*this);
    return matmul(q * (1.0 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-2, -1));
  }

  void visit(Visitor&) override {}
};

}  // namespace heed::nn
