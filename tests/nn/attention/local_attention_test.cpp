#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/local_attention.h>
#include <heed/nn/attention/masks.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

double gap(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

template <class M> M widened(M m) {
  m.to(Dtype::f64);
  return m;
}

}  // namespace

TEST_CASE("local-m: zero outside the window, softmax inside it") {
  manual_seed(1);
  const Tensor q = randn({2, 7, 3}, Dtype::f64), k = randn({2, 7, 3}, Dtype::f64);
  const Tensor v = randn({2, 7, 4}, Dtype::f64);
  const LocalMonotonicAttention<DotScore> local(2);
  const auto [output, weights] = local(q, k, v);
  CHECK(output.shape() == Shape{2, 7, 4});
  CHECK(weights.shape() == Shape{2, 7, 7});
  for (int64_t t = 0; t < 7; ++t)
    for (int64_t s = 0; s < 7; ++s) CHECK((weights[1][t][s].item() > 0.0) == (std::abs(s - t) <= 2));
  CHECK(gap(sum(weights, -1), ones({2, 7}, Dtype::f64)) < 1e-15);
  const AttentionOptions window{.mask = sliding_window_mask(7, 7, 2, 2)};
  CHECK(gap(output, Attention<DotScore>()(q, k, v, window).output) < 1e-15);

  // A decoder asks step by step.
  for (int64_t t = 0; t < 7; ++t)
    CHECK(gap(local(q.slice(1, t, t + 1), k, v, {}, t).output, output.slice(1, t, t + 1)) < 1e-15);
  // Masks of the call count, too; a query whose window they empty gets zeros.
  const Attended padded = local(q, k, v, {.key_mask = padding_mask({7, 3}, 7)});
  CHECK(padded.weights[1][4][2].item() == 1.0);
  CHECK(padded.output[1][6].to_vector() == std::vector<double>(4, 0.0));
  const Attended past = local(q, k, v, {.mask = causal_mask(7)});
  CHECK(past.weights[0][3][4].item() == 0.0);
  CHECK(past.weights[0][3][1].item() > 0.0);
  // Masks that are added stay so inside the window, and cannot open it.
  const Tensor bias = randn({7, 7}, Dtype::f64);
  const Tensor added = local(q, k, v, {.mask = bias}).weights;
  CHECK(added[0][3][0].item() == 0.0);
  CHECK(gap(added, softmax(where(sliding_window_mask(7, 7, 2, 2), DotScore()(q, k) + bias, -INFINITY), -1)) < 1e-15);
  const LocalMonotonicAttention<Boxcar> kernel(1, Boxcar({.width = 100}));
  CHECK(gap(kernel(q, k, v).weights[0][3], tensor({0, 0, 1, 1, 1, 0, 0}, Dtype::f64) / 3.0) < 1e-15);
}

TEST_CASE("local-p: the formula, element by element") {
  manual_seed(2);
  const int64_t D = 2, S = 9;
  const auto local = widened(LocalPredictiveAttention<ScaledDotScore>(D, 3, 4));
  const Tensor q = randn({2, 5, 3}, Dtype::f64), k = randn({2, S, 3}, Dtype::f64);
  const Tensor v = randn({2, S, 2}, Dtype::f64);
  const auto [output, weights] = local(q, k, v);
  const Tensor scores = ScaledDotScore()(q, k);
  const Tensor& W = local.position_layer.weight;  // (h, d)
  const Tensor& u = local.position_out.weight;    // (1, h)
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = 0; t < 5; ++t) {
      double inner = 0.0;
      for (int64_t i = 0; i < 4; ++i) inner += u[0][i].item() * std::tanh(sum(W[i] * q[b][t]).item());
      const double p = double(S) / (1.0 + std::exp(-inner));
      double total = 0.0;
      for (int64_t s = 0; s < S; ++s)
        if (std::abs(double(s) - p) <= D) total += std::exp(scores[b][t][s].item());
      for (int64_t s = 0; s < S; ++s) {
        const double d = double(s) - p, sigma = D / 2.0;
        const double expected =
            std::abs(d) > D ? 0.0 : std::exp(scores[b][t][s].item()) / total * std::exp(-d * d / (2 * sigma * sigma));
        CHECK(weights[b][t][s].item() == Approx(expected).margin(1e-15));
      }
    }
  CHECK(gap(output, matmul(weights, v)) == 0.0);
  CHECK(amax(sum(weights, -1)).item() < 1.0);  // not normalised again
}

TEST_CASE("local-p: the position is learnt, padding does not count") {
  manual_seed(3);
  const auto local = widened(LocalPredictiveAttention<DotScore>(2, 3, 4));
  const Tensor q = randn({2, 4, 3}, Dtype::f64), k = randn({2, 8, 3}, Dtype::f64);
  const Tensor v = randn({2, 8, 2}, Dtype::f64);
  sum(square(local(q, k, v).output)).backward();
  CHECK(amax(abs(local.position_layer.weight.grad())).item() > 0.0);
  CHECK(amax(abs(local.position_out.weight.grad())).item() > 0.0);
  const Attended padded = local(q, k, v, {.key_mask = padding_mask({8, 5}, 8)});
  const Attended shorter = local(q.slice(0, 1, 2), k.slice(0, 1, 2).slice(1, 0, 5), v.slice(0, 1, 2).slice(1, 0, 5));
  CHECK(gap(padded.output.slice(0, 1, 2), shorter.output) < 1e-15);
}

TEST_CASE("local attention holds what layers must") {
  manual_seed(4);
  const std::vector<Tensor> in = {randn({2, 4, 3}), randn({2, 5, 3}), randn({2, 5, 2})};
  const auto run = [](const auto& m, const std::vector<Tensor>& x) { return m(x[0], x[1], x[2]).output; };
  test::check_module(LocalMonotonicAttention<DotScore>(1), in, run);
  test::check_module(LocalPredictiveAttention<DotScore>(2, 3, 4), in, run);
  const LocalPredictiveAttention learnt(2, 3, 4, Gaussian({.width = 2, .learn_width = true}));
  test::check_module(learnt, in, run);
  CHECK(message_of([] { LocalMonotonicAttention<DotScore>(-1); }) == "LocalWindow: reach = -1: must not be negative");
  CHECK(message_of([] { LocalPredictiveAttention<DotScore>(0, 3, 4); }) ==
        "LocalPredictiveAttention: window = 0: σ is half of it: must be at least 1");
}
