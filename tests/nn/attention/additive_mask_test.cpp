// Masks that are added to the scores, wherever masks are taken.
#include "support/catch.h"

#include <cmath>
#include <limits>

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/models/transformer_encoder.h>
#include "support/apart.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::apart;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

Tensor f64(const Shape& shape) { return randn(shape, Dtype::f64); }

// 0 where a boolean mask permits, -∞ where it does not.
Tensor as_floating(const Tensor& mask) { return where(mask, zeros(mask.shape(), Dtype::f64), -inf); }

}  // namespace

TEST_CASE("an additive mask is added to the scores before they are normalised") {
  manual_seed(1);
  const Tensor scores = f64({2, 3, 4}), v = f64({2, 4, 2}), bias = f64({3, 4});
  CHECK(apart(attend(scores, v, {.mask = bias}).weights, softmax(scores + bias, -1)) < 1e-15);
  const Tensor kernel = square(scores), more = square(bias);
  const Tensor sums = kernel + more;
  CHECK(apart(attend(kernel, v, {.mask = more, .normaliser = Normaliser::kernel_sum}).weights,
              sums / sum(sums, -1, keepdim)) < 1e-15);
}

TEST_CASE("minus infinity in an additive mask is the same as false in a boolean one") {
  manual_seed(2);
  const Tensor allowed = tensor({1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1}, {3, 4}).to(Dtype::boolean);
  const Tensor added = as_floating(allowed), q = f64({2, 2, 3, 4}), k = f64({2, 2, 4, 4}), v = f64({2, 2, 4, 4}),
               qkv = f64({2, 4, 12});
  for (const Normaliser n :
       {Normaliser::softmax, Normaliser::kernel_sum, Normaliser::sparsemax, Normaliser::sigmoid, Normaliser::hard}) {
    const Tensor scores = rand({2, 3, 4}, Dtype::f64);
    const Attended a = attend(scores, v[0], {.mask = allowed, .normaliser = n});
    const Attended b = attend(scores, v[0], {.mask = added, .normaliser = n});
    CHECK(a.weights.to_vector() == b.weights.to_vector());
    CHECK(b.weights[0][1].to_vector() == std::vector<double>(4, 0.0));  // may see no key
  }
  CHECK(apart(scaled_dot_product_attention(q, k, v, {.mask = allowed}),
              scaled_dot_product_attention(q, k, v, {.mask = added})) < 1e-14);
  const Tensor square_mask = causal_mask(4);
  CHECK(apart(packed_attention(qkv, 2, {.mask = square_mask}),
              packed_attention(qkv, 2, {.mask = as_floating(square_mask)})) < 1e-14);
}

TEST_CASE("a floating mask combines with padding and with causality") {
  manual_seed(3);
  const Tensor q = f64({2, 2, 4, 3}), bias = f64({4, 4}), keys = padding_mask({4, 2}, 4);
  const Tensor all = where(keys.reshape({2, 1, 1, 4}) & causal_mask(4), bias, -inf);
  for (const bool weights : {false, true}) {
    const auto run = [&](const AttentionOptions& o) {
      return weights ? attention(q, q, q, o).output : scaled_dot_product_attention(q, q, q, o);
    };
    CHECK(apart(run({.mask = bias, .key_mask = keys, .causal = true}), run({.mask = all})) < 1e-15);
  }
}

TEST_CASE("gradients flow to an additive mask, first and second order, and none to what it forbids") {
  manual_seed(4);
  Tensor hole = zeros({3, 4}, Dtype::f64);
  hole.slice(0, 1, 2).fill_(-inf);  // a query that sees no key
  hole[2][3].fill_(-inf);
  const auto run = [&](const std::vector<Tensor>& in) {
    return scaled_dot_product_attention(in[0], in[1], in[2], {.mask = in[3] + hole});
  };
  const Tensor q = f64({2, 2, 3, 2}), k = f64({2, 2, 4, 2}), v = f64({2, 2, 4, 2});
  gradcheck(run, {q, k, v, f64({3, 4})});
  gradcheck(run, {q, k, v, f64({2, 1, 3, 4})});
  gradcheck([](const std::vector<Tensor>& in) { return packed_attention(in[0], 2, {.mask = in[1], .causal = true}); },
            {f64({1, 3, 12}), f64({1, 2, 3, 3})});

  const Tensor mask = parameter(hole);
  sum(square(scaled_dot_product_attention(q, k, v, {.mask = mask}))).backward();
  const Tensor g = mask.grad();
  CHECK(g[1].to_vector() == std::vector<double>(4, 0.0));
  CHECK(g[2][3].item() == 0.0);
  CHECK(amax(abs(g[0])).item() > 0.0);
  for (const double x : g.to_vector()) CHECK(std::isfinite(x));
}

TEST_CASE("layers take additive masks, one for all, a sequence, a head, or both") {
  manual_seed(5);
  MultiHeadAttention m(8, 2);
  m.to(Dtype::f64);
  const Tensor x = f64({3, 4, 8});
  for (const Shape& shape : {Shape{4, 4}, Shape{3, 4, 4}, Shape{1, 2, 4, 4}, Shape{3, 2, 4, 4}}) {
    const Tensor mask = f64(shape);
    const Attended seen = m(x, {.mask = mask, .need_weights = true});
    CHECK(apart(m(x, {.mask = mask}).output, seen.output) < 1e-14);
    CHECK(apart(seen.weights, m(x, {.need_weights = true}).weights) > 1e-3);
    AttentionTrace trace;
    m(x, {.mask = mask});
    REQUIRE(trace.entries().size() == 1);
    CHECK(apart(trace.entries()[0].weights, seen.weights) < 1e-15);
  }
  TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 4, .dropout = 0.0});
  layer.to(Dtype::f64);
  CHECK(apart(layer(x, {.mask = as_floating(causal_mask(4))}), layer(x, {.causal = true})) < 1e-14);
}

TEST_CASE("fused calls support softmax only, whatever the mask") {
  const Tensor q = zeros({3, 4}), mask = zeros({3, 3});
  CHECK(test::message_of([&] {
          scaled_dot_product_attention(q, q, q, {.mask = mask, .normaliser = Normaliser::kernel_sum});
        }) == "scaled_dot_product_attention: a normaliser other than softmax: use attend(), which supports all");
  CHECK(test::message_of([&] {
          packed_attention(zeros({1, 3, 12}), 2, {.mask = mask, .normaliser = Normaliser::kernel_sum});
        }) == "packed_attention: a normaliser other than softmax: use attend(), which supports all");
}
