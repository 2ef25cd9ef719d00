#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/compact_weight.h>
#include <heed/nn/layers/embedding.h>
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

TEST_CASE("compact: a compact model is made compact again, as another type or the same") {
  const Tensor ids = tensor_i64({0, 1, 2}), x = tensor({1, 2}, {1, 2});
  Embedding once(3, 2), twice(3, 2);
  const NoGrad no_history;
  twice.weight.detach().copy_(once.weight);
  compact(once, core::CompactType::bf16);
  const Tensor rounded = once(ids);
  compact(once, core::CompactType::i8);
  CHECK(once.compact.matrix().type() == core::CompactType::i8);
  twice.weight.detach().copy_(rounded);
  compact(twice, core::CompactType::i8);
  CHECK(test::apart(once(ids), twice(ids)) == 0);  // from what it held, and no worse
  const Tensor before = once(ids);
  compact(once, core::CompactType::i8);
  CHECK(test::apart(once(ids), before) == 0);

  GPT model({.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 1});
  compact(model, core::CompactType::bf16);
  compact(model, core::CompactType::i8);
  CHECK(&model.wte.compact.matrix() == &model.lm_head.compact.matrix());  // tied as before
  CHECK(model.lm_head.compact.matrix().type() == core::CompactType::i8);
  CHECK(model.h[0].mlp.c_fc.compact.matrix().type() == core::CompactType::i8);
}

TEST_CASE("compact: neither training nor an adapter nor a copy gets around it") {
  GPT model({.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 1});
  compact(model, core::CompactType::i8);
  const std::string said = "wte.weight: is compact: its values can be used, but not saved or replaced";
  CHECK(message_of<Error>([&] { model.load_state_dict({}); }).find(said) != std::string::npos);
  CHECK(message_of<Error>([&] { nn::clone(model).state_dict(); }).find(said) != std::string::npos);
  INFO(message_of<Error>([&] { add_low_rank(model); }));
  CHECK(message_of<Error>([&] { add_low_rank(model); }).find("compact") != std::string::npos);
  // A layer norm before it records history.
  CHECK(
      message_of<AutogradError>([&] { model(tensor_i64({1, 2}, {1, 2})); })
          .find("records history: a compact weight is for inference: open a NoGrad around the call, or train the model "
                "before it is made compact") != std::string::npos);
  model.to(Dtype::f64);  // of what is left, the norms
  const NoGrad no_history;
  INFO(message_of<Error>([&] { model(tensor_i64({1, 2}, {1, 2})); }));
  CHECK(message_of<DtypeError>([&] { model(tensor_i64({1, 2}, {1, 2})); }).find("float64") != std::string::npos);
}

TEST_CASE("compact: weights in double precision are refused, and nothing is changed") {
  Linear layer(3, 2);
  layer.to(Dtype::f64);
  CHECK(test::message_of<DtypeError>([&] {
          compact(layer, core::CompactType::bf16);
        }).find("of float64: a compact weight multiplies float32") != std::string::npos);
  CHECK(layer(ones({1, 3}, Dtype::f64)).dtype() == Dtype::f64);
}
