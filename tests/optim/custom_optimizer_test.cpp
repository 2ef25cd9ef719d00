// Optimizers from outside of the library: what their rules may do, and what they are told when they may not.
#include <map>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::optim;
using test::contains;
using test::message_of;

namespace {

// All that a state holds, to be compared.
std::map<std::string, std::vector<double>> content(const ResumeState& state) {
  std::map<std::string, std::vector<double>> all;
  for (const auto& [name, x] : state) all[name] = x.to_vector();
  return all;
}

struct Assigning : Optimizer {
  explicit Assigning(const std::vector<Tensor>& p) : Optimizer("Assigning", {ParamGroup{p}}, 0.1, 0.0) {}
  void update(Tensor& p, const Tensor& g, Slots&, const Group& group) override { p = p - g * group.lr; }
};

// Its options and its slot have the names given.
struct Naming : Optimizer {
  double a = 0.5, b = 0.25;
  const char* slot;
  Naming(const std::vector<Tensor>& p, const char* first, const char* second, const char* slot_ = "m")
      : Optimizer("Naming", {ParamGroup{p}}, 0.1, 0.0), slot(slot_) {
    option(first, a);
    option(second, b);
  }
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override {
    p.add_(slots.zeros(slot, p).add_(g), -group.lr);
  }
};

// For matrices a slot of another shape and dtype, which vectors have not; a vector's momentum.
struct MatrixRule : Optimizer {
  explicit MatrixRule(const std::vector<Tensor>& p) : Optimizer("MatrixRule", {ParamGroup{p}}, 0.1, 0.0) {}
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override {
    if (p.dim() == 2) {
      Tensor& left = slots.zeros("left", zeros({p.size(0), p.size(0)}, Dtype::f64));
      const Tensor wide = g.to(Dtype::f64);
      left.mul_(0.9).add_(matmul(wide, wide.transpose(0, 1)));
      p.add_(matmul(left, wide).to(p.dtype()), -group.lr);
    } else {
      p.add_(slots.zeros("m", p).mul_(0.9).add_(g), -group.lr);
    }
  }
};

struct NoZeros : Optimizer {
  explicit NoZeros(const std::vector<Tensor>& p) : Optimizer("NoZeros", {ParamGroup{p}}, 0.1, 0.0) {}
  void update(Tensor& p, const Tensor& g, Slots&, const Group& group) override {
    check(norm(g).item() > 0, "direction: g ", g.shape(), ": has none");
    p.add_(g / norm(g), -group.lr);
  }
};

struct Late : Optimizer {
  explicit Late(const std::vector<Tensor>& p) : Optimizer("Late", {ParamGroup{p}}, 0.1, 0.0) {}
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override {
    p.add_(slots.step < 3 ? g : slots.zeros("m", p).add_(g), -group.lr);
  }
};

}  // namespace

TEST_CASE("an optimizer whose update() assigns to its parameter is told to change it in place") {
  const Tensor w = parameter(ones({2}));
  Assigning optimizer({w});
  sum(square(w)).backward();
  const std::string message = test::message_of([&] { optimizer.step(); });
  CHECK(message.find("Assigning: update() assigned to its parameter (2,)") == 0);
  CHECK(message.find("p.add_(g, -group.lr)") != std::string::npos);
}

TEST_CASE("an optimizer's options and slots have names of their own, or a resumed run would go another way") {
  const Tensor w = parameter(ones({2}));
  for (const char* taken : {"lr", "weight_decay", "initial_lr", "params", "a"}) {
    INFO(taken);
    CHECK(contains(message_of([&] { Naming({w}, "a", taken); }), "its state has this name already"));
  }
  CHECK_NOTHROW(Naming({w}, "a", "b"));
  Naming counting({w}, "a", "b", "step");
  sum(square(w)).backward();
  CHECK(contains(message_of([&] { counting.step(); }), "counts the steps already"));
}

TEST_CASE("optimizer states: a rule for matrices may have slots of other shapes, and none for some parameters") {
  struct Model {
    Tensor w = parameter(tensor({1, 2, 3, 4, 5, 6}, {2, 3})), b = parameter(tensor({0.5, 1}));
    std::vector<Tensor> parameters() const { return {w, b}; }
    void step(Optimizer& optimizer) const {
      optimizer.zero_grad();
      (sum(square(sin(w))) + sum(square(b))).backward();
      optimizer.step();
    }
  };
  const Model whole;
  MatrixRule first(whole.parameters());
  for (int i = 0; i < 2; ++i) whole.step(first);
  const Model resumed{parameter(whole.w.detach().clone()), parameter(whole.b.detach().clone())};
  MatrixRule second(resumed.parameters());
  ResumeState state = first.state_dict();
  second.load_state_dict(state);
  for (int i = 0; i < 2; ++i) whole.step(first), resumed.step(second);
  CHECK(resumed.w.to_vector() == whole.w.to_vector());
  CHECK(content(second.state_dict()) == content(first.state_dict()));

  state["0.left"] = zeros({2, 3}, Dtype::f64);
  CHECK(contains(message_of([&] { second.load_state_dict(state); }), "0.left: has shape (2, 3), must have (2, 2)"));
  state["0.left"] = zeros({2, 2});
  CHECK(contains(message_of([&] { second.load_state_dict(state); }), "0.left: is float32, must be float64"));
}

TEST_CASE("an optimizer that makes a slot late is told so when it does, not when it is resumed") {
  const Tensor w = parameter(ones({2}));
  Late late({w});
  sum(square(w)).backward();
  late.step();
  late.step();
  const std::string message = message_of([&] { late.step(); });
  CHECK(message ==
        "Late: update() of a parameter (2,) made a slot in step 3: a resumed run could not know which there are: make "
        "every slot in the parameter's first step");
  CHECK(test::follows_grammar(message));
}

TEST_CASE("optimizer states: a rule that fails on zeros is told why it meets them") {
  Tensor w = parameter(ones({2}));
  NoZeros optimizer({w});
  CHECK(message_of([&] { optimizer.load_state_dict(optimizer.state_dict()); }) ==
        "NoZeros: load_state_dict: update() of zeros (2,), which shows the slots, failed: direction: g (2,): has none: "
        "let it work on zeros");
  w.set_grad(ones({2}));
  optimizer.step();
  w.set_grad(zeros({2}));
  CHECK_THROWS_AS(optimizer.step(), Error);
  CHECK(optimizer.state_dict().at("0.step").item() == 1.0);  // a step that failed is none
}
