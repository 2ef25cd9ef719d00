#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/models/llama.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

const LlamaOptions tiny{.vocab = 7, .context = 6, .width = 8, .hidden = 12, .layers = 2, .heads = 4, .kv_heads = 2};

}  // namespace

TEST_CASE("Llama: names and shapes are those of Hugging Face's LlamaForCausalLM") {
  LlamaOptions options = tiny;
  options.layers = 1;
  std::string names;
  for (const NamedTensor& entry : Llama(options).state_dict())
    names += cat(entry.name, " ", entry.tensor.shape(), "\n");
  CHECK(names ==
        "model.embed_tokens.weight (7, 8)\n"
        "model.layers.0.input_layernorm.weight (8,)\n"
        "model.layers.0.self_attn.q_proj.weight (8, 8)\n"
        "model.layers.0.self_attn.k_proj.weight (4, 8)\n"
        "model.layers.0.self_attn.v_proj.weight (4, 8)\n"
        "model.layers.0.self_attn.o_proj.weight (8, 8)\n"
        "model.layers.0.post_attention_layernorm.weight (8,)\n"
        "model.layers.0.mlp.gate_proj.weight (12, 8)\n"
        "model.layers.0.mlp.up_proj.weight (12, 8)\n"
        "model.layers.0.mlp.down_proj.weight (8, 12)\n"
        "model.norm.weight (8,)\n"
        "lm_head.weight (7, 8)\n");
  options.tied = true;
  const Llama tied(options);
  CHECK(tied.lm_head.weight.node() == tied.model.embed_tokens.weight.node());
}

TEST_CASE("Llama: gradients pass the checks of a layer") {
  manual_seed(1);
  LlamaOptions options = tiny;
  options.layers = 1;
  test::check_module(Llama(options), {tensor_i64({1, 0, 4, 2, 2, 3}, {2, 3})});
}

TEST_CASE("Llama: steps with a cache equal one call, in both layouts of the rotations") {
  for (const RopeLayout layout : {RopeLayout::half_split, RopeLayout::interleaved}) {
    manual_seed(2);
    LlamaOptions options = tiny;
    options.rope_layout = layout;
    Llama model(options);
    model.eval();
    const NoGrad no_history;
    const Tensor tokens = tensor_i64({1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1}, {2, 6});
    const Tensor whole = model(tokens);
    KeyValueCaches past = model.begin();
    CHECK(test::apart(model.step(tokens.slice(1, 0, 3), past), whole.select(1, 2)) < 1e-5);
    for (int64_t i = 3; i < 6; ++i)
      CHECK(test::apart(model.step(tokens.slice(1, i, i + 1), past), whole.select(1, i)) < 1e-5);
    CHECK(message_of<ShapeError>([&] {
            model.step(tokens.slice(1, 0, 1), past);
          }).find("Llama: tokens (2, 1) after 6") == 0);
  }
}

TEST_CASE("Llama: impossible sizes and too long sequences are refused") {
  LlamaOptions options = tiny;
  options.heads = 3;
  CHECK(message_of<ShapeError>([&] {
          Llama model(options);
        }).find("Llama: width 8, 3 heads: every head gets an equal part") == 0);
  options = tiny;
  options.layers = 0;
  CHECK(message_of<Error>([&] { Llama model(options); }).find("all must be positive") != std::string::npos);
  const Llama model(tiny);
  CHECK(message_of<ShapeError>([&] { model(zeros({1, 7}, Dtype::i64)); }) ==
        "Llama: tokens (1, 7), context 6: must be (B, n) with n <= 6: keep the last 6 tokens [in Llama]");
}
