#include "support/apart.h"
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/ops/dropout.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/scores.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

Tensor f64(const Shape& shape) { return randn(shape, Dtype::f64); }

// The definition, element by element: q (n, d), k (m, d), v (m, p), allowed(i, j).
template <class Allowed> Tensor by_hand(const Tensor& q, const Tensor& k, const Tensor& v, Allowed allowed) {
  const int64_t n = q.size(0), m = k.size(0), p = v.size(1);
  std::vector<double> out;
  for (int64_t i = 0; i < n; ++i) {
    std::vector<double> e(static_cast<size_t>(m), 0.0);
    double total = 0.0;
    for (int64_t j = 0; j < m; ++j) {
      if (!allowed(i, j)) continue;
      total += e[static_cast<size_t>(j)] = std::exp(sum(q[i] * k[j]).item() / std::sqrt(double(q.size(1))));
    }
    for (int64_t c = 0; c < p; ++c) {
      double y = 0.0;
      for (int64_t j = 0; j < m && total > 0.0; ++j) y += e[static_cast<size_t>(j)] / total * v[j][c].item();
      out.push_back(y);
    }
  }
  return tensor(out, {n, p}, Dtype::f64);
}

}  // namespace

TEST_CASE("attention is the softmax-weighted mean of the values") {
  manual_seed(1);
  const Tensor q = f64({4, 3}), k = f64({5, 3}), v = f64({5, 2});
  const Attended a = attention(q, k, v);
  CHECK(apart(a.output, by_hand(q, k, v, [](int64_t, int64_t) { return true; })) < 1e-14);
  CHECK(apart(sum(a.weights, -1), ones({4}, Dtype::f64)) < 1e-15);
  const Attended causal = attention(q, k, v, {.causal = true});
  CHECK(apart(causal.output, by_hand(q, k, v, [](int64_t i, int64_t j) { return j <= i + 1; })) < 1e-14);
}

TEST_CASE("a worked example: four features by hand") {
  // Self-Attention.xlsx, sheet "small", of ImagineAILab/ai-by-hand-excel (MIT, Tom Yeh). There
  // columns are tokens, and softmax runs over columns; here rows are: Q = Xᵀ W_Qᵀ.
  const Dtype d = Dtype::f64;
  const Tensor x =
      tensor({2, 0, 0, 2, 0, 1, 0, 0, 0, 2, 1, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 0, 1, 1}, {6, 4}, d).transpose(0, 1);
  const Tensor w_q = tensor({1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1}, {3, 6}, d);
  const Tensor w_k = tensor({0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1}, {3, 6}, d);
  const Tensor w_v = tensor({10, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 10, 0, 0, 0, 0}, {3, 6}, d);
  const Tensor q = linear(x, w_q), k = linear(x, w_k), v = linear(x, w_v);
  CHECK(q.transpose(0, 1).flatten().to_vector() == std::vector<double>{2, 1, 0, 2, 0, 1, 1, 1, 3, 2, 2, 1});
  CHECK(matmul(k, q.transpose(0, 1)).flatten().to_vector() ==
        std::vector<double>{3, 2, 2, 1, 4, 3, 1, 5, -1, -1, -2, 1, 3, 2, 2, 1});
  const Attended a = attention(q, k, v);
  const Tensor weights =
      tensor({0.257689925, 0.252637958, 0.375840290, 0.076520505, 0.459026201, 0.450027071, 0.210990693, 0.770438486,
              0.025593949, 0.044697012, 0.037328728, 0.076520505, 0.257689925, 0.252637958, 0.375840290, 0.076520505},
             {4, 4}, d);
  const Tensor z = tensor({10.307597008, 10.105518335, 15.033611587, 3.060820183, 2.832838739, 2.973349707, 4.131690176,
                           1.530410092, 4.590262009, 4.500270709, 2.109906928, 7.704384863},
                          {3, 4}, d);
  CHECK(apart(a.weights.transpose(0, 1), weights) < 1e-8);
  CHECK(apart(a.output.transpose(0, 1), z) < 1e-7);
}

TEST_CASE("padded keys do not count: equal keys give the mean of the valid values") {
  const Tensor values = arange(0, 40, 1).reshape({1, 10, 4}).expand({2, 10, 4});
  const Tensor keys = ones({2, 10, 2}), mask = padding_mask({2, 6}, 10);
  manual_seed(2);
  const Tensor queries = randn({2, 1, 2});
  const std::vector<double> wanted{2, 3, 4, 5, 10, 11, 12, 13};
  // Twice: in f64 by kernel sums, in f32 as scaled dot products.
  const Attended sum_of_kernel = attend(ones({2, 1, 10}, Dtype::f64), values.to(Dtype::f64),
                                        {.key_mask = mask, .normaliser = Normaliser::kernel_sum});
  CHECK(apart(sum_of_kernel.output.flatten(), tensor(wanted, Dtype::f64)) < 1e-13);
  const Attended scaled = attention(queries, keys, values, {.key_mask = mask});
  CHECK(apart(scaled.output.flatten(), tensor(wanted)) < 1e-5);
  CHECK(Attention<DotScore>()(queries, keys, values, {.key_mask = mask}).output.shape() == Shape{2, 1, 4});
}

TEST_CASE(
    "theorem: permuting keys with their values changes nothing, permuting queries permutes "
    "outputs") {
  manual_seed(3);
  const Tensor q = f64({2, 4, 3}), k = f64({2, 5, 3}), v = f64({2, 5, 2});
  const Tensor y = attention(q, k, v).output;
  const Tensor keys = tensor_i64({3, 0, 4, 2, 1}), queries = tensor_i64({2, 3, 1, 0});
  CHECK(apart(attention(q, index_select(k, 1, keys), index_select(v, 1, keys)).output, y) < 1e-14);
  CHECK(apart(attention(index_select(q, 1, queries), k, v).output, index_select(y, 1, queries)) == 0.0);
}

TEST_CASE("theorem: equal scores give the mean of the values") {
  manual_seed(4);
  const Tensor v = f64({3, 6, 2});
  for (const Normaliser n : {Normaliser::softmax, Normaliser::kernel_sum})
    CHECK(apart(attend(full({3, 4, 6}, 0.7, Dtype::f64), v, {.normaliser = n}).output,
                mean(v, 1, keepdim).expand({3, 4, 2})) < 1e-14);
}

TEST_CASE("theorem: the slope of attention by its query is the covariance of the keys") {
  manual_seed(5);  // with values = keys, unscaled: softmax(q kᵀ) k is the gradient of log-sum-exp
  const Tensor k = f64({6, 3}), q = parameter(f64({1, 3}));
  const Attended a = attention(q, k, k, {.scale = 1.0});
  const Tensor centred = k - a.output.detach();
  const Tensor covariance = matmul((centred * a.weights.detach().transpose(0, 1)).transpose(0, 1), centred);
  for (int64_t i = 0; i < 3; ++i)
    CHECK(apart(grad(a.output[0][i], {q}, {.retain_graph = true})[0][0], covariance[i]) < 1e-14);
}

TEST_CASE("theorem: what is hidden does not matter, bit by bit") {
  manual_seed(6);
  const Tensor q = randn({1, 2, 6, 4}), k = randn({1, 2, 6, 4}), v = randn({1, 2, 6, 4});
  Tensor k2 = k.clone(), v2 = v.clone();
  for (Tensor* x : {&k2, &v2}) {
    Tensor last = x->slice(2, 4, 6);
    last.fill_(17.0);
  }
  const Tensor before = attention(q, k, v, {.causal = true}).output,
               after = attention(q, k2, v2, {.causal = true}).output;
  CHECK(before.slice(2, 0, 4).to_vector() == after.slice(2, 0, 4).to_vector());
  CHECK(before.slice(2, 4, 6).to_vector() != after.slice(2, 4, 6).to_vector());
}

TEST_CASE("a query with no permitted key gets zeros and zero gradient") {
  manual_seed(7);
  const Tensor mask = tensor({0, 0, 0, 1, 0, 1}, {2, 3}).to(Dtype::boolean);
  for (const Normaliser n : {Normaliser::softmax, Normaliser::kernel_sum}) {
    const Tensor scores = parameter(rand({2, 3}, Dtype::f64)), v = parameter(f64({3, 2}));
    const Attended a = attend(scores, v, {.mask = mask, .normaliser = n});
    CHECK(a.weights[0].to_vector() == std::vector<double>{0, 0, 0});
    CHECK(a.output[0].to_vector() == std::vector<double>{0, 0});
    sum(square(a.output)).backward();
    CHECK(scores.grad()[0].to_vector() == std::vector<double>{0, 0, 0});
    for (const Tensor& g : {scores.grad(), v.grad()})
      for (const double x : g.to_vector()) CHECK(std::isfinite(x));
    CHECK(v.grad()[1].to_vector() == std::vector<double>{0, 0});
  }
  const Tensor nowhere = parameter(zeros({2, 3}, Dtype::f64));  // kernels that reach no key, without any mask
  sum(attend(nowhere, f64({3, 2}), {.normaliser = Normaliser::kernel_sum}).output).backward();
  CHECK(nowhere.grad().to_vector() == std::vector<double>(6, 0.0));
}

TEST_CASE("scores of ±10⁴ and -∞ stay finite") {
  const Tensor scores = parameter(tensor({1e4, -1e4, 0, -INFINITY, 5, -1e4}, {2, 3}));
  const Tensor v = tensor({1, 2, 3}, {3, 1});
  const Attended a = attend(scores, v);
  CHECK(a.output.to_vector() == std::vector<double>{1, 2});
  sum(a.output).backward();
  for (const double g : scores.grad().to_vector()) CHECK(std::isfinite(g));
}

TEST_CASE("masks combine, and the scale can be chosen") {
  manual_seed(8);
  const Tensor q = f64({2, 2, 3, 4}), k = f64({2, 2, 5, 4}), v = f64({2, 2, 5, 4});
  const Tensor mask = tensor({1, 0, 1, 1, 1}).to(Dtype::boolean), keys = padding_mask({5, 3}, 5);
  const Tensor all = mask & keys.reshape({2, 1, 1, 5}) & causal_mask(3, 5);
  CHECK(apart(attention(q, k, v, {.mask = mask, .key_mask = keys, .causal = true}).output,
              attention(q, k, v, {.mask = all}).output) == 0.0);
  CHECK(apart(attention(q, k, v, {.scale = 1.0}).weights, softmax(matmul(q, k.transpose(-2, -1)), -1)) < 1e-15);
}

TEST_CASE("dropout drops weights, not what is returned, none draws no random numbers") {
  manual_seed(9);
  const Tensor scores = f64({2, 30, 40}), v = f64({2, 40, 3});
  const uint64_t before = default_generator().counter();
  attend(scores, v);
  CHECK(default_generator().counter() == before);
  const Attended a = attend(scores, v, {.dropout = 0.25});
  CHECK(default_generator().counter() == before + 1);
  CHECK(apart(sum(a.weights, -1), ones({2, 30}, Dtype::f64)) < 1e-14);
  default_generator().set_counter(before);
  CHECK(apart(a.output, matmul(dropout(a.weights, 0.25), v)) == 0.0);
}

TEST_CASE("gradients of attention, first and second order") {
  manual_seed(10);
  const Tensor mask = tensor({1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1}, {3, 4}).to(Dtype::boolean);
  const auto f = [&](const std::vector<Tensor>& in) { return attention(in[0], in[1], in[2], {.mask = mask}).output; };
  gradcheck(f, {f64({2, 3, 2}), f64({2, 4, 2}), f64({2, 4, 3})});
  gradcheck(
      [&](const std::vector<Tensor>& in) {
        return attend(square(in[0]), in[1], {.mask = mask, .normaliser = Normaliser::kernel_sum}).output;
      },
      {f64({2, 3, 4}), f64({2, 4, 3})});
}

TEST_CASE("Attention takes its normaliser from the score, and drops weights while training only") {
  manual_seed(11);
  const Tensor q = f64({2, 3, 4}), k = f64({2, 5, 4}), v = f64({2, 5, 2});
  Attention<ScaledDotScore> scaled(ScaledDotScore(), 0.5);
  CHECK(apart(scaled(q, k, v).output, attention(q, k, v).output) > 1e-3);
  scaled.eval();
  CHECK(apart(scaled(q, k, v).output, attention(q, k, v).output) < 1e-15);
  const auto run = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0], in[1], in[2]).output; };
  test::check_module(scaled, {q, k, v}, run);
  test::check_module(Attention<DotScore>(), {q, k, v}, run);
  test::check_module(DotScore(), {q, k},
                     [](const DotScore& s, const std::vector<Tensor>& in) { return s(in[0], in[1]); });
}

TEST_CASE("attention says what does not fit") {
  const Tensor scores = zeros({2, 3, 4}), v = zeros({2, 4, 1});
  CHECK(message_of<ShapeError>([&] { attend(scores, zeros({2, 5, 1})); }) ==
        "attend: scores (2, 3, 4), values (2, 5, 1): must be (…, n, m) and (…, m, p): one value per key");
  CHECK(message_of<ShapeError>([&] { attention(zeros({3, 4}), zeros({5, 2}), zeros({5, 2})); }) ==
        "attention: queries (3, 4), keys (5, 2): must be (…, n, d) and (…, m, d): the last axes "
        "differ: project one of them to the other's width");
  CHECK(message_of<ShapeError>([] { attention(zeros({2, 3, 4}), zeros({2, 4, 5}), zeros({2, 5, 6})); }) ==
        "attention: queries (2, 3, 4), keys (2, 4, 5): must be (…, n, d) and (…, m, d): the keys look transposed: put "
        "one key in each row with k.transpose(-2, -1)");
  CHECK(message_of<DtypeError>([&] { attend(scores, v, {.mask = tensor_i64({1, 1, 0, 1})}); }) ==
        "attend: mask int64 (4,): a mask is boolean, true = may attend, or floating, added to the "
        "scores: convert it with ne(mask, 0.0)");
  CHECK(message_of<DtypeError>([&] { attend(scores, v, {.mask = zeros({3, 4}, Dtype::f64)}); }) ==
        "attend: mask float64, scores float32: a mask that is added has the scores' dtype: convert "
        "it with to(Dtype)");
  CHECK(message_of<DtypeError>([&] { attend(scores, v, {.key_mask = tensor_i64({1, 1, 1, 1})}); }) ==
        "attend: key_mask int64 (4,): a key mask is boolean, true = may attend: convert it with "
        "ne(key_mask, 0.0)");
  CHECK(message_of<DtypeError>([&] { attend(scores, v, {.key_mask = zeros({2, 4})}); }) ==
        "attend: key_mask float32 (2, 4): a key mask is boolean, true = may attend: if 0 keeps and -∞ forbids, convert "
        "it with eq(key_mask, 0.0)");
  CHECK(message_of<ShapeError>([&] { attend(scores, v, {.mask = eye_mask(3)}); }) ==
        "attend: mask (3, 3), scores (2, 3, 4): the mask does not broadcast to (…, queries, keys): "
        "give it these "
        "sizes, or 1");
  CHECK(message_of<ShapeError>([&] { attend(scores, v, {.mask = padding_mask({1, 2}, 4)}); }) ==
        "attend: mask (2, 4), scores (2, 3, 4): the mask does not broadcast to (…, queries, keys): "
        "give it these "
        "sizes, or 1; a mask of keys, (batch, keys), belongs in .key_mask");
  CHECK(message_of<ShapeError>([&] { attend(zeros({2, 3, 4, 5}), zeros({2, 3, 5, 1}), {.mask = zeros({3, 4, 5})}); }) ==
        "attend: mask (3, 4, 5), scores (2, 3, 4, 5): with heads a mask is (4, 5), (2, 4, 5), one per sequence, or (2 "
        "or 1, 3 or 1, 4, 5): give it these sizes, or 1; a mask per head needs a batch axis: unsqueeze(0)");
  CHECK(
      message_of<ShapeError>([&] { attend(zeros({2, 3, 4, 5}), zeros({2, 3, 5, 1}), {.mask = causal_mask(5, 4)}); }) ==
      "attend: mask (5, 4), scores (2, 3, 4, 5): with heads a mask is (4, 5), (2, 4, 5), one per sequence, or (2 or 1, "
      "3 or 1, 4, 5): give it these sizes, or 1");
  CHECK(message_of<ShapeError>([&] { attend(scores, v, {.key_mask = causal_mask(3, 4)}); }) ==
        "attend: key_mask (3, 4), scores (2, 3, 4): a key mask is (batch, keys), one row per sequence: a mask of "
        "queries and keys belongs in .mask");
  CHECK(message_of<ShapeError>([&] { attend(scores, v, {.key_mask = padding_mask({3, 3}, 3)}); }) ==
        "attend: key_mask (2, 3), scores (2, 3, 4): a key mask is (batch, keys), one row per sequence: give it all 4 "
        "keys, those that a cache holds first");
  CHECK(message_of<ShapeError>([&] {
          attend(zeros({3, 4}), zeros({4, 1}), {.key_mask = causal_mask(3, 4)});
        }).find("one row per sequence") != std::string::npos);
}
