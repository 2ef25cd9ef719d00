#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/losses.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

TEST_CASE("cross-entropy of uniform logits is the logarithm of the number of classes") {
  const Tensor logits = zeros({4, 10}, Dtype::f64);
  const Tensor target = tensor_i64({3, 1, 4, 1});
  CHECK(cross_entropy(logits, target).item() == Approx(std::log(10.0)).epsilon(1e-14));
  CHECK(cross_entropy(logits, target, {.reduction = Reduction::sum}).item() ==
        Approx(4 * std::log(10.0)).epsilon(1e-14));
  CHECK(cross_entropy(logits, target, {.reduction = Reduction::none}).shape() == Shape{4});
}

TEST_CASE("padded targets do not count: ln 10 · valid / 4 summed over rows of four") {
  const Tensor logits = zeros({2, 4, 10}, Dtype::f64);
  const Tensor target = tensor_i64({3, -100, -100, -100, 3, 1, 4, -100}, {2, 4});
  const Tensor rows = cross_entropy(logits, target, {.reduction = Reduction::none});
  REQUIRE(rows.shape() == Shape{2, 4});
  const Tensor per_sequence = mean(rows, 1);
  CHECK(per_sequence[0].item() == Approx(std::log(10.0) * 1 / 4).epsilon(1e-14));
  CHECK(per_sequence[1].item() == Approx(std::log(10.0) * 3 / 4).epsilon(1e-14));
  CHECK(cross_entropy(logits, target).item() == Approx(std::log(10.0)).epsilon(1e-14));
}

TEST_CASE("the mean over no row at all is NaN, its sum is 0, as in PyTorch") {
  const Tensor logits = parameter(randn({3, 5}));
  const Tensor target = tensor_i64({-100, -100, -100});
  CHECK(std::isnan(cross_entropy(logits, target).item()));
  CHECK(std::isnan(nll_loss(log_softmax(logits, -1), target).item()));
  const Tensor total = cross_entropy(logits, target, {.reduction = Reduction::sum});
  CHECK(total.item() == 0.0);
  total.backward();
  CHECK(logits.grad().to_vector() == std::vector<double>(15, 0.0));
}

TEST_CASE("cross-entropy stays finite for huge logits, and forbidden classes have no gradient") {
  const double inf = INFINITY;
  const Tensor logits = parameter(tensor({1e4, -1e4, 0, -inf, 2, 1}, {2, 3}));
  const Tensor loss = cross_entropy(logits, tensor_i64({1, 1}), {.reduction = Reduction::none});
  CHECK(loss[0].item() == 2e4);
  CHECK(loss[1].item() == Approx(std::log(1 + std::exp(-1.0))));
  sum(loss).backward();
  const std::vector<double> g = logits.grad().to_vector();
  CHECK(g[0] == 1.0);
  CHECK(g[1] == -1.0);
  CHECK(g[3] == 0.0);
  for (const double x : g) CHECK(std::isfinite(x));
}

TEST_CASE("what all logits of a row share changes no gradient, not by one bit") {
  const std::vector<double> near_zero = {0.5, -1.25, 3, 0.015625, -7, 2.5};
  const auto gradient = [&](double shared) {
    std::vector<double> values = near_zero;
    for (double& v : values) v += shared;
    const Tensor logits = parameter(tensor(values, {2, 3}));
    cross_entropy(logits, tensor_i64({1, 2})).backward();
    return logits.grad().to_vector();
  };
  CHECK(gradient(1024) == gradient(0));
  CHECK(gradient(-4096) == gradient(0));
}

TEST_CASE("a row without a permitted class: no number is its loss, and its target alone has a gradient") {
  const Tensor logits = parameter(tensor({-INFINITY, -INFINITY, 1, 1}, {2, 2}));
  const Tensor loss = cross_entropy(logits, tensor_i64({1, 0}), {.reduction = Reduction::sum});
  CHECK(std::isnan(loss.item()));
  loss.backward();
  CHECK(logits.grad().to_vector() == std::vector<double>{0, -1, -0.5, 0.5});
}

TEST_CASE("the fused cross-entropy equals its formula in Tensors") {
  manual_seed(1);
  const Tensor logits = randn({3, 2, 7}, Dtype::f64), weight = rand({7}, Dtype::f64) + 0.5;
  const Tensor target = tensor_i64({0, 6, 2, 2, -100, 5}, {3, 2});
  const Tensor keep = ne(target, -100.0), classes = where(keep, target, 0.0);
  const Tensor t = weight * (0.8 * one_hot(classes, 7).to(Dtype::f64) + 0.2 / 7);
  const Tensor plain = where(keep, -sum(t * log_softmax(logits, -1), -1), 0.0);
  const Tensor fused = cross_entropy(
      logits, target, {.weight = weight, .label_smoothing = 0.2, .reduction = Reduction::none});
  CHECK(amax(abs(plain - fused)).item() < 1e-14);
}

TEST_CASE("a strided target and logits that are a view") {
  manual_seed(2);
  const Tensor logits = randn({5, 4}, Dtype::f64),
               target = tensor_i64({0, 9, 1, 9, 2, 9, 3, 9}, {4, 2});
  const Tensor dense = cross_entropy(logits.transpose(0, 1).clone(), tensor_i64({0, 1, 2, 3}));
  CHECK(cross_entropy(logits.transpose(0, 1), target.select(1, 0)).item() == dense.item());
}

TEST_CASE("gradients of the losses, first and second order") {
  manual_seed(3);
  const Tensor p = randn({4, 3}, Dtype::f64), t = randn({4, 3}, Dtype::f64),
               unit = rand({4, 3}, Dtype::f64);
  const Tensor sign = where(t > 0.0, 1.0, zeros_like(t)) * 2.0 - 1.0;
  gradcheck([&](const Tensor& x) { return mse_loss(x, t); }, p);
  gradcheck([&](const Tensor& x) { return l1_loss(x, t); }, p);
  gradcheck([&](const Tensor& x) { return huber_loss(x, t, {.delta = 0.7}); }, p);
  gradcheck([&](const Tensor& x) { return hinge_loss(x, sign); }, p);
  gradcheck(
      [&](const Tensor& x) {
        return bce_with_logits(x, unit, {.pos_weight = tensor({1, 2, 3}, Dtype::f64)});
      },
      p);
  const auto kl = [](bool log_target) {
    return [log_target](const std::vector<Tensor>& in) {
      return kl_div(in[0], in[1], {.log_target = log_target, .reduction = Reduction::batchmean});
    };
  };
  gradcheck(kl(false), {p, unit + 0.1});
  gradcheck(kl(true), {p, t});
  const Tensor target = tensor_i64({2, 0, -100, 1});
  const Tensor weight = tensor({0.5, 1, 2}, Dtype::f64);
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    gradcheck(
        [&](const Tensor& x) {
          return cross_entropy(x, target,
                               {.weight = weight, .label_smoothing = 0.1, .reduction = reduction});
        },
        p);
    gradcheck(
        [&](const Tensor& x) {
          return nll_loss(x, target, {.weight = weight, .reduction = reduction});
        },
        p);
  }
}

TEST_CASE("the KL divergence is 0 of equals, positive else, and log(n / k) of uniform in uniform") {
  manual_seed(4);
  const Tensor q = randn({5, 8}, Dtype::f64), p = softmax(randn({5, 8}, Dtype::f64), -1);
  const KlDivOptions rows{.reduction = Reduction::none};
  CHECK(amax(abs(sum(kl_div(log(p), p, rows), -1))).item() < 1e-15);
  CHECK(amin(sum(kl_div(log_softmax(q, -1), p, rows), -1)).item() > 0);
  const Tensor half = tensor({0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0}, {1, 8}, Dtype::f64);
  const Tensor uniform = full({1, 8}, std::log(0.125), Dtype::f64);
  CHECK(kl_div(uniform, half, {.reduction = Reduction::batchmean}).item() ==
        Approx(std::log(2.0)).epsilon(1e-14));
  // cross-entropy = entropy + KL
  const Tensor one_target = one_hot(tensor_i64({3, 1, 0, 7, 2}), 8).to(Dtype::f64);
  CHECK(kl_div(log_softmax(q, -1), one_target, {.reduction = Reduction::batchmean}).item() ==
        Approx(cross_entropy(q, tensor_i64({3, 1, 0, 7, 2})).item()).epsilon(1e-14));
}

TEST_CASE("the KL divergence stays finite where both probabilities are 0, in every gradient") {
  const Tensor scores = parameter(tensor({1, 2, -INFINITY}, Dtype::f64));
  const Tensor log_q = log_softmax(scores, -1);
  for (const bool log_target : {false, true}) {
    const double inf = INFINITY;
    const Tensor target =
        parameter(log_target ? tensor({std::log(0.5), std::log(0.5), -inf}, Dtype::f64)
                             : tensor({0.5, 0.5, 0}, Dtype::f64));
    const Tensor loss =
        kl_div(log_q, target, {.log_target = log_target, .reduction = Reduction::sum});
    CHECK(std::isfinite(loss.item()));
    loss.backward({.retain_graph = true});
    for (const double g : scores.grad().to_vector()) CHECK(std::isfinite(g));
    for (const double g : target.grad().to_vector()) CHECK(std::isfinite(g));
  }
  CHECK(kl_div(log_q, tensor({0, 0.5, 0.5}, Dtype::f64), {.reduction = Reduction::sum}).item() ==
        INFINITY);  // what is likely and called impossible
}

TEST_CASE("batchmean divides the sum by the size of the first axis, for any loss") {
  const Tensor p = tensor({1, 2, 3, 4, 5, 6}, {3, 2}), t = zeros({3, 2});
  CHECK(mse_loss(p, t, {.reduction = Reduction::batchmean}).item() == Approx(91.0 / 3));
  CHECK(cross_entropy(p, tensor_i64({0, 1, 1}), {.reduction = Reduction::batchmean}).item() ==
        Approx(cross_entropy(p, tensor_i64({0, 1, 1})).item()));
  CHECK(message_of<IndexError>([] {
          mse_loss(scalar(1), scalar(2), {.reduction = Reduction::batchmean});
        }).starts_with("size: (): there is no axis 0"));
}

TEST_CASE("losses say what does not fit") {
  const Tensor logits = zeros({2, 3, 5});
  CHECK(message_of<IndexError>([&] {
          cross_entropy(zeros({3, 5}), tensor_i64({0, 1, 7}));
        }) ==
        "cross_entropy: target 7 in row 2: there are 5 classes: a target lies in 0 … 4, or is "
        "ignore_index = -100");
  CHECK(message_of<IndexError>([&] {
          nll_loss(zeros({3, 5}), tensor_i64({0, -1, 1}));
        }) ==
        "nll_loss: target -1 in row 1: there are 5 classes: a target lies in 0 … 4, or is "
        "ignore_index = -100");
  CHECK(message_of<ShapeError>([&] {
          cross_entropy(logits, tensor_i64(std::vector<int64_t>(10, 0), {2, 5}));
        }) ==
        "cross_entropy: logits (2, 3, 5), targets (2, 5): targets must be (2, 3), for logits are "
        "(…, C), classes last: "
        "move a class axis 1 to the end with logits.transpose(1, -1)");
  CHECK(message_of<DtypeError>([&] {
          cross_entropy(zeros({2, 3}), zeros({2}));
        }) == "cross_entropy: targets float32 (2,): targets are class numbers: make them int64");
  CHECK(message_of<ShapeError>([&] { cross_entropy(scalar(1), tensor_i64({0})); }) ==
        "cross_entropy: logits (): there are no classes: logits are (…, C)");
  CHECK(message_of<ShapeError>([&] {
          cross_entropy(zeros({2, 3}), tensor_i64({0, 1}), {.weight = zeros({2})});
        }) == "cross_entropy: class weights (2,), 3 classes: give one weight a class");
  CHECK(message_of([&] {
          cross_entropy(zeros({2, 3}), tensor_i64({0, 1}), {.label_smoothing = 1.5});
        }) == "cross_entropy: label_smoothing = 1.5: must lie in 0 … 1");
  CHECK(message_of<ShapeError>([&] {
          mse_loss(zeros({2, 1}), zeros({2}));
        }) ==
        "mse_loss: prediction (2, 1), target (2,): shapes differ: reshape one of them, for a loss "
        "broadcasts nothing");
  for (const auto& call : {+[](const Tensor&a, const Tensor&b) { return l1_loss(a, b); },
                           +[](const Tensor&a, const Tensor&b) { return huber_loss(a, b); },
                           +[](const Tensor&a, const Tensor&b) { return hinge_loss(a, b); },
                           +[](const Tensor&a, const Tensor&b) { return bce_with_logits(a, b); },
                           +[](const Tensor&a, const Tensor&b) { return kl_div(a, b); }})
    CHECK(message_of<ShapeError>([&] {
            call(zeros({2, 1}), zeros({2}));
          }).find("shapes differ") != std::string::npos);
  CHECK(message_of([&] { huber_loss(zeros({2}), zeros({2}), {.delta = 0}); }) ==
        "huber_loss: delta = 0: must be positive");
}
