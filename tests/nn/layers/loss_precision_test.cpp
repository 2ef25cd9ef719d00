// Losses in f32 against f64: confident predictions, large logits, infinities, and 200 random sizes.
#include <cmath>
#include <functional>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/layers/losses.h>

#include "support/apart.h"
#include "support/catch.h"
#include "support/every_isa.h"

using namespace heed;
using namespace heed::nn;
using test::apart;

namespace {

Tensor wide(const Tensor& x) { return x.to(Dtype::f64); }

// Value and gradient, by backward() and recorded, of f32 values against the same in f64.
void check_against_f64(const Tensor& logits, const std::function<Tensor(const Tensor&)>& loss, double relative) {
  const Tensor x = parameter(logits), exact_x = parameter(wide(logits));
  const Tensor y = loss(x), exact = loss(exact_x);
  CHECK(y.item() == Approx(exact.item()).epsilon(relative));
  const Tensor recorded = grad(y, {x}, {.create_graph = true})[0];
  y.backward();
  exact.backward();
  const std::vector<double> expected = exact_x.grad().to_vector();
  for (const Tensor& g : {x.grad(), recorded.detach()}) {
    const std::vector<double> found = g.to_vector();
    for (size_t i = 0; i < found.size(); ++i) {
      CAPTURE(i);
      CHECK(found[i] == Approx(expected[i]).epsilon(8 * relative).margin(1e-37));
    }
  }
}

}  // namespace

TEST_CASE("cross-entropy of a class far above the others is what the others have, not 0", "[precision]") {
  CHECK(cross_entropy(tensor({16, 0, 0}, {1, 3}), tensor_i64({0})).item() == Approx(2.2507032e-7).epsilon(3e-7));
  CHECK(nll_loss(log_softmax(tensor({16, 0, 0}, {1, 3}), -1), tensor_i64({0})).item() ==
        Approx(2.2507032e-7).epsilon(3e-7));
  for (const double shared : {0.0, 1024.0, -32768.0})  // what all logits share leaves their differences exact
    for (const double gap : {0.0, 0.5, 4.0, 8.0, 16.0, 24.0, 64.0})
      for (const int64_t target : {0, 1}) {
        CAPTURE(shared, gap, target);
        const Tensor x = tensor({gap + shared, shared, shared, shared - 3.0}, {1, 4}), t = tensor_i64({target});
        const double near = 3e-7 * std::max(1.0, gap / 4);  // the gap itself is rounded in the exponent
        check_against_f64(x, [&](const Tensor& z) { return cross_entropy(z, t); }, near);
        check_against_f64(x, [&](const Tensor& z) { return nll_loss(log_softmax(z, -1), t); }, near);
        check_against_f64(
            x, [&](const Tensor& z) { return cross_entropy(z, t, {.weight = tensor({2, 1, 0.5, 3}).to(z.dtype())}); },
            near);
      }
}

TEST_CASE("a smoothed cross-entropy does not depend on what all logits share", "[precision]") {
  for (const double shared : {0.0, 256.0, -4096.0, 65536.0}) {
    CAPTURE(shared);
    const Tensor x = tensor({3 + shared, shared, shared - 1.0}, {1, 3}), t = tensor_i64({0});
    for (const double smoothing : {0.1, 1.0}) {
      const CrossEntropyOptions plain{.label_smoothing = smoothing, .reduction = Reduction::sum};
      CHECK(cross_entropy(x, t, plain).item() ==
            Approx(cross_entropy(tensor({3, 0, -1}, {1, 3}, Dtype::f64), t, plain).item()).epsilon(3e-7));
      const CrossEntropyOptions weighted{
          .weight = tensor({0.3, 2, 1}), .label_smoothing = smoothing, .reduction = Reduction::sum};
      CHECK(cross_entropy(x, t, weighted).item() ==
            Approx(cross_entropy(tensor({3, 0, -1}, {1, 3}, Dtype::f64), t, weighted).item()).epsilon(3e-7));
    }
  }
}

TEST_CASE(
    "cross-entropy with infinite logits, as in PyTorch, and nothing but ignored rows has gradient 0 on every path") {
  const double inf = INFINITY;
  for (const double smoothing : {0.0, 0.1}) {
    const CrossEntropyOptions o{.label_smoothing = smoothing};
    CHECK(std::isnan(cross_entropy(tensor({inf, 0, 0}, {1, 3}), tensor_i64({0}), o).item()));
    CHECK(std::isnan(cross_entropy(tensor({inf, 0, 0}, {1, 3}), tensor_i64({1}), o).item()));
    CHECK(std::isnan(cross_entropy(tensor({NAN, 0, 0}, {1, 3}), tensor_i64({1}), o).item()));
    const Tensor x = parameter(tensor({-inf, 0, 0}, {1, 3}));
    const Tensor loss = cross_entropy(x, tensor_i64({0}), o);
    CHECK(loss.item() == inf);
    loss.backward();
    CHECK(x.grad()[0][0].item() == Approx(smoothing - 1 - smoothing / 3));
    CHECK(x.grad()[0][1].item() == Approx(0.5 - smoothing / 3));
  }
  for (const double smoothing : {0.0, 0.3})
    for (const bool nll : {false, true}) {
      const Tensor x = parameter(tensor({1, 2, 3, 4, 5, 6}, {2, 3})), t = tensor_i64({0, 0});
      const Tensor loss = nll ? nll_loss(log_softmax(x, -1), t, {.ignore_index = 0})
                              : cross_entropy(x, t, {.ignore_index = 0, .label_smoothing = smoothing});
      CHECK(std::isnan(loss.item()));
      CHECK(grad(loss, {x}, {.create_graph = true})[0].to_vector() == std::vector<double>(6, 0.0));
      loss.backward();
      CHECK(x.grad().to_vector() == std::vector<double>(6, 0.0));
    }
}

TEST_CASE("bce_with_logits keeps its digits for confident predictions, right and wrong", "[precision]") {
  CHECK(bce_with_logits(tensor({15}), tensor({1})).item() == Approx(std::log1p(std::exp(-15.0))).epsilon(3e-7));
  CHECK(bce_with_logits(tensor({-15}), tensor({0})).item() == Approx(std::log1p(std::exp(-15.0))).epsilon(3e-7));
  for (const double x : {0.0, 0.3, 2.0, 8.0, 15.0, 17.0, 30.0, 80.0})
    for (const double sign : {1.0, -1.0})
      for (const double t : {0.0, 0.25, 0.9999999, 1.0}) {
        CAPTURE(x, sign, t);
        const Tensor target = tensor({t});
        const double near = 3e-7 * std::max(1.0, x / 8);
        const auto close = [&](const BceOptions& o) {
          // The gradient σ(x) - t of a target between 0 and 1 is a difference by nature: to the size of its terms.
          const Tensor a = parameter(tensor({sign * x})), b = parameter(tensor({sign * x}, Dtype::f64));
          const auto options = [&](Dtype dtype) {
            return BceOptions{.pos_weight = o.pos_weight ? std::optional(o.pos_weight->to(dtype)) : std::nullopt};
          };
          const Tensor y = bce_with_logits(a, target, options(Dtype::f32));
          const Tensor exact = bce_with_logits(b, wide(target), options(Dtype::f64));
          CHECK(y.item() == Approx(exact.item()).epsilon(near));
          y.backward();
          exact.backward();
          const bool whole = t == 0 || t == 1;
          CHECK(a.grad().item() == Approx(b.grad().item()).epsilon(3 * near).margin(whole ? 0 : 1e-6));
        };
        close({});
        close({.pos_weight = tensor({3})});
      }
  const Tensor zero = parameter(zeros({2}));  // at 0 neither side of |x| is taken for flat
  bce_with_logits(zero, tensor({1, 0}), {.reduction = Reduction::sum}).backward();
  CHECK(zero.grad().to_vector() == std::vector<double>{-0.5, 0.5});
}

TEST_CASE("huber's gradient at infinity is that of the straight part, and NaN stays NaN") {
  const Tensor x = parameter(tensor({INFINITY, -INFINITY, 1e20, 3, 0.25, NAN}));
  const Tensor loss = huber_loss(x, zeros({6}), {.reduction = Reduction::none});
  CHECK(loss[0].item() == INFINITY);
  CHECK(loss[1].item() == INFINITY);
  CHECK(std::isnan(loss[5].item()));
  const Tensor recorded = grad(sum(loss), {x}, {.create_graph = true})[0];
  sum(loss).backward();
  for (const Tensor& g : {x.grad(), recorded.detach()}) {
    CHECK(g.slice(0, 0, 5).to_vector() == std::vector<double>{1, -1, 1, 1, 0.25});
    CHECK(std::isnan(g[5].item()));
  }
}

// PyTorch 2.13's f32 is off by 2.4e-6 and 1.2e-6 at worst (tests/golden/measure_f32_error.py).
TEST_CASE("losses of 200 random sizes are no further from f64 than PyTorch's", "[precision]") {
  manual_seed(0);
  double cross = 0, binary = 0, cross_gradient = 0;
  for (int i = 0; i < 200; ++i) {
    const auto n = static_cast<int64_t>(std::exp(rand({}).item() * std::log(2e4)));
    const Tensor x = randn({4, n}) * 5.0, t = randint(0, n, {4}), p = rand({4, n});
    cross = std::max(cross, apart(wide(cross_entropy(x, t, {.reduction = Reduction::none})),
                                  cross_entropy(wide(x), t, {.reduction = Reduction::none})));
    binary = std::max(binary, apart(wide(bce_with_logits(x, p, {.reduction = Reduction::none})),
                                    bce_with_logits(wide(x), wide(p), {.reduction = Reduction::none})));
    const Tensor a = parameter(x), b = parameter(wide(x));
    cross_entropy(a, t, {.reduction = Reduction::sum}).backward();
    cross_entropy(b, t, {.reduction = Reduction::sum}).backward();
    cross_gradient = std::max(cross_gradient, apart(wide(a.grad()), b.grad()));
  }
  CHECK(cross <= 2.4e-6);
  CHECK(binary <= 1.2e-6);
  CHECK(cross_gradient <= 3e-7);
}

TEST_CASE("losses are as exact under every instruction set") {
  heed::test::require_under_every_isa("test_nn", "[precision]");
}
