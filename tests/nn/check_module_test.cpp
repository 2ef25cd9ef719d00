#include <cmath>

#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/activations.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/layers/norm.h>
#include <heed/nn/sequential.h>
#include <heed/nn/summary.h>
#include <heed/optim/sgd.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::check_module;
using test::contains;
using test::message_of;

namespace {

struct Forgetful : Module {
  Tensor seen = parameter(ones({2})), forgotten = parameter(ones({2}));
  Tensor operator()(const Tensor& x) const { return x * seen + forgotten; }
  void visit(Visitor& v) override { v("seen", seen); }
};

}  // namespace

TEST_CASE("check_module finds what is wrong with a layer, and says what to do") {
  const auto said = [](const auto& layer, const test::ModuleCheck& options = {}) {
    return message_of([&] { check_module(layer, {randn({2, 2})}, options); });
  };
  CHECK(said(Linear(2, 3)) == "no error");
  CHECK(said(Forgetful(), {.scope = false}) ==
        "check_module: Forgetful: a leaf of shape (2,): the output depends on it, but visit() does not name it: "
        "add it to visit()");
  CHECK(said(Forgetful()).starts_with("check_module: Forgetful: 2 of 2 ops: no Scope was open: begin the call with"));

  struct Unused : Module {
    Tensor weight = parameter(ones({2})), other = parameter(ones({3}));
    Tensor operator()(const Tensor& x) const { return x * weight; }
    void visit(Visitor& v) override { v("weight", weight), v("other", other); }
  };
  CHECK(said(Unused(), {.scope = false})
            .starts_with(
                "check_module: Unused: parameter other (3,): visit() names it, but the output does not depend on it"));

  struct Mixing : Module {
    Tensor operator()(const Tensor& x) const { return x - mean(x, 0, keepdim); }
    void visit(Visitor&) override {}
  };
  CHECK(said(Mixing(), {.scope = false}).starts_with("check_module: Mixing: example 0 of 2: its output differs by "));
  CHECK(said(Mixing(), {.batch_first = false, .scope = false}) == "no error");

  struct Deaf : Module {  // its part is no module of it
    std::vector<Linear> parts{Linear(2, 2)};
    Tensor operator()(const Tensor& x) const { return parts[0](x); }
    void visit(Visitor& v) override {
      v("part", parts[0]);
      parts[0].training = true;
    }
  };
  CHECK(said(Deaf(), {.scope = false}).starts_with("check_module: Deaf: module part: train(bool) does not reach it"));

  struct Wrong : Module {  // a derivative that is cut
    Tensor operator()(const Tensor& x) const { return x * x.detach(); }
    void visit(Visitor&) override {}
  };
  CHECK(said(Wrong(), {.scope = false})
            .starts_with("check_module: Wrong: gradcheck: first order, input 0 (2, 2) along coordinate (0, 0): "));

  Linear layer(2, 2);
  const std::vector<double> before = layer.weight.to_vector();
  check_module(layer, {randn({2, 2})});
  CHECK(layer.training);
  CHECK(layer.weight.dtype() == Dtype::f32);
  CHECK(layer.weight.to_vector() == before);
}

TEST_CASE("check_module says what the layer's author can do") {
  const auto said = [](const auto& layer, const std::vector<Tensor>& inputs = {randn({2, 2})}) {
    return message_of([&] { check_module(layer, inputs, {.scope = false}); });
  };
  struct Hidden : Module {  // a buffer that is not named: no leaf, and f32 for ever
    Tensor shift = ones({2});
    Tensor operator()(const Tensor& x) const { return x + shift; }
    void visit(Visitor&) override {}
  };
  const std::string hidden = said(Hidden());
  CHECK(hidden.starts_with("check_module: Hidden: in float64: add: "));
  CHECK(contains(hidden, "a floating tensor that visit() does not name keeps its dtype: name it in visit()"));

  struct HalfHidden : Hidden {  // the same, found after to(f64)
    Tensor scale = parameter(ones({2}));
    Tensor operator()(const Tensor& x) const { return x * scale + shift; }
    void visit(Visitor& v) override { v("scale", scale); }
  };
  CHECK(said(HalfHidden()).starts_with("check_module: HalfHidden: in float64: add: "));

  struct Random : Module {
    Tensor operator()(const Tensor& x) const { return dropout(x, 0.5); }
    void visit(Visitor&) override {}
  };
  CHECK(said(Random(), {randn({20, 2})})
            .starts_with("check_module: Random: output (20, 2): two calls in evaluation differ: nothing may be random "
                         "then: call dropout only if (training)"));

  struct Scaled : Module {  // wrong by the parameter only
    Tensor scale = parameter(ones({2}));
    Tensor operator()(const Tensor& x) const { return x * scale * scale.detach(); }
    void visit(Visitor& v) override { v("scale", scale); }
  };
  CHECK(said(Scaled()).starts_with("check_module: Scaled: gradcheck: first order, parameter scale (2,) along "));

  CHECK(said(Linear(2, 3), {}).starts_with("check_module: 0 inputs: the layer is called with one: pass {x}"));
  CHECK(said(Linear(2, 3), {ones({1, 2}), ones({1, 2})}).starts_with("check_module: 2 inputs: "));
  for (const std::string& text : {hidden, said(Random()), said(Scaled()), said(Linear(2, 3), {})})
    CHECK(test::follows_grammar(text));

  struct Loss : Module {  // one value for all examples
    Tensor operator()(const Tensor& x) const { return mean(square(x)); }
    void visit(Visitor&) override {}
  };
  CHECK(said(Loss()) == "no error");
  struct Pairs : Module {
    Tensor operator()(const Tensor& x) const { return cat({x, x}, 0); }
    void visit(Visitor&) override {}
  };
  CHECK(said(Pairs()) ==
        "check_module: Pairs: input (2, 2), output (4, 2): axis 0 does not count the same examples: pass "
        "{.batch_first = false}");
}

TEST_CASE("visit: a name that is empty or has a dot is refused") {
  struct Named : Module {
    std::string name;
    Tensor weight = parameter(ones({2}));
    Linear inner{2, 2};
    std::vector<Linear> list;
    bool of_module;
    Named(std::string n, bool m) : name(std::move(n)), of_module(m) {}
    void visit(Visitor& v) override {
      if (of_module) v(name, inner), v(name, list);
      else v(name, weight);
    }
  };
  for (const bool of_module : {false, true}) {
    CHECK(
        message_of([&] { Named("", of_module).state_dict(); }) ==
        "visit: \"\": is empty: give the member a name such as \"weight\", and modules inside a visit() of their own");
    CHECK(message_of([&] { Named("x.y", of_module).parameters(); }) ==
          "visit: \"x.y\": has a dot, which divides a module from its members: give the member a name such as "
          "\"weight\", and modules inside a visit() of their own");
  }
}

namespace {

struct BufferOnly : Module {
  Tensor w = randn({4, 3});  // no parameter: it does not train
  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return matmul(x, w);
  }
  void visit(Visitor& v) override { v("w", w); }
};

}  // namespace

TEST_CASE("check_module: a layer of buffers alone is checked in their dtype") {
  CHECK_NOTHROW(nn::check_module(BufferOnly(), {randn({5, 4})}));
}
