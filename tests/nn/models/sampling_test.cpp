#include "support/catch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/autograd/ops.h>
#include <heed/nn/models/sampling.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Probabilities 0.2, 0.5, 0.3.
const Tensor logits = tensor({std::log(0.2), std::log(0.5), std::log(0.3)}, {1, 3}, Dtype::f64);

bool are(const Tensor& p, const std::vector<double>& wanted) {
  const std::vector<double> values = p.to_vector();
  if (values.size() != wanted.size()) return false;
  for (size_t i = 0; i < values.size(); ++i)
    if (std::abs(values[i] - wanted[i]) > 1e-12) return false;
  return true;
}

std::vector<double> of(const SamplingOptions& options) { return token_probabilities(logits, options).to_vector(); }

}  // namespace

TEST_CASE("sampling: each option keeps the tokens that it names, and the rest sums to 1") {
  CHECK(are(token_probabilities(logits), {0.2, 0.5, 0.3}));
  CHECK(are(token_probabilities(logits, {.temperature = 0.5}), {0.04 / 0.38, 0.25 / 0.38, 0.09 / 0.38}));
  CHECK(of({.temperature = 0}) == std::vector<double>{0, 1, 0});
  CHECK(of({.top_k = 1}) == std::vector<double>{0, 1, 0});
  CHECK(are(token_probabilities(logits, {.top_k = 2}), {0, 0.625, 0.375}));
  CHECK(are(token_probabilities(logits, {.top_k = 9}), {0.2, 0.5, 0.3}));
  CHECK(of({.top_p = 0.49}) == std::vector<double>{0, 1, 0});
  CHECK(are(token_probabilities(logits, {.top_p = 0.51}), {0, 0.625, 0.375}));
  CHECK(are(token_probabilities(logits, {.top_p = 0.81}), {0.2, 0.5, 0.3}));
  CHECK(are(token_probabilities(logits, {.top_k = 2, .top_p = 0.62}), {0, 1, 0}));  // of what top_k left: 0.625
  CHECK(are(token_probabilities(logits, {.min_p = 0.5}), {0, 0.625, 0.375}));       // 0.2 < 0.5 · 0.5
  CHECK(are(token_probabilities(logits, {.min_p = 1}), {0, 1, 0}));
  const Tensor equal = zeros({1, 4});
  CHECK(are(token_probabilities(equal, {.top_k = 2}), {0.5, 0.5, 0, 0}));
  CHECK(are(token_probabilities(equal, {.top_p = 0.5}), {0.5, 0.5, 0, 0}));
  CHECK(are(token_probabilities(equal, {.temperature = 0}), {1, 0, 0, 0}));
}

TEST_CASE("sampling: tokens that occurred become less likely, whatever the sign of their logits") {
  const Tensor x = tensor({2, -2, 0, 2}, {1, 4}, Dtype::f64);
  const Tensor p = token_probabilities(x, {.repetition_penalty = 2}, {{0, 1, 1}});
  const Tensor wanted = softmax(tensor({1, -4, 0, 2}, {1, 4}, Dtype::f64), -1);
  CHECK(are(p, wanted.to_vector()));
  CHECK(sample_tokens(x, {.temperature = 0, .repetition_penalty = 2}, default_generator(), {{0}}).item() == 3);
  CHECK(message_of<IndexError>([&] { token_probabilities(x, {.repetition_penalty = 2}, {{4}}); }) ==
        "sample: token 4 occurred before: is not in 0 … 3");
  CHECK(message_of<ShapeError>([&] {
          token_probabilities(x, {.repetition_penalty = 2});
        }).find("needs one for each row") != std::string::npos);
}

TEST_CASE("sampling: top-k and top-p of many random rows equal a plain computation") {
  Generator generator(3);
  for (int round = 0; round < 50; ++round) {
    const int64_t V = 40;
    const Tensor x = randn({1, V}, generator, Dtype::f64) * 3.0;
    const auto k = static_cast<int64_t>(1 + round % 45);
    const double share = 0.02 * static_cast<double>(round + 1);
    std::vector<double> p = softmax(x, -1).to_vector();
    std::vector<size_t> order(p.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
    double whole = 0, head = 0;
    for (size_t i = 0; i < order.size(); ++i)
      if (static_cast<int64_t>(i) < k) whole += p[order[i]];
    std::vector<double> kept(p.size());
    double sum = 0;
    for (size_t i = 0; i < order.size() && static_cast<int64_t>(i) < k && head < std::min(share, 1.0) * whole; ++i) {
      head += p[order[i]];
      sum += kept[order[i]] = p[order[i]];
    }
    for (double& value : kept) value /= sum;
    CHECK(are(token_probabilities(x, {.top_k = k, .top_p = std::min(share, 1.0)}), kept));
  }
}

TEST_CASE("sampling: draws follow the probabilities, and repeat with the seed") {
  const Tensor rows = logits.expand({3000, 3});
  Generator a(7), b(7);
  const Tensor drawn = sample_tokens(rows, {}, a);
  CHECK(drawn.shape() == Shape({3000}));
  CHECK(drawn.to_vector() == sample_tokens(rows, {}, b).to_vector());
  std::vector<double> counts(3);
  for (const double token : drawn.to_vector()) ++counts[static_cast<size_t>(token)];
  CHECK(std::abs(counts[0] - 600) < 100);  // four standard deviations are 88, 110, 100
  CHECK(std::abs(counts[1] - 1500) < 120);
  CHECK(std::abs(counts[2] - 900) < 110);
}

TEST_CASE("sampling: infinities are handled, mistakes refused") {
  const Tensor one_left = tensor({-infinity, 0, -infinity}, {1, 3});
  CHECK(are(token_probabilities(one_left), {0, 1, 0}));
  CHECK(are(token_probabilities(tensor({0, infinity}, {1, 2})), {0, 1}));
  Generator g(1);
  CHECK(sample_tokens(one_left, {.top_p = 0.5}, g).item() == 1);
  const auto sample = [&](const Tensor& x, const SamplingOptions& o = {}) {
    return [&, x, o] { sample_tokens(x, o, g); };
  };
  CHECK(message_of<Error>(sample(tensor({0, NAN}, {1, 2}))) ==
        "sample: logit 1 of row 0 of logits (1, 2) is NaN: find out where it came from with DetectAnomaly");
  CHECK(message_of<Error>(sample(tensor({0, NAN}, {1, 2}), {.temperature = 0})) ==
        "sample: row 0 of logits (1, 2) is NaN: find out where it came from with DetectAnomaly");
  for (const double temperature : {0.0, 1.0})
    CHECK(message_of<Error>(sample(full({1, 2}, -infinity), {.temperature = temperature})) ==
          "sample: all 2 logits are -inf: no token is allowed");
  CHECK(
      message_of<ShapeError>(sample(zeros({3}))) ==
      "sample: logits (3,): must be (B, V), one row per sequence, with a logit for each token: give a batch axis with "
      "unsqueeze(0)");
  CHECK(message_of<ShapeError>(sample(zeros({1, 0}))).find("must be (B, V)") != std::string::npos);
  const SamplingOptions wrong[] = {
      {.temperature = -1}, {.temperature = infinity}, {.top_k = -1}, {.top_p = 0},
      {.top_p = 1.1},      {.min_p = -0.1},           {.min_p = 2},  {.repetition_penalty = 0},
      {.temperature = NAN}};
  for (const SamplingOptions& o : wrong)
    CHECK(message_of<Error>([&] { token_probabilities(logits, o); }).find("out of range") != std::string::npos);
}
