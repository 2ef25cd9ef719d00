#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/layers/compact_weight.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/lora.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>
#include "support/apart.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

TEST_CASE("compact: a model computes nearly the same with weights of 16 or 8 bits") {
  const Tensor tokens = tensor_i64({1, 2, 3, 4, 5, 6}, {2, 3});
  const NoGrad no_history;
  const auto check_model = [&](const auto& make) {
    auto model = make();
    const Tensor logits = model(tokens);
    const double size = amax(abs(logits)).item();
    const std::pair<core::CompactType, double> cases[] = {
        {core::CompactType::f16, 2e-3}, {core::CompactType::bf16, 2e-2}, {core::CompactType::i8, 4e-2}};
    for (const auto& [type, error] : cases) {
      auto small = make();
      compact(small, type);
      const double distance = test::apart(small(tokens), logits);
      CHECK(distance < error * size);
      CHECK(distance > 0);
    }
  };
  check_model([] {
    manual_seed(1);
    return GPT({.vocab = 11, .context = 6, .width = 16, .heads = 2, .layers = 2, .bias = true});
  });
  check_model([] {
    manual_seed(1);
    return Llama({.vocab = 11, .context = 6, .width = 16, .hidden = 24, .layers = 2, .heads = 4, .kv_heads = 2});
  });
}

TEST_CASE("compact: such a model is for inference, and says so") {
  GPT model({.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 1});
  add_low_rank(model, {.rank = 1});
  CHECK(message_of<Error>([&] { compact(model, core::CompactType::f16); }) ==
        "compact: h.0.attn.c_attn: has a low-rank adapter: call merge_low_rank() first");
  merge_low_rank(model);
  compact(model, core::CompactType::f16);
  model.eval();  // walks over the model without its weights
  CHECK(message_of<Error>([&] { model.state_dict(); }) ==
        "state_dict: wte.weight: is compact: its values can be used, but not saved or replaced: load the model again, "
        "without making it compact");
  Linear linear(2, 3);
  compact(linear, core::CompactType::bf16);
  CHECK(linear.in_features() == 2);
  CHECK(linear.out_features() == 3);
  CHECK(message_of<AutogradError>([&] {
          linear(parameter(zeros({1, 2})));
        }).find("records history: a compact weight is for inference") != std::string::npos);
}

TEST_CASE("compact: a weight that the type cannot hold is named, and the model stays whole") {
  GPT model({.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 2});
  Tensor weight = model.h[1].mlp.c_proj.weight.detach();
  weight.copy_(full(weight.shape(), 1e6));
  const std::string message = message_of<Error>([&] { compact(model, core::CompactType::f16); });
  CHECK(message.find("compact: h.1.mlp.c_proj: ") == 0);
  CHECK(message.find("float16 cannot hold it") != std::string::npos);
  CHECK(model.state_dict().size() == GPT(model.options).state_dict().size());
}
