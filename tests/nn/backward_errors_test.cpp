// An error in backward says in which layer the op was recorded.
#include <heed/autograd/anomaly.h>
#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/layers/feed_forward.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/recompute.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::contains, test::message_of;

TEST_CASE("an error in backward names the layer that recorded the op") {
  Linear layer(3, 2);
  const Tensor x = parameter(randn({4, 3}));
  const Tensor y = sum(layer(x));
  {
    const NoGrad off;
    layer.weight.mul_(2.0);  // as an optimizer's step() does
  }
  const std::string text = message_of<AutogradError>([&] { y.backward(); });
  CHECK(contains(text, "linear: a value (2, 3) kept for backward was modified in place afterwards"));
  CHECK(contains(text, "an optimizer's step() does that"));
  CHECK(contains(text, "[in Linear]"));

  const Tensor again = layer(x);
  again.backward(ones({4, 2}));
  const std::string gone = message_of<AutogradError>([&] { again.backward(ones({4, 2})); });
  CHECK(contains(gone, "detach() what is carried over from the step before"));
  CHECK(contains(gone, "[in Linear]"));
}

TEST_CASE("an error in backward names no layer outside of any, nor after one") {
  const Tensor x = parameter(ones({2}));
  const Linear layer(2, 2);
  (void)layer(x.unsqueeze(0));
  Tensor b = ones({2});
  const Tensor y = sum(x * b);
  b.fill_(2.0);
  CHECK_FALSE(contains(message_of<AutogradError>([&] { y.backward(); }), "[in"));
  CHECK(core::scope_path().empty());
}

TEST_CASE("an error in backward gives the whole path under DetectAnomaly") {
  const GPT model({.vocab = 7, .context = 4, .width = 8, .heads = 2, .layers = 2});
  const Tensor tokens = randint(0, 7, {1, 4});
  const auto text = [&](bool watched) {
    Tensor y;
    if (watched) {
      const DetectAnomaly guard;
      y = sum(model(tokens));
    } else {
      y = sum(model(tokens));
    }
    const NoGrad off;
    for (const NamedTensor& p : model.named_parameters())
      if (p.name == "h.1.mlp.c_proj.weight") Tensor(p.tensor).mul_(1.0);
    return message_of<AutogradError>([&] { y.backward(); });
  };
  CHECK(contains(text(false), "[in Linear]"));
  CHECK(contains(text(true), "[in h.1.mlp.c_proj]"));
}

TEST_CASE("a layer that is computed again in backward is named by its own path") {
  struct Fails : Module {
    bool* broken;
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return *broken ? x + ones({5}) : x * 2.0;
    }
    void visit(Visitor&) override {}
  };
  bool broken = false;
  Fails layer;
  layer.broken = &broken;
  const Tensor y = sum(recompute(layer, parameter(ones({2}))));
  broken = true;
  const std::string text = message_of<ShapeError>([&] { y.backward(); });
  CHECK(contains(text, "add: (2,) and (5,)"));
  CHECK(contains(text, "[in Fails]"));
}
