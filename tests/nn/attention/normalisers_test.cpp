// How scores become weights: sparsemax, sigmoid, hard, beside softmax and the kernel sum.
#include "support/catch.h"

#include <algorithm>
#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/scores.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

const std::vector<Normaliser> all_normalisers{Normaliser::softmax, Normaliser::kernel_sum, Normaliser::sparsemax,
                                              Normaliser::sigmoid, Normaliser::hard};

Tensor weights_of(const Tensor& scores, Normaliser n, const Tensor& mask = {}) {
  AttentionOptions options{.normaliser = n};
  if (mask.defined()) options.mask = mask;
  return attention_weights(scores, options);
}

Tensor row(const std::vector<double>& numbers, Dtype dtype = Dtype::f64) {
  return tensor(numbers, {1, static_cast<int64_t>(numbers.size())}, dtype);
}

// The nearest point of the simplex by bisection: Σ max(0, sᵢ - τ) falls from >= 1 to 0 as τ grows.
std::vector<double> nearest_on_simplex(const std::vector<double>& s) {
  const double top = *std::max_element(s.begin(), s.end());
  double low = top - 1.0, high = top;
  for (int step = 0; step < 200; ++step) {
    const double tau = 0.5 * (low + high);
    double total = 0.0;
    for (const double x : s) total += std::max(0.0, x - tau);
    (total >= 1.0 ? low : high) = tau;
  }
  std::vector<double> w;
  for (const double x : s) w.push_back(std::max(0.0, x - low));
  return w;
}

}  // namespace

TEST_CASE("sparsemax: closed forms") {
  const auto of = [](const std::vector<double>& s) { return weights_of(row(s), Normaliser::sparsemax).to_vector(); };
  CHECK(of({3}) == std::vector<double>{1});
  CHECK(of({0, 0}) == std::vector<double>{0.5, 0.5});
  CHECK(of({0.5, 0.25}) == std::vector<double>{0.625, 0.375});  // two keys: (1 + difference) / 2
  CHECK(of({1.5, 0.25, 0}) == std::vector<double>{1, 0, 0});    // ahead by 1 or more: all
  CHECK(of({1, 0, 0}) == std::vector<double>{1, 0, 0});
  CHECK(of({0.5, 0.5, -1, 0.5}) == std::vector<double>({1.0 / 3, 1.0 / 3, 0, 1.0 / 3}));
}

TEST_CASE("sparsemax: the nearest point of the simplex, sums to 1, shifts cancel") {
  manual_seed(1);
  for (int64_t m = 1; m <= 40; m += 3) {
    const Tensor s = 1.5 * randn({6, m}, Dtype::f64);
    const Tensor w = weights_of(s, Normaliser::sparsemax);
    for (int64_t i = 0; i < 6; ++i) {
      const std::vector<double> expected = nearest_on_simplex(s[i].to_vector()), got = w[i].to_vector();
      for (size_t j = 0; j < got.size(); ++j) CHECK(std::abs(got[j] - expected[j]) < 1e-13);
    }
    CHECK(amin(w).item() >= 0.0);
    CHECK(amax(abs(sum(w, -1) - 1.0)).item() < 1e-14);
    CHECK(amax(abs(weights_of(s + 1e3, Normaliser::sparsemax) - w)).item() < 1e-12);
  }
  const Tensor far = weights_of(row({1e4, -1e4, 9999.5}, Dtype::f32), Normaliser::sparsemax);
  CHECK(far.to_vector() == std::vector<double>{0.75, 0, 0.25});
}

TEST_CASE("sparsemax: a key that loses has weight 0, where softmax never says never") {
  const Tensor s = row({2, 1.5, -1, -3});
  CHECK(weights_of(s, Normaliser::sparsemax).to_vector() == std::vector<double>{0.75, 0.25, 0, 0});
  CHECK(amin(weights_of(s, Normaliser::softmax)).item() > 0.0);
}

TEST_CASE("sparsemax: its Jacobian is that of a mean over the support") {
  const Tensor s = parameter(row({0.9, 0.3, 0.6, -2}));  // support: the first three
  const Tensor w = weights_of(s, Normaliser::sparsemax);
  for (int64_t i = 0; i < 4; ++i) {
    const std::vector<double> slope = grad(w[0][i], {s}, {.retain_graph = true})[0].to_vector();
    for (int64_t j = 0; j < 4; ++j) {
      const double expected = i == 3 || j == 3 ? 0.0 : (i == j) - 1.0 / 3;
      CHECK(slope[size_t(j)] == Approx(expected).margin(1e-15));
    }
  }
}

TEST_CASE("sigmoid: each key on its own") {
  const Tensor s = row({0, 2, -1e4, 1e4});
  const Tensor w = weights_of(s, Normaliser::sigmoid);
  CHECK(amax(abs(w - sigmoid(s))).item() == 0.0);
  const Tensor other = weights_of(row({0, -5, 3, 1}), Normaliser::sigmoid);
  CHECK(other[0][0].item() == w[0][0].item());
}

TEST_CASE("hard: all weight on the best key, the first of equals, and no slope") {
  const Tensor s = parameter(tensor({1, 3, 2, 5, 5, 0}, {2, 3}, Dtype::f64));
  const Tensor v = parameter(tensor({1, 2, 3}, {3, 1}, Dtype::f64));
  const Attended a = attend(s, v, {.normaliser = Normaliser::hard});
  CHECK(a.weights.flatten().to_vector() == std::vector<double>{0, 1, 0, 1, 0, 0});
  CHECK(a.output.flatten().to_vector() == std::vector<double>{2, 1});
  sum(a.output * s[0][0]).backward();
  CHECK(v.grad().flatten().to_vector() == std::vector<double>{1, 1, 0});           // times s₀₀ = 1
  CHECK(s.grad().flatten().to_vector() == std::vector<double>{3, 0, 0, 0, 0, 0});  // as the factor only
}

TEST_CASE("theorem: as scores grow, softmax and sparsemax become hard") {
  manual_seed(2);
  const Tensor s = randn({5, 7}, Dtype::f64), hard = weights_of(s, Normaliser::hard);
  CHECK(amax(abs(weights_of(1e6 * s, Normaliser::softmax) - hard)).item() < 1e-15);
  CHECK(amax(abs(weights_of(1e6 * s, Normaliser::sparsemax) - hard)).item() < 1e-9);
}

TEST_CASE("every normaliser: masks, rows without a key, no keys at all") {
  manual_seed(3);
  const Tensor mask = tensor({1, 0, 1, 1, 0, 0, 0, 0}, {2, 4}).to(Dtype::boolean);
  for (const Normaliser n : all_normalisers) {
    INFO("normaliser " << int(n));
    const Tensor s = parameter(rand({2, 4}, Dtype::f64) + 0.1), v = parameter(randn({4, 2}, Dtype::f64));
    const Attended a = attend(s, v, {.mask = mask, .normaliser = n});
    CHECK(a.weights[0][1].item() == 0.0);
    CHECK(a.weights[1].to_vector() == std::vector<double>(4, 0.0));
    CHECK(a.output[1].to_vector() == std::vector<double>(2, 0.0));
    const Tensor visible = index_select(s.detach().slice(0, 0, 1), 1, tensor_i64({0, 2, 3}));
    const Tensor among_themselves = weights_of(visible, n);  // as if the hidden key were not there
    CHECK(amax(abs(index_select(a.weights.slice(0, 0, 1), 1, tensor_i64({0, 2, 3})) - among_themselves)).item() <
          1e-15);
    sum(square(a.output)).backward();
    for (const double g : v.grad().to_vector()) CHECK(std::isfinite(g));
    if (s.grad().defined()) {
      for (const double g : s.grad().to_vector()) CHECK(std::isfinite(g));
      CHECK(s.grad()[1].to_vector() == std::vector<double>(4, 0.0));
      CHECK(s.grad()[0][1].item() == 0.0);
    } else {
      CHECK(n == Normaliser::hard);
    }
    const Attended none = attend(zeros({2, 0}), zeros({0, 3}), {.normaliser = n});
    CHECK(none.output.to_vector() == std::vector<double>(6, 0.0));
    const Tensor kept = rand({2, 4}, Dtype::f64);
    const std::vector<double> before = kept.to_vector();
    attend(kept, v.detach(), {.mask = mask, .normaliser = n});
    CHECK(kept.to_vector() == before);  // nothing is written into the scores
  }
}

TEST_CASE("every normaliser: NaN is not hidden, unless a mask hides it") {
  const Tensor s = tensor({1, NAN, 2, 0.5, 1, 0.25}, {2, 3}), v = ones({3, 1});
  const Tensor mask = tensor({1, 0, 1}).to(Dtype::boolean);
  for (const Normaliser n : all_normalisers) {
    INFO("normaliser " << int(n));
    const std::vector<double> y = attend(s, v, {.normaliser = n}).output.to_vector();
    CHECK(std::isnan(y[0]));
    CHECK(std::isfinite(y[1]));
    CHECK(std::isfinite(attend(s, v, {.mask = mask, .normaliser = n}).output.to_vector()[0]));
  }
}

TEST_CASE("every normaliser: derivatives, first and second order") {
  manual_seed(4);
  const Tensor mask = tensor({1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0}, {3, 4}).to(Dtype::boolean);
  for (const Normaliser n : {Normaliser::softmax, Normaliser::kernel_sum, Normaliser::sparsemax, Normaliser::sigmoid}) {
    INFO("normaliser " << int(n));
    gradcheck(
        [&](const std::vector<Tensor>& in) {
          return attend(square(in[0]), in[1], {.mask = mask, .normaliser = n}).output;
        },
        {0.8 * randn({2, 3, 4}, Dtype::f64), randn({2, 4, 3}, Dtype::f64)});
  }
}

TEST_CASE("an attention may be given another normaliser than its score's") {
  manual_seed(5);
  const Tensor q = randn({2, 3, 4}), k = randn({2, 5, 4}), v = randn({2, 5, 2});
  const Attention sparse(DotScore(), 0.0, Normaliser::sparsemax);
  const Tensor expected = weights_of(matmul(q, k.transpose(1, 2)), Normaliser::sparsemax);
  CHECK(amax(abs(sparse(q, k, v).weights - expected)).item() < 1e-6);
  CHECK(any(eq(sparse(q, k, v).weights, 0.0)));
  CHECK_FALSE(any(eq(Attention<DotScore>()(q, k, v).weights, 0.0)));
}

TEST_CASE("the two steps are attend(), and either can be taken alone") {
  manual_seed(6);
  const Tensor s = randn({2, 3, 4}, Dtype::f64), v = randn({2, 4, 2}, Dtype::f64);
  const AttentionOptions options{.causal = true};
  const Tensor w = attention_weights(s, options);
  AttentionTrace trace;
  const Attended a = weighted_average(w, v);
  CHECK(trace.entries().size() == 1);
  CHECK(a.output.to_vector() == attend(s, v, options).output.to_vector());
  CHECK(a.output.to_vector() == matmul(w, v).to_vector());
  CHECK(message_of([&] { attention_weights(s, {.normaliser = static_cast<Normaliser>(99)}); }) ==
        "attend: normaliser = 99: is not a Normaliser: use one of its names");
}
