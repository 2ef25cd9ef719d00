// multinomial: how often each position is drawn, what repeats, and what is refused.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using test::contains, test::message_of;

namespace {

// Σ (observed - expected)² / expected; its mean is the number of kinds less one.
double chi_squared(const std::vector<double>& observed, const std::vector<double>& expected) {
  double sum = 0;
  for (size_t i = 0; i < observed.size(); ++i)
    sum += (observed[i] - expected[i]) * (observed[i] - expected[i]) / expected[i];
  return sum;
}

}  // namespace

TEST_CASE("multinomial: positions are drawn in proportion to their weights") {
  Generator generator(7);
  const std::vector<double> weights = {0.5, 3, 0, 1, 2.5, 0, 1};  // Σ 8
  const int64_t n = 200000;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Tensor drawn = multinomial(tensor(weights, dtype), n, {.replacement = true, .generator = generator});
    CHECK(drawn.shape() == Shape{n});
    CHECK(drawn.dtype() == Dtype::i64);
    std::vector<double> count(weights.size());
    for (const double position : drawn.to_vector()) ++count[static_cast<size_t>(position)];
    CHECK(count[2] == 0);
    CHECK(count[5] == 0);
    std::vector<double> observed, expected;
    for (const size_t i : {0, 1, 3, 4, 6}) {
      observed.push_back(count[i]);
      expected.push_back(static_cast<double>(n) * weights[i] / 8);
    }
    CHECK(chi_squared(observed, expected) < 18.5);  // 4 degrees of freedom: once in a thousand
  }
  // One draw from each of many rows: the path that text takes.
  const Tensor rows = tensor(weights).expand({50000, 7});
  std::vector<double> count(7);
  for (const double position : multinomial(rows, 1, {.generator = generator}).to_vector())
    ++count[static_cast<size_t>(position)];
  CHECK(chi_squared({count[0], count[1], count[3], count[4], count[6]}, {3125, 18750, 6250, 15625, 6250}) < 18.5);
}

TEST_CASE("multinomial: without replacement, order and all are those of draws one after the other") {
  Generator generator(8);
  const double w[] = {1, 2, 3, 4};
  const int64_t n = 60000;
  const std::vector<double> drawn =
      multinomial(tensor({1, 2, 3, 4}).expand({n, 4}), 2, {.generator = generator}).to_vector();
  std::vector<double> observed, expected;
  std::vector<double> count(16);
  for (size_t i = 0; i < drawn.size(); i += 2) ++count[static_cast<size_t>(drawn[i] * 4 + drawn[i + 1])];
  for (size_t first = 0; first < 4; ++first)
    for (size_t second = 0; second < 4; ++second) {
      if (first == second) {
        CHECK(count[first * 4 + second] == 0);
        continue;
      }
      observed.push_back(count[first * 4 + second]);
      expected.push_back(static_cast<double>(n) * w[first] / 10 * w[second] / (10 - w[first]));
    }
  CHECK(chi_squared(observed, expected) < 31.3);  // 11 degrees of freedom: once in a thousand

  // All positive positions, in random order, and never one whose weight is 0.
  std::vector<double> weights(1000, 0.0);
  for (size_t i = 0; i < 1000; i += 2) weights[i] = std::exp(static_cast<double>(i) / 100);
  const std::vector<double> all = multinomial(tensor(weights, Dtype::f64), 500, {.generator = generator}).to_vector();
  const std::set<double> kinds(all.begin(), all.end());
  CHECK(kinds.size() == 500);
  for (const double position : all) CHECK(static_cast<int64_t>(position) % 2 == 0);
  // The smallest double beside the largest is still positive.
  const Tensor extreme = tensor({1e308, 5e-324, 0, 1e-300}, Dtype::f64);
  std::vector<double> three = multinomial(extreme, 3, {.generator = generator}).to_vector();
  std::sort(three.begin(), three.end());
  CHECK(three == std::vector<double>{0, 1, 3});
}

TEST_CASE("multinomial: the same seed gives the same positions, for any number of threads and in views") {
  const int before = num_threads();
  const Tensor weights = rand({300, 500}, Dtype::f64);
  for (const bool replacement : {false, true}) {
    std::vector<double> wanted;
    for (const int threads : {1, 2, 5}) {
      set_num_threads(threads);
      Generator generator(3);
      const std::vector<double> drawn =
          multinomial(weights, 20, {.replacement = replacement, .generator = generator}).to_vector();
      if (threads == 1) wanted = drawn;
      CHECK(drawn == wanted);
      generator.seed(3);
      const Tensor view = weights.transpose(0, 1).clone().transpose(0, 1);
      CHECK(multinomial(view, 20, {.replacement = replacement, .generator = generator}).to_vector() == wanted);
    }
  }
  set_num_threads(before);
  manual_seed(5);
  const std::vector<double> first = multinomial(weights, 3).to_vector(), second = multinomial(weights, 3).to_vector();
  manual_seed(5);
  CHECK(multinomial(weights, 3).to_vector() == first);
  CHECK(first != second);
  CHECK(!multinomial(parameter(weights), 1).requires_grad());
  CHECK(multinomial(zeros({0, 4}), 2).shape() == Shape{0, 2});
  CHECK(multinomial(tensor({0, 0, 4}), 1).to_vector() == std::vector<double>{2});
}

TEST_CASE("multinomial: what is no distribution is refused") {
  const auto wrong = [](const Tensor& weights, int64_t count = 1, bool replacement = false) {
    return message_of([&] { multinomial(weights, count, {.replacement = replacement}); });
  };
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  CHECK(wrong(tensor({1, -2, 3})) ==
        "multinomial: weights (3,): weight 1 is -2: must be finite and not negative: logits need softmax() first");
  CHECK(wrong(tensor({1, 2, 3, nan}, {2, 2})) ==
        "multinomial: weights (2, 2): weight 1 of row 1 is nan: must be finite and not negative: logits need softmax() "
        "first");
  CHECK(contains(wrong(tensor({infinity})), "weight 0 is inf: must be finite"));
  CHECK(wrong(zeros({3})) == "multinomial: weights (3,): all are 0: at least one must be positive");
  CHECK(wrong(tensor({1, 0, 0, 0}, {2, 2})) ==
        "multinomial: weights (2, 2): all of row 1 are 0: at least one must be positive");
  CHECK(wrong(zeros({0})) == "multinomial: weights (0,): all are 0: at least one must be positive");
  CHECK(wrong(full({2}, 1e308, Dtype::f64)) ==
        "multinomial: weights (2,): the sum is infinite: divide them by their largest");
  CHECK(wrong(tensor({1, 0, 2}), 3) ==
        "multinomial: weights (3,): only 2 are positive, 3 are to be drawn without replacement: draw fewer, or with "
        "replacement");
  CHECK(wrong(tensor({1, 0, 2}), 3, true) == "no error");
  CHECK(wrong(tensor({1, 2}), 0) == "multinomial: weights (2,), 0 draws: draw at least one");
  CHECK(message_of<ShapeError>([&] { multinomial(scalar(1), 1); }) ==
        "multinomial: weights (): needs one axis (V) or two (B, V)");
  CHECK(message_of<ShapeError>([&] { multinomial(ones({1, 2, 3}), 1); }) ==
        "multinomial: weights (1, 2, 3): needs one axis (V) or two (B, V)");
  CHECK(message_of<DtypeError>([&] { multinomial(tensor_i64({1, 2}), 1); }) ==
        "multinomial: weights (2,) of int64: needs float32 or float64: convert with to(Dtype::f32)");
  // Nothing was drawn: the generator is where it was.
  Generator generator(1);
  CHECK(contains(message_of([&] { multinomial(zeros({3}), 1, {.generator = generator}); }), "all are 0"));
  CHECK(generator.counter() == 0);
}
