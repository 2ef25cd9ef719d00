#include "support/apart.h"
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/kernel_regression.h>
#include <heed/nn/attention/masks.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

// Scores of keys at the distances given, from one query at 0.
template <class K> std::vector<double> at(const K& kernel, const std::vector<double>& distances) {
  return kernel(zeros({1, 1}, Dtype::f64), tensor(distances, {int64_t(distances.size()), 1}, Dtype::f64)).to_vector();
}

}  // namespace

TEST_CASE("kernels at u = 0, ½, 1 and 2") {
  const std::vector<double> u{0, 0.5, 1, 2};
  CHECK(at(Gaussian(), u) == std::vector<double>{0, -0.125, -0.5, -2});
  CHECK(at(Boxcar(), u) == std::vector<double>{1, 1, 1, 0});
  CHECK(at(Epanechikov(), u) == std::vector<double>{0.75, 0.5625, 0, 0});
  CHECK(at(Triangular(), u) == std::vector<double>{1, 0.5, 0, 0});
  CHECK(at(Constant(), u) == std::vector<double>{1, 1, 1, 1});
  const std::vector<double> wide{0, 1, 2, 4};
  CHECK(at(Gaussian({.width = 2}), wide) == at(Gaussian(), u));
  CHECK(at(Boxcar({.width = 2}), wide) == at(Boxcar(), u));
  CHECK(at(Epanechikov({.width = 2}), wide) == at(Epanechikov(), u));
  CHECK(at(Triangular({.width = 2}), wide) == at(Triangular(), u));
}

TEST_CASE("a learnt width starts where it is told to and is named") {
  const Gaussian kernel({.width = 0.5, .learn_width = true});
  CHECK(kernel.width() == Approx(0.5).epsilon(1e-6));
  REQUIRE(kernel.parameters().size() == 1);
  CHECK(kernel.named_parameters()[0].name == "log_width");
  CHECK(Gaussian({.width = 0.5}).parameters().empty());
  CHECK(Gaussian({.width = 0.5}).width() == 0.5);
}

TEST_CASE("squared distances keep the digits of near points") {
  const Tensor q = tensor({1000.0, 1000.25}, {2, 1}), k = tensor({1000.0, 1000.125}, {2, 1});
  CHECK(squared_distances(q, k).to_vector() == std::vector<double>{0, 0.015625, 0.0625, 0.015625});
}

TEST_CASE("Nadaraya-Watson is the mean of the values, weighted by nearness") {
  const NadarayaWatson model(Gaussian({.width = 0.8}));
  const std::vector<double> x{0, 0.5, 1.5, 2}, y{1, 3, 2, -1}, q{0.3, 1.0, 5.0};
  const Tensor f = model(tensor(q, Dtype::f64), tensor(x, Dtype::f64), tensor(y, Dtype::f64)).output;
  REQUIRE(f.shape() == Shape{3});
  for (size_t i = 0; i < q.size(); ++i) {
    double above = 0, below = 0;
    for (size_t j = 0; j < x.size(); ++j) {
      const double w = std::exp(-std::pow((q[i] - x[j]) / 0.8, 2) / 2);
      above += w * y[j];
      below += w;
    }
    CHECK(f[int64_t(i)].item() == Approx(above / below).epsilon(1e-12));
  }
}

TEST_CASE("d2l's parametric form is the Gaussian with w = 1/h") {
  manual_seed(1);
  const Tensor q = randn({5}, Dtype::f64), k = randn({5, 7}, Dtype::f64), v = randn({5, 7}, Dtype::f64);
  const double w = 1.7;
  const Tensor weights = softmax(-0.5 * square((q.unsqueeze(1) - k) * w), 1);
  const Tensor expected = sum(weights * v, 1);
  const Attended a = NadarayaWatson(Gaussian({.width = 1 / w}))(q.reshape({5, 1, 1}), k.unsqueeze(-1), v.unsqueeze(-1));
  CHECK(apart(a.output.flatten(), expected) < 1e-14);
}

TEST_CASE("theorem: with keys of one norm it is dot-product attention, to 1e-12") {
  manual_seed(2);
  const auto unit = [](const Tensor& x) { return x / norm(x, -1, keepdim); };
  const Tensor q = unit(randn({2, 6, 4}, Dtype::f64)), k = unit(randn({2, 9, 4}, Dtype::f64)),
               v = randn({2, 9, 3}, Dtype::f64);
  for (const double h : {0.3, 1.0, 2.5}) {
    const Attended nw = NadarayaWatson(Gaussian({.width = h}))(q, k, v);
    const Attended dot = attention(q, k, v, {.scale = 1 / (h * h)});
    CHECK(apart(nw.weights, dot.weights) < 1e-12);
    CHECK(apart(nw.output, dot.output) < 1e-12);
  }
}

TEST_CASE("a query that no key reaches gets zeros, the Gaussian reaches everywhere") {
  const Tensor q = tensor({100}), k = tensor({0, 1}), v = tensor({3, 5});
  for (const double y :
       {NadarayaWatson(Boxcar())(q, k, v).output.item(), NadarayaWatson(Triangular())(q, k, v).output.item(),
        NadarayaWatson(Epanechikov())(q, k, v).output.item()})
    CHECK(y == 0.0);
  CHECK(NadarayaWatson(Gaussian())(q, k, v).output.item() == 5.0);
  CHECK(NadarayaWatson(Constant())(q, k, v).output.item() == 4.0);
}

TEST_CASE("leave-one-out has its best width inside, without the mask the narrowest is best") {
  manual_seed(3);
  const int64_t n = 40;
  const Tensor x = 5.0 * rand({n}, Dtype::f64);
  const Tensor y = 2.0 * sin(x) + x + randn({n}, Dtype::f64) * 0.5;
  const auto loss = [&](double width, bool leave_out) {
    AttentionOptions o;
    if (leave_out) o.mask = !eye_mask(n);
    return mean(square(NadarayaWatson(Gaussian({.width = width}))(x, x, y, o).output - y)).item();
  };
  CHECK(loss(0.25, true) < loss(0.01, true));
  CHECK(loss(0.25, true) < loss(2.0, true));
  CHECK(loss(1e-3, false) < 1e-2);
  CHECK(loss(1e-3, false) < loss(0.05, false));
  CHECK(loss(0.05, false) < loss(0.25, false));

  const NadarayaWatson model(Gaussian({.width = 2.0, .learn_width = true}));  // and descent finds it
  const Tensor x32 = x.to(Dtype::f32), y32 = y.to(Dtype::f32);
  Tensor log_width = model.kernel.log_width;
  for (int step = 0; step < 200; ++step) {
    log_width.zero_grad();
    mean(square(model(x32, x32, y32, {.mask = !eye_mask(n)}).output - y32)).backward();
    const NoGrad no_history;
    log_width.add_(log_width.grad(), -0.2);
  }
  CHECK(model.kernel.width() > 0.05);
  CHECK(model.kernel.width() < 0.8);
  CHECK(loss(model.kernel.width(), true) <= loss(2.0, true) / 2);
}

TEST_CASE("kernels hold what layers must") {
  manual_seed(4);
  const Tensor q = randn({2, 3, 2}), k = randn({2, 4, 2}), v = randn({2, 4, 3});
  const auto run = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0], in[1], in[2]).output; };
  const KernelOptions learn{.width = 3.0, .learn_width = true}, fixed{.width = 3.0};
  test::check_module(NadarayaWatson(Gaussian(learn)), {q, k, v}, run);
  test::check_module(NadarayaWatson(Epanechikov(learn)), {q, k, v}, run);
  test::check_module(NadarayaWatson(Triangular(learn)), {q, k, v}, run);
  test::check_module(NadarayaWatson(Gaussian(fixed)), {q, k, v}, run);
  test::check_module(NadarayaWatson(Boxcar(fixed)), {q, k, v}, run);
  test::check_module(NadarayaWatson(Constant()), {q, k, v}, run);
  test::check_module(Gaussian(learn), {q, k},
                     [](const Gaussian& m, const std::vector<Tensor>& in) { return m(in[0], in[1]); });
}

TEST_CASE("kernels say what does not fit") {
  CHECK(message_of([] { Gaussian({.width = 0}); }) == "DistanceKernel: width = 0: must be positive");
  CHECK(message_of([] { Boxcar({.learn_width = true}); }) ==
        "Boxcar: learn_width: its derivative by the width is 0 wherever it exists: learn the width of a Gaussian, "
        "an Epanechikov or a triangular kernel");
  CHECK(message_of<ShapeError>([] { squared_distances(zeros({3, 2}), zeros({4, 3})); }) ==
        "squared_distances: queries (3, 2), keys (4, 3): must be (…, n, d) and (…, m, d): the last "
        "axes differ");
}
