#include "support/catch.h"

#include <cmath>
#include <sstream>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/layers/loss_checks.h>
#include <heed/nn/layers/losses.h>
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

TEST_CASE("a row without a permitted class: its loss is NaN, and only its target has a gradient") {
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
  const Tensor fused =
      cross_entropy(logits, target, {.weight = weight, .label_smoothing = 0.2, .reduction = Reduction::none});
  CHECK(amax(abs(plain - fused)).item() < 1e-14);
}

TEST_CASE("a strided target and logits that are a view") {
  manual_seed(2);
  const Tensor logits = randn({5, 4}, Dtype::f64), target = tensor_i64({0, 9, 1, 9, 2, 9, 3, 9}, {4, 2});
  const Tensor dense = cross_entropy(logits.transpose(0, 1).clone(), tensor_i64({0, 1, 2, 3}));
  CHECK(cross_entropy(logits.transpose(0, 1), target.select(1, 0)).item() == dense.item());
}

TEST_CASE("gradients of the losses, first and second order") {
  manual_seed(3);
  const Tensor p = randn({4, 3}, Dtype::f64), t = randn({4, 3}, Dtype::f64), unit = rand({4, 3}, Dtype::f64);
  const Tensor sign = where(t > 0.0, 1.0, zeros_like(t)) * 2.0 - 1.0;
  gradcheck([&](const Tensor& x) { return mse_loss(x, t); }, p);
  gradcheck([&](const Tensor& x) { return l1_loss(x, t); }, p);
  gradcheck([&](const Tensor& x) { return huber_loss(x, t, {.delta = 0.7}); }, p);
  gradcheck([&](const Tensor& x) { return hinge_loss(x, sign); }, p);
  gradcheck([&](const Tensor& x) { return bce_with_logits(x, unit, {.pos_weight = tensor({1, 2, 3}, Dtype::f64)}); },
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
          return cross_entropy(x, target, {.weight = weight, .label_smoothing = 0.1, .reduction = reduction});
        },
        p);
    gradcheck([&](const Tensor& x) { return nll_loss(x, target, {.weight = weight, .reduction = reduction}); }, p);
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
  CHECK(kl_div(uniform, half, {.reduction = Reduction::batchmean}).item() == Approx(std::log(2.0)).epsilon(1e-14));
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
    const Tensor target = parameter(log_target ? tensor({std::log(0.5), std::log(0.5), -inf}, Dtype::f64)
                                               : tensor({0.5, 0.5, 0}, Dtype::f64));
    const Tensor loss = kl_div(log_q, target, {.log_target = log_target, .reduction = Reduction::sum});
    CHECK(std::isfinite(loss.item()));
    loss.backward({.retain_graph = true});
    for (const double g : scores.grad().to_vector()) CHECK(std::isfinite(g));
    for (const double g : target.grad().to_vector()) CHECK(std::isfinite(g));
    CHECK(target.grad()[2].item() == 0);  // what is absent has no part in the loss
  }
  CHECK(kl_div(log_q, tensor({0, 0.5, 0.5}, Dtype::f64), {.reduction = Reduction::sum}).item() ==
        INFINITY);  // what is likely and called impossible
}

TEST_CASE("batchmean divides the sum by the size of the first axis, for any loss") {
  const Tensor p = tensor({1, 2, 3, 4, 5, 6}, {3, 2}), t = zeros({3, 2});
  CHECK(mse_loss(p, t, {.reduction = Reduction::batchmean}).item() == Approx(91.0 / 3));
  CHECK(cross_entropy(p, tensor_i64({0, 1, 1}), {.reduction = Reduction::batchmean}).item() ==
        Approx(cross_entropy(p, tensor_i64({0, 1, 1})).item()));
  CHECK(message_of<ShapeError>([] { mse_loss(scalar(1), scalar(2), {.reduction = Reduction::batchmean}); }) ==
        "mse_loss: losses (): batchmean divides by the size of the first axis, and there is none: use mean or sum");
}

TEST_CASE("losses say what does not fit") {
  const Tensor logits = zeros({2, 3, 5});
  CHECK(message_of<IndexError>([&] { cross_entropy(zeros({3, 5}), tensor_i64({0, 1, 7})); }) ==
        "cross_entropy: target 7 in row 2: there are 5 classes: a target lies in 0 … 4, or is "
        "ignore_index = -100");
  CHECK(message_of<IndexError>([&] { nll_loss(zeros({3, 5}), tensor_i64({0, -1, 1})); }) ==
        "nll_loss: target -1 in row 1: there are 5 classes: a target lies in 0 … 4, or is "
        "ignore_index = -100");
  CHECK(message_of<ShapeError>([&] { cross_entropy(logits, tensor_i64(std::vector<int64_t>(10, 0), {2, 5})); }) ==
        "cross_entropy: logits (2, 3, 5), targets (2, 5): targets must be (2, 3), since logits are "
        "(…, C), classes last: move the class axis 1 to the end with logits.permute({0, 2, 1})");
  CHECK(message_of<ShapeError>([&] {
          cross_entropy(zeros({2, 7, 3, 4}), zeros({2, 3, 4}, Dtype::i64));
        }).ends_with("move the class axis 1 to the end with logits.permute({0, 2, 3, 1})"));
  CHECK(message_of<ShapeError>([&] { cross_entropy(zeros({64, 3}), zeros({64, 1}, Dtype::i64)); }) ==
        "cross_entropy: logits (64, 3), targets (64, 1): targets must be (64,), since logits are (…, C), "
        "classes last: drop the last axis of the targets with targets.squeeze(1)");
  CHECK(message_of<ShapeError>([&] { cross_entropy(zeros({64, 3}), tensor_i64({1, 2})); }) ==
        "cross_entropy: logits (64, 3), targets (2,): targets must be (64,), since logits are (…, C), "
        "classes last: pass one class index per row");
  for (const Dtype dtype : {Dtype::i64, Dtype::f32})
    CHECK(message_of<ShapeError>([&] { nll_loss(zeros({2, 3}), one_hot(tensor_i64({2, 0}), 3).to(dtype)); }) ==
          cat("nll_loss: log_probs (2, 3), targets ", dtype, " (2, 3): look one-hot: pass argmax(targets, -1)"));
  CHECK(message_of<ShapeError>([&] { cross_entropy(zeros({2, 3}), full({2, 3}, 1.0 / 3)); }) ==
        "cross_entropy: logits (2, 3), targets float32 (2, 3): are not class indices: for a distribution over the "
        "classes use kl_div(log_softmax(logits, -1), targets, {.reduction = "
        "Reduction::batchmean}), which has the same gradient");
  CHECK(
      message_of<ShapeError>([&] { cross_entropy(zeros({2, 3}), zeros({2, 3}, Dtype::i64)); }) ==
      "cross_entropy: logits (2, 3), targets int64 (2, 3): have an entry for each class: pass one class index per row");
  CHECK(message_of<DtypeError>([&] { cross_entropy(zeros({2, 3}, Dtype::i64), tensor_i64({0, 1})); }) ==
        "cross_entropy: logits int64 (2, 3): a loss needs a floating dtype: convert with to(Dtype::f32)");
  CHECK(message_of<DtypeError>([&] { cross_entropy(zeros({2, 3}), zeros({2})); }) ==
        "cross_entropy: targets float32 (2,): class indices must be int64: convert them with "
        "to(Dtype::i64)");
  CHECK(message_of<ShapeError>([&] { cross_entropy(scalar(1), tensor_i64({0})); }) ==
        "cross_entropy: logits (): there are no classes: logits are (…, C)");
  CHECK(message_of<ShapeError>([&] { cross_entropy(zeros({2, 3}), tensor_i64({0, 1}), {.weight = zeros({2})}); }) ==
        "cross_entropy: class weights (2,), 3 classes: pass one weight per class");
  CHECK(message_of([&] { cross_entropy(zeros({2, 3}), tensor_i64({0, 1}), {.label_smoothing = 1.5}); }) ==
        "cross_entropy: label_smoothing = 1.5: must lie in 0 … 1");
  CHECK(message_of<ShapeError>([&] { mse_loss(zeros({2, 1}), zeros({2})); }) ==
        "mse_loss: prediction (2, 1), target (2,): shapes differ, and a loss broadcasts nothing: give "
        "the target the last axis with unsqueeze(-1)");
  struct Named {
    const char *op, *first, *second;
    Tensor (*loss)(const Tensor&, const Tensor&);
  };
  const std::vector<Named> losses = {
      {"mse_loss", "prediction", "target", [](const Tensor& a, const Tensor& b) { return mse_loss(a, b); }},
      {"l1_loss", "prediction", "target", [](const Tensor& a, const Tensor& b) { return l1_loss(a, b); }},
      {"huber_loss", "prediction", "target", [](const Tensor& a, const Tensor& b) { return huber_loss(a, b); }},
      {"hinge_loss", "score", "label", [](const Tensor& a, const Tensor& b) { return hinge_loss(a, b); }},
      {"bce_with_logits", "logits", "targets", [](const Tensor& a, const Tensor& b) { return bce_with_logits(a, b); }},
      {"kl_div", "log_probs", "target", [](const Tensor& a, const Tensor& b) { return kl_div(a, b); }}};
  for (const Named& named : losses) {
    const auto [op, first, second, unused] = named;
    const auto loss = named.loss;
    static_cast<void>(unused);
    CHECK(message_of<ShapeError>([&] { loss(zeros({2}), zeros({2, 1})); }) ==
          cat(op, ": ", first, " (2,), ", second, " (2, 1): shapes differ, and a loss broadcasts nothing: ",
              "drop the last axis of the ", second, " with squeeze(-1)"));
    CHECK(message_of<ShapeError>([&] { loss(zeros({2, 3}), zeros({3, 2})); }) ==
          cat(op, ": ", first, " (2, 3), ", second,
              " (3, 2): shapes differ, and a loss broadcasts nothing: reshape one of them"));
    CHECK(message_of<DtypeError>([&] { loss(zeros({2, 1}), zeros({2, 1}, Dtype::i64)); }) ==
          cat(op, ": ", first, " float32, ", second, " int64: dtypes differ: convert the ", second,
              " with to(Dtype::f32)"));
    CHECK(message_of<DtypeError>([&] { loss(zeros({2}, Dtype::f64), zeros({2})); }) ==
          cat(op, ": ", first, " float64, ", second, " float32: dtypes differ: convert the ", second,
              " with to(Dtype::f64)"));
    CHECK(message_of<DtypeError>([&] { loss(zeros({2}, Dtype::i64), zeros({2}, Dtype::i64)); }) ==
          cat(op, ": ", first, " int64 (2,): a loss needs a floating dtype: convert with to(Dtype::f32)"));
  }
  CHECK(message_of<ShapeError>([&] { bce_with_logits(zeros({4, 3}), zeros({4, 3}), {.pos_weight = ones({2})}); }) ==
        "bce_with_logits: logits (4, 3), pos_weight (2,): does not broadcast to the logits: pass one factor per "
        "element of the last axis");
  CHECK(message_of<DtypeError>(
            [&] { bce_with_logits(zeros({4, 3}), zeros({4, 3}), {.pos_weight = ones({3}, Dtype::f64)}); }) ==
        "bce_with_logits: logits float32, pos_weight float64: dtypes differ: convert pos_weight with "
        "to(Dtype::f32)");
  CHECK(message_of([&] { huber_loss(zeros({2}), zeros({2}), {.delta = 0}); }) ==
        "huber_loss: delta = 0: must be positive");
}

TEST_CASE("probabilities where logits should be are noticed, once, and honest logits are not") {
  manual_seed(9);
  const auto said = [](const std::vector<Tensor>& calls) {
    LogitsWatch watch;
    std::ostringstream out;
    for (const Tensor& x : calls) watch.look(x, out);
    return out.str();
  };
  const std::string probabilities =
      "warning: cross_entropy: logits (5, 7): each row sums to 1, as probabilities do: they must be raw "
      "scores: leave the softmax out\n";
  const std::string logarithms =
      "warning: cross_entropy: logits (5, 7): each row is the logarithm of a distribution: softmax would be applied "
      "twice: pass raw scores, or use nll_loss\n";
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Tensor x = randn({5, 7}, dtype) * 3.0;
    CHECK(said({softmax(x, -1)}) == probabilities);
    CHECK(said({log_softmax(x, -1)}) == logarithms);
    const Tensor two = softmax(x.slice(1, 0, 2), -1);
    CHECK(said({two}).starts_with("warning: cross_entropy: logits (5, 2): each row sums to 1"));
    CHECK(said({log(two)})
              .starts_with("warning: cross_entropy: logits (5, 2): each row is the logarithm of a distribution"));
    CHECK(said({x, softmax(x, -1), softmax(x, -1), log_softmax(x, -1)}) == probabilities);
    for (const Tensor& honest :
         {x, x * 1e-3, zeros({5, 7}, dtype), rand({5, 7}, dtype), eye(7, dtype), zeros({5, 1}, dtype), -abs(x), x - 1e4,
          softmax(x, 0), zeros({0, 7}, dtype), x * INFINITY, cat({softmax(x, -1), x}, 0), cat({x, softmax(x, -1)}, 0),
          cat({log_softmax(x, -1), x}, 0), cat({x, log_softmax(x, -1)}, 0)})
      CHECK(said({honest}).empty());
  }
  // 10 000 batches of logits of every size, as they come out of layers: not once.
  for (int i = 0; i < 10000; ++i) {
    const Tensor x = randn({1 + i % 4, 2 + i % 9}) * std::pow(10.0, i % 5 - 3);
    CHECK(said({x}).empty());
  }
  // Only the first calls are judged: after those, a softmax costs nothing, and says nothing.
  std::vector<Tensor> calls(8, randn({5, 7}));
  calls.push_back(softmax(calls[0], -1));
  CHECK(said(calls).empty());
}
