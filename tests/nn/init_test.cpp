#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/init.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;

namespace {

struct Moments {
  double low, high, mean, std;
};

Moments moments(const Tensor& t) {
  const Tensor x = t.detach().to(Dtype::f64);
  const double m = mean(x).item();
  return {amin(x).item(), amax(x).item(), m, std::sqrt(mean(square(x - m)).item())};
}

Tensor weight() { return parameter(zeros({200, 300})); }  // fan in 300, fan out 200

void check_uniform(const Tensor& x, double bound) {
  const Moments m = moments(x);
  CHECK(m.low >= -bound);
  CHECK(m.high <= bound);
  CHECK(m.low < -0.99 * bound);
  CHECK(m.high > 0.99 * bound);
  CHECK(m.std == Approx(bound / std::sqrt(3.0)).epsilon(0.02));
}

void check_normal(const Tensor& x, double mean, double std) {
  const Moments m = moments(x);
  CHECK(m.mean == Approx(mean).margin(0.02 * std));
  CHECK(m.std == Approx(std).epsilon(0.02));
  CHECK(m.high > mean + 3.5 * std);
}

}  // namespace

TEST_CASE("initial values have the published bounds and deviations") {
  manual_seed(1);
  Tensor x = weight();
  check_uniform(uniform_(x, -2.0, 2.0), 2.0);
  check_normal(normal_(x, 3.0, 0.5), 3.0, 0.5);
  check_uniform(xavier_uniform_(x), std::sqrt(6.0 / 500));
  check_normal(xavier_normal_(x, 2.0), 0.0, 2.0 * std::sqrt(2.0 / 500));
  check_uniform(kaiming_uniform_(x), std::sqrt(6.0 / 300));
  check_uniform(kaiming_uniform_(x, std::sqrt(5.0)), std::sqrt(1.0 / 300));
  check_normal(kaiming_normal_(x, 0.1), 0.0, std::sqrt(2.0 / 1.01 / 300));
  check_normal(gpt2_residual_(x, 8), 0.0, 0.02 / 4.0);
  const Moments cut = moments(trunc_normal_(x, 0.0, 1.0, -0.5, 2.0));
  CHECK(cut.low >= -0.5);
  CHECK(cut.high <= 2.0);
  CHECK(cut.mean > 0.3);
  CHECK(moments(constant_(x, 1.5)).low == 1.5);
}

TEST_CASE("initialising writes through the handle, in any dtype, and asks for no history") {
  Tensor x = parameter(zeros({3, 4}, Dtype::f64));
  const Tensor alias = x;
  const auto node = x.node();
  normal_(x);
  CHECK(x.node() == node);
  CHECK(alias.to_vector() == x.to_vector());
  CHECK(x.is_leaf());
  Tensor kernel = zeros({4, 2, 3, 3});  // fan in 2 · 9
  manual_seed(2);
  CHECK(amax(abs(kaiming_uniform_(kernel))).item() <= std::sqrt(6.0 / 18));
  Tensor vector = zeros({3});
  CHECK(test::message_of<ShapeError>([&] { xavier_uniform_(vector); }) ==
        "xavier_uniform_: (3,): fan in and fan out need two axes or more: use uniform_ or normal_");
}

TEST_CASE("orthogonal_ gives orthonormal rows or columns, times gain, of any shape and dtype") {
  manual_seed(3);
  for (const Shape& shape :
       {Shape{5, 5}, Shape{3, 8}, Shape{8, 3}, Shape{4, 2, 3}, Shape{10, 2, 2}, Shape{1, 6}, Shape{60, 60}})
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      INFO(shape << " of " << dtype);
      Tensor x = parameter(zeros(shape, dtype));
      const auto node = x.node();
      orthogonal_(x, 2.0);
      CHECK(x.node() == node);
      const Tensor m = x.detach().to(Dtype::f64).reshape({shape[0], -1});
      const Tensor product = m.size(0) <= m.size(1) ? matmul(m, m.transpose(0, 1)) : matmul(m.transpose(0, 1), m);
      const Tensor error = abs(product - 4.0 * eye(product.size(0), Dtype::f64));
      CHECK(amax(error).item() < (dtype == Dtype::f32 ? 2e-6 : 1e-14));
    }
  Tensor none = zeros({0, 3});
  CHECK(orthogonal_(none).shape() == Shape{0, 3});
}

TEST_CASE("orthogonal_ draws every direction alike, from the default generator") {
  // Of a uniformly distributed orthogonal matrix each entry has mean 0 and variance 1/n, and the
  // trace has mean 0 and variance 1 (Diaconis & Mallows). Without the sign of R's diagonal the
  // diagonal would be of one sign.
  constexpr int n = 6, draws = 3000;
  manual_seed(4);
  Tensor x = zeros({n, n}, Dtype::f64), sums = zeros({n, n}, Dtype::f64), squares = sums.clone();
  double trace = 0, trace_squared = 0;
  for (int i = 0; i < draws; ++i) {
    orthogonal_(x);
    sums.add_(x);
    squares.add_(square(x));
    const double t = sum(x.diagonal()).item();
    trace += t;
    trace_squared += t * t;
  }
  const double four_sigma = 4.0 / std::sqrt(draws);
  CHECK(amax(abs(sums)).item() / draws < 1.2 * four_sigma / std::sqrt(n));
  CHECK(amax(abs(squares * (1.0 / draws) - 1.0 / n)).item() < 2 * four_sigma / n);
  CHECK(std::abs(trace / draws) < four_sigma);
  CHECK(trace_squared / draws == Approx(1.0).margin(2 * four_sigma));
  manual_seed(5);
  const std::vector<double> once = orthogonal_(x).to_vector();
  CHECK(orthogonal_(x).to_vector() != once);
  manual_seed(5);
  CHECK(orthogonal_(x).to_vector() == once);
}

TEST_CASE("orthogonal_ refuses a vector") {
  Tensor vector = zeros({3});
  CHECK(test::message_of<ShapeError>([&] { orthogonal_(vector); }) ==
        "orthogonal_: (3,): needs two axes or more: a vector has nothing to be orthogonal to");
}
