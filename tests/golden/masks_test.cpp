// A mask a sequence, where there are as many sequences as heads, against PyTorch, plain and fused; and
// RMSNorm without an eps. masks.safetensors comes from make_masks.py, which says what its names mean.
#include "support/catch.h"

#include <heed/nn/nn.h>
#include "support/golden.h"

using namespace heed;
using test::Golden;

namespace {

using Inputs = std::vector<Tensor>;

const Golden& answers() {
  static const Golden file("masks.safetensors");
  return file;
}

template <class F>
void check_answer(const std::string& name, Dtype dtype, const std::vector<std::string>& inputs, F f) {
  INFO(name << " in " << dtype);
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

template <class M, class F>
void check_layer(const std::string& name, Dtype dtype, M m, const std::vector<std::string>& inputs, F f) {
  m.to(dtype);
  m.load_state_dict(answers().state(name + "/param/", dtype));
  check_answer(name, dtype, inputs, [&](const Inputs& in) { return f(m, in); });
  for (const nn::NamedTensor& p : m.named_parameters()) answers().check(name + "/grad/" + p.name, p.tensor.grad());
}

constexpr int64_t E = 6, h = 3;  // and three sequences

}  // namespace

TEST_CASE("golden: masks of sequences and of heads, as many of the one as of the other") {
  using nn::MultiHeadAttention;
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const bool weights : {false, true}) {
      const test::Way way(weights ? "" : "fused");
      const auto cross = [=](const MultiHeadAttention& m, const Inputs& in) {
        return m(in[0], in[1], in[2], {.mask = in[3], .need_weights = weights}).output;
      };
      for (const char* const name : {"mha/sequence", "mha/head"})
        check_layer(name, dtype, MultiHeadAttention(E, h), {"q", "k", "v", "mask"}, cross);
      for (const char* const name : {"mha/added", "mha/added_head"})
        check_layer(name, dtype, MultiHeadAttention(E, h), {"q", "k", "v", "bias"}, cross);
      check_layer("mha/padding", dtype, MultiHeadAttention(E, h), {"q", "k", "v", "mask", "keys"},
                  [=](const MultiHeadAttention& m, const Inputs& in) {
                    return m(in[0], in[1], in[2], {.mask = in[3], .key_mask = in[4], .need_weights = weights}).output;
                  });
      check_layer("mha/prefix", dtype, MultiHeadAttention(E, h), {"x", "mask"},
                  [=](const MultiHeadAttention& m, const Inputs& in) {
                    return m(in[0], {.mask = in[1], .need_weights = weights}).output;
                  });
      for (const char* const mask : {"mask", "bias"})
        check_answer(mask == std::string("mask") ? "sdpa/sequence" : "sdpa/added", dtype, {"q", "k", "v", mask},
                     [=](const Inputs& in) {
                       return weights ? nn::attention(in[0], in[1], in[2], {.mask = in[3]}).output
                                      : nn::scaled_dot_product_attention(in[0], in[1], in[2], {.mask = in[3]});
                     });
    }
}

TEST_CASE("golden: Transformers with a mask a sequence") {
  const nn::TransformerOptions options{.dim_feedforward = 7, .dropout = 0.0};
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    check_layer("encoder", dtype, nn::TransformerEncoderLayer(E, h, options), {"x", "mask"},
                [](const auto& m, const Inputs& in) { return m(in[0], {.mask = in[1]}); });
    check_layer("decoder", dtype, nn::TransformerDecoderLayer(E, h, options), {"x", "memory", "mask", "memory_mask"},
                [](const auto& m, const Inputs& in) { return m(in[0], in[1], {.mask = in[2]}, {.mask = in[3]}); });
    check_layer(
        "transformer", dtype,
        nn::Transformer(E, h, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 7, .dropout = 0.0}),
        {"source", "target", "source_mask", "target_mask", "memory_mask"}, [](const auto& m, const Inputs& in) {
          return m(in[0], in[1], {.source = {.mask = in[2]}, .target = {.mask = in[3]}, .memory = {.mask = in[4]}});
        });
  }
}

TEST_CASE("golden: RMSNorm without an eps takes that of its input's dtype") {
  const auto call = [](const nn::RMSNorm& m, const Inputs& in) { return m(in[0]); };
  check_layer("rms_norm/float32", Dtype::f32, nn::RMSNorm(5), {"x"}, call);
  check_layer("rms_norm/float64", Dtype::f64, nn::RMSNorm(5), {"x"}, call);
}
