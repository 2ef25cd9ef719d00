#include <cmath>

#include <heed/autograd/anomaly.h>
#include <heed/autograd/engine.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/core/ops/ops.h>
#include <heed/core/scope.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using test::contains, test::message_of;

namespace {

template <class Body> std::string anomaly_in(Body&& body) {
  const std::string text = message_of<AutogradError>([&] {
    const DetectAnomaly guard;
    body();
  });
  if (text != "no error") CHECK(test::follows_grammar(text));
  CHECK(observer == nullptr);
  return text;
}

}  // namespace

TEST_CASE("anomaly mode names the op that makes NaN, with shapes and ranges") {
  const Tensor x = tensor({-1, 1, 4, -2}, {2, 2});
  const std::string text = anomaly_in([&] { (void)sum(log(x) * 2.0); });
  CHECK(contains(text, "log: input (2, 2) in -2 … 4: its output (2, 2) in 0 … 1.38629 has 2 NaN"));
  CHECK(contains(text, "first op that is not finite"));
  CHECK(anomaly_in([&] { (void)sum(log(abs(x)) * 2.0); }) == "no error");
}

TEST_CASE("anomaly mode sees both operands, and infinities") {
  const Tensor a = tensor({1, 2}), b = tensor({0, 1});
  const std::string text = anomaly_in([&] { (void)(a / b); });
  CHECK(contains(text, "div: inputs "));
  CHECK(contains(text, "(2,) in 1 … 2"));
  CHECK(contains(text, "(2,) in 0 … 1"));
  CHECK(contains(text, "its output (2,) in 2 … 2 has 1 infinite"));
  CHECK(contains(anomaly_in([&] { (void)exp(a * 1000.0); }),
                 "exp: input (2,) in 1000 … 2000: its output (2,) has 2 infinite"));
}

TEST_CASE("anomaly mode lets scores pass that were masked with -inf") {
  const Tensor scores = parameter(tensor({1, 2, 3, 4}, {2, 2}));
  const Tensor hidden = tensor({0, 1, 1, 1}, {2, 2}) > 0.0;
  CHECK(anomaly_in([&] {
          const Tensor weights = softmax(masked_fill(scores, hidden, -INFINITY) * 2.0, -1);
          sum(square(weights)).backward();
        }) == "no error");
  // inf - inf is another matter.
  CHECK(contains(anomaly_in([&] {
                   const Tensor masked = masked_fill(scores, hidden, -INFINITY);
                   (void)(masked - masked);
                 }),
                 "sub: inputs "));
}

TEST_CASE("anomaly mode says when NaN was there before") {
  const std::string text = anomaly_in([] { (void)(tensor({1, NAN}) + 1.0); });
  CHECK(contains(text, "add: input (2,) in 1 … 1 has 1 NaN"));
  CHECK(contains(text, "its input already had NaN"));
}

TEST_CASE("anomaly mode names the rule that makes a gradient that is not finite") {
  const Tensor x = parameter(tensor({0, 4}));
  const std::string text = anomaly_in([&] { sum(sqrt(x) * 3.0).backward(); });
  CHECK(contains(text,
                 "sqrt: the gradient that arrived (2,) in 3 … 3: the gradient that its rule passes on (2,) in 0.75 … "
                 "0.75 has 1 infinite"));
  CHECK(contains(anomaly_in([&] { square(x).backward(tensor({1, NAN})); }), "backward: the seed: "));
  CHECK(contains(anomaly_in([&] { (void)grad(sum(sqrt(x)), {x}, {.create_graph = true}); }), "sqrt: "));
  // NaN inside a rule that it does not pass on is its own business.
  const Tensor safe = where(x > 0.0, x, 1.0);
  CHECK(anomaly_in([&] { sum(where(x > 0.0, sqrt(safe), 0.0)).backward(); }) == "no error");
}

TEST_CASE("anomaly mode says in which module") {
  const core::ScopeFrame frame{nullptr, nullptr, [](const core::ScopeFrame&) { return std::string("h.3.attn"); },
                               nullptr};
  core::current_scope = &frame;
  const std::string text = anomaly_in([] { (void)log(tensor({-1})); });
  core::current_scope = nullptr;
  CHECK(contains(text, " [in h.3.attn]"));
}

TEST_CASE("anomaly mode ends with its guard, and nests") {
  {
    const DetectAnomaly outer;
    {
      const DetectAnomaly inner;
      CHECK_THROWS_AS(log(tensor({-1})), AutogradError);
    }
    CHECK_THROWS_AS(log(tensor({-1})), AutogradError);
    CHECK_NOTHROW(layer_norm(tensor({1, 2}, {1, 2})));
    CHECK_NOTHROW(tensor_i64({1, 2}) + tensor_i64({3, 4}));
  }
  CHECK_NOTHROW(log(tensor({-1})));
}
