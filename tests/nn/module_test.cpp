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

struct Pair : Module {
  Linear first{2, 3}, second{3, 2};
  Tensor scale = parameter(ones({2}));
  Tensor table = zeros({2});  // no parameter: a buffer
  std::optional<LayerNorm> norm;
  std::vector<Linear> more;

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    Tensor y = second(tanh(first(x))) * scale + table.to(x.dtype());
    for (const Linear& layer : more) y = layer(y);
    return norm ? (*norm)(y) : y;
  }
  void visit(Visitor& v) override {
    v("first", first);
    v("second", second);
    v("scale", scale);
    v("table", table);
    v("norm", norm);
    v("more", more);
  }
};

std::string names(const Module& m) {
  std::string all;
  for (const NamedTensor& entry : m.state_dict()) all += entry.name + " ";
  return all;
}

}  // namespace

TEST_CASE("visited tensors are the state dict, those with a gradient the parameters") {
  Pair m;
  m.norm.emplace(2);
  m.more.emplace_back(2, 2, LinearOptions{.bias = false});
  m.more.push_back(m.more[0]);  // a copy of the handle
  CHECK(names(m) ==
        "first.weight first.bias second.weight second.bias scale table norm.weight norm.bias "
        "more.0.weight more.1.weight ");
  CHECK(m.parameters().size() == 8);  // without the table, and the shared weight once
  CHECK(m.num_parameters() == 6 + 3 + 6 + 2 + 2 + 2 + 2 + 4);
  CHECK(m.named_parameters().back().name == "more.0.weight");
  CHECK(m.state_dict().find("scale")->shape() == Shape{2});
  CHECK(m.state_dict().find("nothing") == nullptr);
}

TEST_CASE("train, freeze and zero_grad reach everything inside") {
  Pair m;
  m.more.emplace_back(2, 2);
  m.eval();
  CHECK_FALSE(m.training);
  CHECK_FALSE(m.more[0].training);
  m.train();
  CHECK(m.first.training);
  sum(m(ones({1, 2}))).backward();
  CHECK(m.first.weight.grad().defined());
  m.zero_grad();
  CHECK_FALSE(m.first.weight.grad().defined());
  m.first.requires_grad(false);
  CHECK(m.parameters().size() == 5);
  sum(m(ones({1, 2}))).backward();
  CHECK_FALSE(m.first.weight.grad().defined());
  m.requires_grad(true);
  CHECK(m.parameters().size() == 7);
}

TEST_CASE("to and clone replace tensors and keep ties") {
  manual_seed(1);
  Pair m;
  m.second.weight = parameter(zeros({2, 3}));
  m.more.emplace_back(2, 2);
  m.more.push_back(m.more[0]);
  Pair copy = clone(m);
  CHECK(copy.more[0].weight.node() == copy.more[1].weight.node());
  CHECK(copy.more[0].weight.node() != m.more[0].weight.node());
  copy.to(Dtype::f64);
  CHECK(copy.more[0].weight.node() == copy.more[1].weight.node());
  CHECK(copy.scale.dtype() == Dtype::f64);
  CHECK(m.scale.dtype() == Dtype::f32);
  CHECK(copy.more[0].weight.to_vector() == m.more[0].weight.to_vector());
  Pair alias = m;  // copies handles
  CHECK(alias.first.weight.node() == m.first.weight.node());
  m.first.requires_grad(false);
  CHECK_FALSE(clone(m).first.weight.requires_grad());
}

TEST_CASE("a state dict is loaded through the handles, or not at all") {
  manual_seed(2);
  Pair a, b;
  const std::shared_ptr<Node> node = b.first.weight.node();
  const LoadResult result = b.load_state_dict(a.state_dict());
  CHECK(result.missing.empty());
  CHECK(result.unexpected.empty());
  CHECK(b.first.weight.to_vector() == a.first.weight.to_vector());
  CHECK(b.first.weight.node() == node);

  StateDict wide;
  for (const NamedTensor& entry : a.state_dict()) wide.push_back({entry.name, entry.tensor.to(Dtype::f64)});
  b.load_state_dict(wide);
  CHECK(b.scale.dtype() == Dtype::f32);

  StateDict wrong = a.state_dict();
  wrong[0].name = "frist.weight";
  wrong[1].tensor = zeros({4});
  wrong.push_back({"extra", zeros({1})});
  const std::vector<double> before = b.second.weight.to_vector();
  CHECK(message_of([&] { b.load_state_dict(wrong); }) ==
        "load_state_dict: Pair: the state does not fit:"
        "\n  first.bias: has shape (4,) in the state, (3,) in the module"
        "\n  first.weight: missing from the state (did you mean frist.weight?)"
        "\n  frist.weight: unexpected, the module has no such tensor (did you mean first.weight?)"
        "\n  extra: unexpected, the module has no such tensor"
        "\nload with {.strict = false} to skip names that are on one side only");
  CHECK(b.second.weight.to_vector() == before);

  StateDict part;
  part.push_back({"scale", full({2}, 3.0)});
  part.push_back({"other", zeros({1})});
  const LoadResult skipped = b.load_state_dict(part, {.strict = false});
  CHECK(skipped.missing.size() == 5);
  CHECK(skipped.unexpected == std::vector<std::string>{"other"});
  CHECK(b.scale.to_vector() == std::vector<double>{3, 3});
}

TEST_CASE("a name that is visited twice is an error, whatever the visit is for") {
  struct TwoTensors : Module {
    Tensor a = parameter(ones({2})), b = parameter(ones({2}));
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return x * a + b + ones({7});  // does not fit: the message needs the module's path
    }
    void visit(Visitor& v) override {
      v("a", a);
      v("a", b);
    }
  };
  struct TwoModules : Module {
    Linear a{4, 4};
    Dropout b{0.5};  // names no tensor
    void visit(Visitor& v) override {
      v("inner", a);
      v("inner", b);
    }
  };
  const auto each = [](auto make, const std::string& name) {
    auto m = make();
    const std::string message = "visit: " + name + ": is named twice: give each member a name of its own";
    CHECK(message_of([&] { m.state_dict(); }) == message);
    CHECK(message_of([&] { m.load_state_dict({}); }) == message);
    CHECK(message_of([&] { optim::SGD(m.parameters()); }) == message);
    CHECK(message_of([&] { m.named_parameters(); }) == message);
    CHECK(message_of([&] { m.to(Dtype::f64); }) == message);
    CHECK(message_of([&] { clone(m); }) == message);
    CHECK(message_of([&] { summary(m); }) == message);
    CHECK(message_of([&] { m.eval(); }) == message);
    CHECK(message_of([&] { m.requires_grad(false); }) == message);
    CHECK(message_of([&] { m.zero_grad(); }) == message);
    CHECK(message_of([&] { named_modules(m); }) == message);
  };
  each([] { return TwoTensors(); }, "a");
  each([] { return TwoModules(); }, "inner");
  CHECK(message_of<ShapeError>([] { TwoTensors()(ones({2})); }).ends_with(" [in TwoTensors]"));
}

TEST_CASE("a transposed weight is recognised") {
  Sequential m(Linear(4, 8), ReLU());
  StateDict state = m.state_dict();
  state[0].tensor = zeros({4, 8});
  CHECK(message_of([&] { m.load_state_dict(state); }) ==
        "load_state_dict: Sequential<heed::nn::Linear, heed::nn::ReLU>: the state does not fit:"
        "\n  0.weight: has shape (4, 8) in the state, (8, 4) in the module: transposed: load x.transpose(0, 1)");
  state[0].tensor = state[0].tensor.transpose(0, 1);
  CHECK(message_of([&] { m.load_state_dict(state); }) == "no error");
}

TEST_CASE("loading: tied tensors must agree, one name of them is enough") {
  struct Tied : Module {
    Linear a{3, 3}, b{3, 3};
    Tied() { b.weight = a.weight; }
    void visit(Visitor& v) override {
      v("a", a);
      v("b", b);
    }
  };
  Tied m, other;
  StateDict state = other.state_dict();
  m.load_state_dict(state);
  CHECK(m.b.weight.to_vector() == other.a.weight.to_vector());
  StateDict part;
  for (const NamedTensor& entry : Tied().state_dict())
    if (entry.name != "a.weight") part.push_back(entry);
  CHECK(m.load_state_dict(part).missing.empty());
  CHECK(m.a.weight.to_vector() == part.find("b.weight")->to_vector());
  CHECK(m.a.weight.node() == m.b.weight.node());

  const std::vector<double> before = m.a.weight.to_vector();
  state[2].tensor = state[2].tensor + 1e-6;
  for (const bool strict : {true, false})
    CHECK(message_of([&] { m.load_state_dict(state, {.strict = strict}); }) ==
          "load_state_dict: Tied: the state does not fit:\n  a.weight and b.weight: are one tensor in the module, but "
          "differ in the state: make them equal, or leave one out");
  CHECK(m.a.weight.to_vector() == before);
  state[2].tensor = state[0].tensor.clone();
  state[2].tensor.fill_(std::nan(""));
  state[0].tensor = state[2].tensor.clone();
  CHECK(message_of([&] { m.load_state_dict(state); }) == "no error");  // the same bits
}

TEST_CASE("loading: a state of the module's own tensors, names given twice, and dtypes") {
  Pair m;
  StateDict swapped = m.state_dict();
  const std::vector<double> scale{2, 3}, table{5, 7};
  m.load_state_dict({{{"scale", tensor(scale)}, {"table", tensor(table)}}}, {.strict = false});
  std::swap(swapped[4].name, swapped[5].name);
  REQUIRE(swapped[4].name == "table");
  m.load_state_dict(swapped);
  CHECK(m.scale.to_vector() == table);
  CHECK(m.table.to_vector() == scale);

  StateDict twice = m.state_dict();
  twice.push_back({"scale", zeros({2})});
  twice.push_back({"\x1b[31m", zeros({2})});
  CHECK(message_of([&] { m.load_state_dict(twice); }) ==
        "load_state_dict: Pair: the state does not fit:\n  scale: is named twice in the state"
        "\n  \"\\x1b[31m\": unexpected, the module has no such tensor"
        "\nload with {.strict = false} to skip names that are on one side only");
  struct Counter : Module {
    Tensor n = zeros({1}, Dtype::i64);
    void visit(Visitor& v) override { v("n", n); }
  } counter;
  CHECK(message_of([&] { counter.load_state_dict({{{"n", tensor({0.5})}}}); }) ==
        "load_state_dict: Counter: the state does not fit:"
        "\n  n: is float32 in the state, int64 in the module: would lose its fractions");
  CHECK(
      message_of<DtypeError>([&] { m.load_state_dict({{{"scale", ones({2}, Dtype::i64)}}}, {.strict = false}); }) ==
      "load_state_dict: Pair: the state does not fit:\n  scale: is int64 in the state, float32 in the module: weights "
      "have fractions: are these quantised, or indices? If they are meant, convert them with to(Dtype::f32)");
  CHECK(message_of<DtypeError>([&] {
          m.load_state_dict({{{"scale", ones({2}, Dtype::boolean)}}}, {.strict = false});
        }).find("scale: is bool in the state, float32") != std::string::npos);
  const std::vector<double> held = m.scale.to_vector();
  CHECK(message_of<DtypeError>([&] {
          m.load_state_dict({{{"scale", tensor({1, -1e300}, Dtype::f64)}}}, {.strict = false});
        }).find("scale: is float64 in the state and has an element -1e+300, which float32 in the module cannot hold") !=
        std::string::npos);
  CHECK(m.scale.to_vector() == held);
  m.load_state_dict({{{"scale", tensor({HUGE_VAL, 3e38}, Dtype::f64)}}}, {.strict = false});  // infinity is one in f32
  CHECK(m.scale.to_vector()[0] == HUGE_VAL);
  counter.load_state_dict({{{"n", ones({1}, Dtype::i32)}}});
  CHECK(counter.n.item() == 1);
  StateDict many = m.state_dict();
  for (int i = 0; i < 200000; ++i) many.push_back({"other." + std::to_string(i), m.scale});
  const std::string message = message_of([&] { m.load_state_dict(many); });
  CHECK(message.find("\n  … and 199950 more") != std::string::npos);
  CHECK(message.size() < 5000);
}

TEST_CASE("a path that is only a number begins with the class of the model") {
  const Sequential m(Linear(5, 16));
  CHECK(message_of<ShapeError>([&] { m(zeros({1, 4})); }).ends_with(" [in Sequential.0]"));
}

TEST_CASE("the scope names the module at work, from the outermost down") {
  struct Reports : Module {
    mutable std::string path;
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      path = core::scope_path();
      return x;
    }
    void visit(Visitor&) override {}
  };
  struct Outer : Module {
    std::vector<Reports> h{2};
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return h[1](h[0](x));
    }
    void visit(Visitor& v) override { v("h", h); }
  };
  const Outer model;
  model(zeros({1}));
  CHECK(model.h[0].path == "h.0");
  CHECK(model.h[1].path == "h.1");
  model.h[1](zeros({1}));
  CHECK(model.h[1].path == "Reports");
  CHECK(core::scope_path().empty());
  CHECK(class_name(model) == "Outer");
  CHECK(named_modules(model).size() == 3);
  CHECK(named_modules(model)[2].name == "h.1");
  CHECK(named_modules(model)[2].module == &model.h[1]);
}

TEST_CASE("errors name the module at work") {
  Pair m;
  CHECK(message_of<ShapeError>([&] { m(zeros({1, 5})); }).find(" [in first]") != std::string::npos);
}

TEST_CASE("basic layers hold what layers must") {
  manual_seed(3);
  Pair m;
  m.norm.emplace(2);
  m.more.emplace_back(2, 2);
  check_module(m, {randn({3, 2})});
  check_module(Linear(3, 2), {randn({2, 4, 3})});
  check_module(Linear(3, 2, {.bias = false}), {randn({2, 3})});
  check_module(Embedding(5, 3), {tensor_i64({1, 4, 1, 0}, {2, 2})});
  check_module(LayerNorm(4), {randn({3, 4})});
  check_module(RMSNorm(4), {randn({3, 4})});
  check_module(Dropout(0.5), {randn({3, 4})}, {.scope = false});
}

TEST_CASE("initial values of the basic layers are PyTorch's") {
  manual_seed(4);
  const Linear linear(100, 50);
  CHECK(amax(abs(linear.weight.detach())).item() <= 0.1);
  CHECK(amax(abs(linear.weight.detach())).item() > 0.099);
  CHECK(amax(abs(linear.bias.detach())).item() <= 0.1);
  CHECK(mean(square(linear.weight.detach())).item() == Approx(0.01 / 3).epsilon(0.05));
  const Embedding table(200, 50, {.padding_idx = 3});
  CHECK(mean(square(table.weight.detach())).item() == Approx(1.0).epsilon(0.05));
  CHECK(table.weight[3].to_vector() == std::vector<double>(50, 0.0));
  CHECK(LayerNorm(2).weight.to_vector() == std::vector<double>{1, 1});
  CHECK(LayerNorm(2).bias.to_vector() == std::vector<double>{0, 0});
  CHECK_FALSE(LayerNorm(2, {.elementwise_affine = false}).weight.defined());
  CHECK(RMSNorm(2).weight.to_vector() == std::vector<double>{1, 1});
}

TEST_CASE("theorem: layer norm gives mean 0 and variance 1, whatever the scale and shift of its input") {
  manual_seed(5);
  LayerNorm norm(16, {.eps = 0.0});
  norm.to(Dtype::f64);
  const Tensor x = randn({3, 16}, Dtype::f64), y = norm(x);
  CHECK(amax(abs(mean(y, -1))).item() < 1e-15);
  CHECK(amax(abs(var(y, -1, 0.0) - 1.0)).item() < 1e-13);
  CHECK(amax(abs(norm(3.0 * x + 7.0) - y)).item() < 1e-13);
}

TEST_CASE("dropout keeps the mean, and is absent in evaluation") {
  manual_seed(6);
  Dropout drop(0.25);
  const Tensor x = ones({100, 100});
  const Tensor y = drop(x);
  CHECK(mean(y).item() == Approx(1.0).epsilon(0.02));
  for (const double v : y.to_vector()) CHECK((v == 0.0 || v == Approx(1 / 0.75)));
  drop.eval();
  CHECK(drop(x).to_vector() == x.to_vector());
  CHECK(message_of([] { Dropout(-0.1); }) == "Dropout: p = -0.1: a probability lies in 0 … 1");
}

TEST_CASE("an embedding refuses tokens that it does not have") {
  CHECK(message_of<IndexError>([] { Embedding(3, 2, {.padding_idx = 3}); }) ==
        "Embedding: 3 tokens, padding_idx 3: is not a token: must be in 0 … 2");
  CHECK(message_of<IndexError>([] { Embedding(3, 2)(tensor_i64({0, 5})); }).find("5") != std::string::npos);
}
