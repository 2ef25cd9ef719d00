// The Transformer family against PyTorch. transformer.safetensors comes from make_transformer.py,
// which says what its names mean.
#include "support/catch.h"

#include <heed/nn/nn.h>
#include "support/golden.h"

using namespace heed;
using test::Golden;

namespace {

using Inputs = std::vector<Tensor>;

const Golden& answers() {
  static const Golden file("transformer.safetensors");
  return file;
}

// f(inputs) and the gradients by those that are floating.
template <class F>
void check_answer(const std::string& name, Dtype dtype, const std::vector<std::string>& inputs, F f) {
  Inputs in;
  for (const std::string& input : inputs) {
    const Tensor x = answers().at(name + "/in/" + input, dtype);
    in.push_back(is_floating(x.dtype()) ? parameter(x) : x);
  }
  const Tensor y = f(in);
  answers().check(name + "/out", y);
  y.backward(answers().at(name + "/seed", dtype));
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i].requires_grad()) answers().check(name + "/grad/" + inputs[i], in[i].grad());
}

// The same with a module, whose state is loaded by name, and the gradients of all its parameters.
template <class M, class F>
void check_layer(const std::string& name, const M& m, const std::vector<std::string>& inputs, F f) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    INFO(name << " in " << dtype);
    M copy = nn::clone(m);
    copy.to(dtype);
    copy.load_state_dict(answers().state(name + "/param/", dtype));
    check_answer(name, dtype, inputs, [&](const Inputs& in) { return f(copy, in); });
    for (const nn::NamedTensor& p : copy.named_parameters()) answers().check(name + "/grad/" + p.name, p.tensor.grad());
  }
}

}  // namespace

TEST_CASE("golden: multi-head attention with every option") {
  using MHA = nn::MultiHeadAttention;
  const std::vector<std::string> qkv{"q", "k", "v"};
  for (const bool weights : {false, true}) {
    const test::Way way(weights ? "" : "fused");
    const auto plain = [=](const MHA& m, const Inputs& in) {
      return m(in[0], in[1], in[2], {.need_weights = weights}).output;
    };
    check_layer("mha/bias_kv", MHA(8, 2, {.add_bias_kv = true}), qkv, plain);
    check_layer("mha/zero_attn", MHA(8, 2, {.add_zero_attn = true}), qkv, plain);
    check_layer("mha/both_dims_no_bias",
                MHA(8, 2, {.bias = false, .kdim = 6, .vdim = 3, .add_bias_kv = true, .add_zero_attn = true}), qkv,
                plain);
    const MHA both(8, 2, {.add_bias_kv = true, .add_zero_attn = true});
    check_layer("mha/both_masks", both, {"q", "k", "v", "allowed", "keys"}, [=](const MHA& m, const Inputs& in) {
      return m(in[0], in[1], in[2], {.mask = in[3], .key_mask = in[4], .need_weights = weights}).output;
    });
    check_layer("mha/both_causal", both, {"x"}, [=](const MHA& m, const Inputs& in) {
      return m(in[0], {.causal = true, .need_weights = weights}).output;
    });

    // Masks that are added, with the gradient by them; or boolean, a head each.
    const auto masked = [=](const MHA& m, const Inputs& in) {
      return m(in[0], in[1], in[2], {.mask = in[3], .need_weights = weights}).output;
    };
    check_layer("mha/float", MHA(8, 2), {"q", "k", "v", "bias"}, [=](const MHA& m, const Inputs& in) {
      const Tensor hole = answers().at("mha/float/in/hole", in[3].dtype());
      return m(in[0], in[1], in[2], {.mask = in[3] + hole, .need_weights = weights}).output;
    });
    check_layer("mha/float_per_head", MHA(8, 2), {"q", "k", "v", "bias"}, masked);
    check_layer("mha/bool_per_head", MHA(8, 2), {"q", "k", "v", "allowed"}, masked);
    check_layer("mha/float_padding", MHA(8, 2, {.add_bias_kv = true}), {"q", "k", "v", "bias", "keys"},
                [=](const MHA& m, const Inputs& in) {
                  return m(in[0], in[1], in[2], {.mask = in[3], .key_mask = in[4], .need_weights = weights}).output;
                });
  }
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    MHA m(8, 2, {.add_zero_attn = true});
    m.to(dtype);
    m.load_state_dict(answers().state("mha/zero_attn/param/", dtype));
    const auto in = [&](const std::string& x) { return answers().at("mha/zero_attn/in/" + x, dtype); };
    nn::AttentionOptions call{.need_weights = true};
    answers().check("mha/zero_attn/weights", m(in("q"), in("k"), in("v"), call).weights);
    call.average_weights = true;
    answers().check("mha/zero_attn/average", m(in("q"), in("k"), in("v"), call).weights);
  }
}

TEST_CASE("golden: Transformer decoder") {
  using Layer = nn::TransformerDecoderLayer;
  const std::vector<std::string> both{"x", "memory"};
  const auto run = [](const auto& m, const Inputs& in) { return m(in[0], in[1]); };
  const nn::TransformerOptions post{.dim_feedforward = 6, .dropout = 0.0},
      pre{.dim_feedforward = 6, .dropout = 0.0, .norm_first = true};
  nn::TransformerOptions gelu_pre = pre, bare = post;
  gelu_pre.activation = gelu;
  bare.bias = false;
  bare.layer_norm_eps = 1e-3;
  check_layer("decoder/post", Layer(8, 2, post), both, run);
  check_layer("decoder/pre", Layer(8, 2, gelu_pre), both, run);
  check_layer("decoder/no_bias", Layer(8, 2, bare), both, run);
  for (const char* const name : {"post", "pre"})
    check_layer(std::string("decoder/masks_") + name, Layer(8, 2, name == std::string("pre") ? pre : post),
                {"x", "memory", "memory_mask", "target_keys", "memory_keys"}, [](const Layer& m, const Inputs& in) {
                  return m(in[0], in[1], {.key_mask = in[3], .causal = true}, {.mask = in[2], .key_mask = in[4]});
                });
  check_layer(
      "decoder/stack", nn::TransformerDecoder(Layer(8, 2, pre), 2, nn::LayerNorm(8)), both,
      [](const nn::TransformerDecoder& m, const Inputs& in) { return m(in[0], in[1], {.mask = nn::causal_mask(4)}); });
  check_layer("encoder/float_mask", nn::TransformerEncoderLayer(8, 2, post), {"x", "mask"},
              [](const nn::TransformerEncoderLayer& m, const Inputs& in) { return m(in[0], {.mask = in[1]}); });
}

TEST_CASE("golden: Transformer") {
  for (const bool pre : {false, true}) {
    const nn::Transformer m(8, 2,
                            {.num_encoder_layers = pre ? 2 : 1,
                             .num_decoder_layers = 1,
                             .dim_feedforward = 6,
                             .dropout = 0.0,
                             .activation = pre ? gelu : relu,
                             .norm_first = pre});
    check_layer(pre ? "transformer/pre" : "transformer/post", m,
                {"source", "target", "source_mask", "memory_mask", "source_keys", "target_keys"},
                [](const nn::Transformer& t, const Inputs& in) {
                  return t(in[0], in[1],
                           {.source = {.mask = in[2], .key_mask = in[4]},
                            .target = {.key_mask = in[5], .causal = true},
                            .memory = {.mask = in[3], .key_mask = in[4]}});
                });
  }
}

TEST_CASE("golden: Transformer from tokens to tokens") {
  const nn::Seq2SeqTransformer m({.source_vocab = 9,
                                  .target_vocab = 7,
                                  .width = 8,
                                  .heads = 2,
                                  .encoder_layers = 1,
                                  .decoder_layers = 1,
                                  .hidden = 6,
                                  .dropout = 0.0});
  check_layer("seq2seq", m, {"source", "target"}, [](const nn::Seq2SeqTransformer& t, const Inputs& in) {
    return t(in[0], in[1], std::vector<int64_t>{3, 5});
  });
}

TEST_CASE("golden: rotary positions, ALiBi, and grouped-query attention") {
  using nn::GroupedQueryAttention;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    for (const bool half : {false, true}) {
      const nn::RotaryPositions rope(6, half ? nn::RopeLayout::half_split : nn::RopeLayout::interleaved,
                                     {.base = 100.0});
      check_answer(half ? "rope/half_split" : "rope/interleaved", dtype, {"x"},
                   [&](const Inputs& in) { return rope(in[0]); });
    }
    check_answer("alibi", dtype, {"q", "k", "v"}, [&](const Inputs& in) {
      return nn::scaled_dot_product_attention(in[0], in[1], in[2], {.mask = nn::alibi_bias(4, 4, 5, dtype)});
    });
  }
  for (const bool weights : {false, true}) {
    const test::Way way(weights ? "" : "fused");
    const auto causal = [=](const GroupedQueryAttention& m, const Inputs& in) {
      return m(in[0], {.causal = true, .need_weights = weights}).output;
    };
    check_layer("grouped_query/mha", GroupedQueryAttention(8, 4), {"x"}, causal);
    check_layer(
        "grouped_query/grouped",
        GroupedQueryAttention(
            8, 4, {.num_kv_heads = 2, .bias = true, .rope = nn::RotaryPositions(2, nn::RopeLayout::half_split)}),
        {"x"}, causal);
    check_layer(
        "grouped_query/mqa",
        GroupedQueryAttention(8, 4, {.num_kv_heads = 1, .rope = nn::RotaryPositions(2, nn::RopeLayout::interleaved)}),
        {"x"}, causal);
  }
}

TEST_CASE("golden: gated feed-forward networks") {
  const auto run = [](const auto& m, const Inputs& in) { return m(in[0]); };
  check_layer("swiglu", nn::SwiGLU(8, {.hidden = 6}), {"x"}, run);
  check_layer("geglu", nn::GEGLU(8, {.hidden = 6, .bias = true}), {"x"}, run);
}
