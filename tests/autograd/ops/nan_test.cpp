// NaN and infinity in ops that select: which element is selected, and which gets the gradient. All as in PyTorch.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>

#include "support/catch.h"

using namespace heed;

namespace {

const double nan = NAN, inf = INFINITY;
using Numbers = std::vector<double>;

void check_numbers(const Tensor& x, const Numbers& expected) {
  const Numbers found = x.to_vector();
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i, found[i], expected[i]);
    if (std::isnan(expected[i])) CHECK(std::isnan(found[i]));
    else CHECK(found[i] == expected[i]);
  }
}

struct Case {
  std::string name;
  std::function<Tensor(const Tensor&)> f;
  Numbers x, y, gradient;
};

const Numbers some = {1, nan, 2, nan, 2};
const Tensor& other() {
  static const Tensor x = tensor({nan, 1, 1.5, nan, 2});
  return x;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"amax", [](const Tensor& x) { return amax(x); }, some, {nan}, Numbers(5, nan)},
      {"amin", [](const Tensor& x) { return amin(x); }, some, {nan}, Numbers(5, nan)},
      {"amax without", [](const Tensor& x) { return amax(x); }, {1, inf, inf, -inf}, {inf}, {0, 0.5, 0.5, 0}},
      {"max", [](const Tensor& x) { return max(x, 0).values; }, some, {nan}, {0, 1, 0, 0, 0}},
      {"min", [](const Tensor& x) { return min(x, 0).values; }, some, {nan}, {0, 1, 0, 0, 0}},
      {"argmax", [](const Tensor& x) { return argmax(x.detach(), 0).to(Dtype::f32); }, some, {1}, {}},
      {"argmin", [](const Tensor& x) { return argmin(x.detach(), 0).to(Dtype::f32); }, some, {1}, {}},
      {"sort", [](const Tensor& x) { return sort(x, 0).values; }, some, {1, 2, 2, nan, nan}, Numbers(5, 1)},
      {"sort, descending",
       [](const Tensor& x) { return sort(x, 0, true).values; },
       some,
       {nan, nan, 2, 2, 1},
       Numbers(5, 1)},
      {"topk", [](const Tensor& x) { return topk(x, 2, 0).values; }, some, {nan, nan}, {0, 1, 0, 1, 0}},
      {"topk, smallest", [](const Tensor& x) { return topk(x, 1, 0, false).values; }, some, {1}, {1, 0, 0, 0, 0}},
      {"maximum", [](const Tensor& x) { return maximum(x, other()); }, some, {nan, nan, 2, nan, 2}, {1, 1, 1, 1, 0.5}},
      {"maximum, right",
       [](const Tensor& x) { return maximum(other(), x); },
       some,
       {nan, nan, 2, nan, 2},
       {1, 1, 1, 1, 0.5}},
      {"minimum",
       [](const Tensor& x) { return minimum(x, other()); },
       some,
       {nan, nan, 1.5, nan, 2},
       {1, 1, 0, 1, 0.5}},
      {"clamp",
       [](const Tensor& x) { return clamp(x, 0, 1.5); },
       {nan, -1, 0, 1.5, 2, inf, -inf},
       {nan, 0, 0, 1.5, 1.5, 1.5, 0},
       {0, 0, 1, 1, 0, 0, 0}},
      {"relu",
       [](const Tensor& x) { return relu(x); },
       {nan, -1, 0, 1, inf, -inf},
       {nan, 0, 0, 1, inf, 0},
       {1, 0, 0, 1, 1, 0}},
      {"abs", [](const Tensor& x) { return abs(x); }, {nan, 0, -1, -inf}, {nan, 0, 1, inf}, {nan, 0, -1, -1}},
  };
  return all;
}

}  // namespace

TEST_CASE("NaN and infinity: values and gradients of what chooses") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const Tensor x = parameter(tensor(c.x));
    const Tensor y = c.f(x);
    check_numbers(y, c.y);
    if (c.gradient.empty()) continue;
    check_numbers(grad(sum(y), {x}, {.create_graph = true})[0], c.gradient);
    sum(y).backward();
    check_numbers(x.grad(), c.gradient);
  }
}

TEST_CASE("what is not chosen has gradient 0, however large the gradient from above") {
  const Tensor seed = tensor({inf, -inf, inf});
  const auto gradient = [&](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor x = parameter(tensor({-1, -2, 3}));
    const Tensor y = f(x);
    const Numbers recorded = grad(y, {x}, {.seed = seed, .create_graph = true})[0].to_vector();
    y.backward(seed);
    CHECK(recorded == x.grad().to_vector());
    return recorded;
  };
  CHECK(gradient([](const Tensor& x) { return relu(x); }) == Numbers{0, 0, inf});
  CHECK(gradient([](const Tensor& x) { return maximum(x, 0.0); }) == Numbers{0, 0, inf});
  CHECK(gradient([](const Tensor& x) { return minimum(x, 0.0); }) == Numbers{inf, -inf, 0});
  CHECK(gradient([](const Tensor& x) { return clamp(x, -1.5, 2.0); }) == Numbers{inf, 0, 0});
  for (const auto flat : {sign, floor, ceil, round}) CHECK(gradient(flat) == Numbers{0, 0, 0});
  CHECK(gradient([](const Tensor& x) { return pow(x, 0.0); }) == Numbers{0, 0, 0});
}

TEST_CASE("logaddexp of equal infinities: each has half of the gradient") {
  for (const double both : {inf, -inf}) {
    const Tensor a = parameter(tensor({both})), b = parameter(tensor({both}));
    const Tensor y = logaddexp(a, b);
    CHECK(y.item() == both);
    CHECK(grad(y, {a, b}, {.create_graph = true})[0].item() == 0.5);
    y.backward();
    CHECK(a.grad().item() == 0.5);
    CHECK(b.grad().item() == 0.5);
  }
}
