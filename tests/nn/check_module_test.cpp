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
  CHECK(said(Wrong(), {.scope = false}).starts_with("gradcheck: "));

  Linear layer(2, 2);
  const std::vector<double> before = layer.weight.to_vector();
  check_module(layer, {randn({2, 2})});
  CHECK(layer.training);
  CHECK(layer.weight.dtype() == Dtype::f32);
  CHECK(layer.weight.to_vector() == before);
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
