// recompute(): the results of a plain call, for less memory.
#include <memory>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/memory/storage.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/layers/feed_forward.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/recompute.h>

#include "support/apart.h"
#include "support/catch.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::check_module, test::contains, test::message_of;

namespace {

using Numbers = std::vector<double>;

struct Run {
  std::vector<Numbers> numbers;  // the loss, then each parameter's gradient
  uint64_t counter;              // of the generator, afterwards
};

Run train_once(bool recompute) {
  manual_seed(3);
  const GPT model(
      {.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 3, .dropout = 0.3, .recompute = recompute});
  const Tensor tokens = randint(0, 11, {4, 6}), next = randint(0, 11, {4, 6});
  const Tensor loss = cross_entropy(model(tokens), next);
  loss.backward();
  Run run{{loss.to_vector()}, default_generator().counter()};
  for (const Tensor& p : model.parameters()) run.numbers.push_back(p.grad().to_vector());
  return run;
}

struct Recomputed : Module {
  Linear inner{3, 3};
  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return recompute(inner, tanh(x));
  }
  void visit(Visitor& v) override { v("inner", inner); }
};

}  // namespace

TEST_CASE("recompute: loss and gradients of a GPT with dropout are the same to the bit") {
  const Run plain = train_once(false), again = train_once(true);
  CHECK(again.numbers == plain.numbers);
  CHECK(again.counter == plain.counter);  // what is drawn next is the same, too
}

TEST_CASE("recompute: differentiable twice, with all that holds of any layer") {
  check_module(Recomputed(), {randn({2, 3}, Dtype::f64)});
}

TEST_CASE("recompute: inner values are not kept") {
  struct Wide : Module {
    Linear in{64, 1024}, out{1024, 64};
    Tensor operator()(const Tensor& x) const { return out(tanh(in(x))); }
    void visit(Visitor& v) override {
      v("in", in);
      v("out", out);
    }
  };
  const Wide layer;
  const Tensor x = parameter(randn({256, 64}));
  const int64_t inner = 2 * 256 * 1024 * 4;  // before and after tanh
  const auto kept = [&](bool plain) {
    const int64_t before = core::memory_stats().in_use;
    const Tensor y = plain ? layer(x) : recompute(layer, x);
    return core::memory_stats().in_use - before;
  };
  CHECK(kept(true) > inner / 2);
  CHECK(kept(false) < inner / 8);
}

TEST_CASE("recompute: the layer may be gone, its input without a gradient, history off") {
  manual_seed(5);
  auto layer = std::make_unique<Linear>(3, 2);
  const Tensor weight = layer->weight, x = randn({4, 3});
  sum((*layer)(x)).backward();
  const Numbers expected = weight.grad().to_vector();
  layer->zero_grad();
  const Tensor y = sum(recompute(*layer, x));
  layer.reset();
  y.backward();
  CHECK(weight.grad().to_vector() == expected);

  const Linear fresh(3, 2);
  const NoGrad off;
  CHECK_FALSE(recompute(fresh, x).requires_grad());
}

TEST_CASE("recompute: what was changed in place since is found") {
  Linear layer(3, 2);
  const Tensor y = sum(recompute(layer, randn({4, 3})));
  {
    const NoGrad off;
    layer.weight.mul_(2.0);
  }
  CHECK(
      contains(message_of<AutogradError>([&] { y.backward(); }), "kept for backward was modified in place afterwards"));
}

namespace {

struct Square : Module {
  Tensor weight = parameter(randn({4, 4}, Dtype::f64) * 0.4);
  int* calls = nullptr;
  Tensor operator()(const Tensor& x) const {
    if (calls) ++*calls;
    return tanh(matmul(x, weight));
  }
  void visit(Visitor& v) override { v("weight", weight); }
};

}  // namespace

TEST_CASE("recompute: recorded gradients of a weight that is shared between layers are exact") {
  manual_seed(3);
  const Square block;
  const Tensor x = parameter(randn({3, 4}, Dtype::f64));
  const auto gradients = [&](bool again, bool create_graph) {
    const auto apply = [&](const Tensor& h) { return again ? recompute(block, h) : block(h); };
    const Tensor y = sum(square(apply(apply(tanh(apply(x))))));
    std::vector<Tensor> g = grad(y, {x, block.weight}, {.create_graph = create_graph});
    if (create_graph)  // and their own
      for (const Tensor& second : grad(sum(square(g[0])) + sum(square(g[1])), {x, block.weight})) g.push_back(second);
    return g;
  };
  for (const bool create_graph : {false, true}) {
    const std::vector<Tensor> plain = gradients(false, create_graph), again = gradients(true, create_graph);
    REQUIRE(plain.size() == again.size());
    for (size_t i = 0; i < plain.size(); ++i) CHECK(apart(plain[i], again[i]) < 1e-12);
  }
}

TEST_CASE("recompute: its input may be one of its parameters") {
  const Square block;
  const auto gradient = [&](bool again, bool create_graph) {
    const Tensor y = again ? recompute(block, block.weight) : block(block.weight);
    return grad(sum(y), {block.weight}, {.create_graph = create_graph})[0];
  };
  CHECK(apart(gradient(true, false), gradient(false, false)) < 1e-14);
  CHECK(apart(gradient(true, true), gradient(false, true)) < 1e-14);
}

TEST_CASE("recompute: each layer is computed again once, recorded or not, by the input alone or by all") {
  for (const bool create_graph : {false, true})
    for (const bool all : {false, true}) {
      int calls = 0;
      std::vector<Square> blocks(12);
      for (Square& block : blocks) block.calls = &calls;
      const Tensor x = parameter(randn({3, 4}, Dtype::f64));
      Tensor h = x;
      for (const Square& block : blocks) h = recompute(block, h);
      CHECK(calls == 12);
      std::vector<Tensor> asked{x};
      if (all)
        for (const Square& block : blocks) asked.push_back(block.weight);
      (void)grad(sum(h), asked, {.create_graph = create_graph});
      CHECK(calls == 24);
    }
}

TEST_CASE("recompute: frozen weights and buffers are watched, too") {
  const auto changed_in = [](auto change) {
    LayerNorm norm(4);
    Square block;
    block.weight = randn({4, 4});
    norm.weight.requires_grad(false);
    const Tensor x = parameter(randn({2, 4}));
    const Tensor y = sum(recompute(norm, x)) + sum(recompute(block, x));
    change(norm, block);
    return message_of<AutogradError>([&] { y.backward(); });
  };
  const std::string found = "kept for backward was modified in place afterwards";
  CHECK(contains(changed_in([](LayerNorm& norm, Square&) { norm.weight.mul_(2.0); }), found));
  CHECK(contains(changed_in([](LayerNorm&, Square& block) { block.weight.mul_(2.0); }), found));
  CHECK(changed_in([](LayerNorm&, Square&) {}) == "no error");
}

TEST_CASE("recompute: a parameter that visit() does not name is an error, not a gradient that is lost") {
  struct Forgetful : Module {
    Tensor named = parameter(ones({2})), forgotten = parameter(full({2}, 3.0));
    Tensor operator()(const Tensor& x) const { return x * named * forgotten; }
    void visit(Visitor& v) override { v("named", named); }
  };
  Forgetful layer;
  const Tensor y = sum(recompute(layer, ones({2})));
  CHECK(message_of<AutogradError>([&] { y.backward(); }) ==
        "recompute: the layer uses a parameter (2,) that its visit() does not name: its gradient would be lost: "
        "name it there, or freeze it with requires_grad(false)");
}

TEST_CASE("recompute: hooks of weights see whole gradients, once") {
  const Square block;
  int calls = 0;
  block.weight.register_hook([&](const Tensor&) {
    ++calls;
    return Tensor();
  });
  sum(recompute(block, recompute(block, randn({3, 4}, Dtype::f64)))).backward();
  CHECK(calls == 1);
}

TEST_CASE("recompute: an output that depends on nothing that is asked for has gradients of none") {
  struct Constant : Module {
    Tensor weight = parameter(ones({2}));
    Tensor operator()(const Tensor& x) const { return zeros(x.shape()); }
    void visit(Visitor& v) override { v("weight", weight); }
  };
  const Constant layer;
  const Tensor x = parameter(ones({2}));
  sum(recompute(layer, x) + x).backward();
  CHECK(x.grad().to_vector() == Numbers{1, 1});
  CHECK_FALSE(layer.weight.grad().defined());
}
