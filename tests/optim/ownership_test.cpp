// What an optimizer says about parameters that were replaced or forgotten, and where it keeps quiet.
#include <functional>
#include <iostream>
#include <optional>
#include <sstream>

#include <heed/nn/nn.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using optim::SGD;
using test::message_of;

namespace {

std::string stderr_of(const std::function<void()>& body) {
  std::ostringstream captured;
  std::streambuf* const before = std::cerr.rdbuf(captured.rdbuf());
  try {
    body();
  } catch (...) {
    std::cerr.rdbuf(before);
    throw;
  }
  std::cerr.rdbuf(before);
  return captured.str();
}

template <class M> void train(M& model, optim::Optimizer& optimizer, int steps, Dtype dtype = Dtype::f32) {
  const Tensor x = ones({3, 4}, dtype);
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    sum(model(x)).backward();
    optimizer.step();
  }
}

struct Forgetful : Module {
  Linear inner{4, 4};
  Tensor forgotten = parameter(ones({4}));
  bool with_scope = true;
  Tensor operator()(const Tensor& x) const {
    std::optional<Scope> scope;
    if (with_scope) scope.emplace(*this);
    return inner(x) * forgotten;
  }
  void visit(Visitor& v) override { v("inner", inner); }
};

const std::string remedy = "make the optimizer after to(), clone() and assignments";

}  // namespace

TEST_CASE("ownership: a model converted after its optimizer was made is an error at the first step") {
  Linear m(4, 1);
  SGD sgd(m.parameters(), {.lr = 0.1});
  m.to(Dtype::f64);
  CHECK(message_of<AutogradError>([&] { train(m, sgd, 1, Dtype::f64); }) ==
        "SGD: step: 2 parameters, none with a gradient: no model holds them any more: " + remedy);
  SGD again(m.parameters(), {.lr = 0.1});
  CHECK(stderr_of([&] { train(m, again, 3, Dtype::f64); }).empty());
}

TEST_CASE("ownership: a conversion to the dtype that it has leaves a parameter its optimizer's") {
  Linear m(4, 1);
  SGD sgd(m.parameters(), {.lr = 0.1});
  const std::vector<double> before = m.weight.to_vector();
  m.to(Dtype::f32);
  CHECK(stderr_of([&] { train(m, sgd, 1); }).empty());
  CHECK(m.weight.to_vector() != before);
}

TEST_CASE("ownership: a parameter replaced by assignment or clone is an error, and nothing is stepped") {
  Linear m(4, 4);
  SGD sgd(m.parameters(), {.lr = 1});
  m.weight = parameter(zeros({4, 4}));
  const std::vector<double> bias = m.bias.to_vector();
  CHECK(
      message_of<AutogradError>([&] { train(m, sgd, 1); }) ==
      "SGD: step: parameter 0 of 2, (4, 4): was replaced: backward() reached another of its shape, which no optimizer "
      "owns: " +
          remedy);
  CHECK(m.bias.to_vector() == bias);

  Linear n(4, 1);
  SGD of_clone(n.parameters(), {.lr = 1});
  n = clone(n);
  CHECK(message_of<AutogradError>([&] { train(n, of_clone, 1); }).find("no model holds them") != std::string::npos);
}

TEST_CASE("ownership: a parameter that became a buffer is warned of once, a second one again") {
  Linear m(4, 4);
  Tensor scale = parameter(ones({4}));
  std::vector<Tensor> all = m.parameters();
  all.push_back(scale);
  SGD sgd(all, {.lr = 0.1});
  all.clear();
  m.weight = zeros({4, 4});  // parameter() forgotten
  const auto step = [&] {
    sgd.zero_grad();
    sum(m(ones({1, 4})) * scale).backward();
    sgd.step();
  };
  const std::string said = stderr_of([&] { step(), step(), step(); });
  CHECK(
      said ==
      "warning: SGD: step: parameter 0 of 3, (4, 4): nothing but this optimizer holds it: if an assignment replaced it "
      "(weight = zeros(…) is a buffer, weight = parameter(zeros(…)) a parameter), make the optimizer afterwards; if "
      "its "
      "layer was removed, ignore this\n");
  m.bias = zeros({4});
  CHECK(stderr_of([&] { step(), step(); }).find("parameter 1 of 3, (4,)") != std::string::npos);
}

TEST_CASE("ownership: a layer that was removed is not replaced by what is older or has another shape") {
  const Tensor older = parameter(ones({4}));
  Linear m(4, 4);
  std::vector<Tensor> all = m.parameters();
  all.push_back(parameter(ones({4})));
  SGD sgd(all, {.lr = 0.1});
  all.clear();
  const Tensor wider = parameter(ones({1, 4})), idle = parameter(ones({4}));  // idle: newer, but not reached
  const std::string said = stderr_of([&] {
    sum(m(ones({1, 4})) * older * wider).backward();
    sgd.step();
  });
  CHECK(said.find("parameter 2 of 3, (4,): nothing but this optimizer holds it") != std::string::npos);
}

TEST_CASE("ownership: where nothing has a gradient yet, what only the optimizer holds is not spoken of") {
  Linear m(4, 4);
  std::vector<Tensor> all = m.parameters();
  all.push_back(parameter(ones({4})));
  SGD sgd(all, {.lr = 0.1});
  all.clear();
  CHECK(stderr_of([&] { sgd.step(); }).empty());
  CHECK(stderr_of([&] { train(m, sgd, 1); }).find("parameter 2 of 3, (4,): nothing but") != std::string::npos);
}

TEST_CASE("ownership: a member that visit() forgot is warned of once, each of them, in every module") {
  for (const bool with_scope : {true, false}) {
    Forgetful one, other;
    one.with_scope = other.with_scope = with_scope;
    SGD first(one.parameters(), {.lr = 0.01}), second(other.parameters(), {.lr = 0.01});
    const std::string expected =
        "warning: SGD: step: backward() reached a parameter (4,) that no visit() names and no optimizer owns: name it "
        "in the "
        "visit() of its module, or freeze it with requires_grad(false)\n";
    CHECK(stderr_of([&] { train(one, first, 5); }) == expected);
    CHECK(stderr_of([&] { train(other, second, 5); }) == expected);
  }
}

TEST_CASE("ownership: silent where nothing is wrong") {
  SECTION("a head alone, its body not frozen") {
    Sequential m(Linear(4, 4), Linear(4, 1));
    SGD sgd(m.get<1>().parameters(), {.lr = 0.1});
    CHECK(stderr_of([&] { train(m, sgd, 5); }).empty());
  }
  SECTION("two heads with an optimizer each") {
    Linear body(4, 4), a(4, 1), b(4, 1);
    SGD first(a.parameters(), {.lr = 0.1}), second(b.parameters(), {.lr = 0.1});
    CHECK(stderr_of([&] {
            for (int i = 0; i < 6; ++i) {
              const Tensor hidden = body(ones({2, 4}));
              (sum(a(hidden)) + sum(b(hidden))).backward();
              first.step(), second.step();
            }
          }).empty());
  }
  SECTION("gradients of inputs: one for each step, or the same again, looked at") {
    Linear m(4, 1);
    SGD sgd(m.parameters(), {.lr = 0.1});
    Tensor fixed = parameter(ones({3, 4}));
    CHECK(stderr_of([&] {
            for (int i = 0; i < 5; ++i) {
              Tensor x = parameter(randn({3, 4}));
              (sum(m(x)) + sum(m(fixed))).backward();
              sgd.step();
              CHECK(fixed.grad().defined());
            }
          }).empty());
  }
  SECTION("tensors that are gone") {
    Linear m(4, 4);
    SGD sgd(m.parameters(), {.lr = 0.1});
    CHECK(stderr_of([&] {
            for (int i = 0; i < 5; ++i) {
              {
                Forgetful temporary;
                sum(temporary(m(ones({1, 4})))).backward();
              }
              sgd.step();
            }
          }).empty());
  }
  SECTION("a step without gradients, and parameters of no module") {
    Tensor a = parameter(ones({2})), b = parameter(ones({2}));
    SGD sgd({a, b}, {.lr = 0.1});
    CHECK(stderr_of([&] {
            for (int i = 0; i < 4; ++i) {
              sgd.step();
              sum(a).backward();
              sgd.step();
            }
          }).empty());
  }
}

TEST_CASE("ownership: an optimizer that is gone owns nothing") {
  Forgetful m;
  { SGD gone({m.forgotten}, {.lr = 0.1}); }
  SGD sgd(m.parameters(), {.lr = 0.01});
  CHECK(stderr_of([&] { train(m, sgd, 3); }).find("parameter (4,) that no visit() names") != std::string::npos);
}
