// The decoder, the encoder-decoder, the classifier. The encoder: layers_test.cpp; the model that translates:
// seq2seq_transformer_test.cpp.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/models/encoder_classifier.h>
#include <heed/nn/models/transformer.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::check_module;
using test::message_of;

namespace {

using Inputs = std::vector<Tensor>;
using Lengths = std::vector<int64_t>;

std::string names_of(const Module& m) {
  std::string all;
  for (const NamedTensor& entry : m.state_dict()) all += entry.name + " ";
  return all;
}

}  // namespace

TEST_CASE("Transformer decoder: names are PyTorch's, layers start alike") {
  const TransformerDecoderLayer layer(8, 2, {.dim_feedforward = 12});
  std::string attention;
  for (const char* const name : {"self_attn", "multihead_attn"})
    for (const char* const part : {"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"})
      attention += cat(name, ".", part, " ");
  CHECK(names_of(layer) == attention +
                               "linear1.weight linear1.bias linear2.weight linear2.bias norm1.weight norm1.bias "
                               "norm2.weight norm2.bias norm3.weight norm3.bias ");
  const TransformerDecoder decoder(layer, 2, LayerNorm(8));
  CHECK(decoder.parameters().size() == 2 * layer.parameters().size() + 2);
  CHECK(decoder.layers[1].feed_forward.linear1.weight.to_vector() == layer.feed_forward.linear1.weight.to_vector());
  CHECK(names_of(decoder).find("layers.1.multihead_attn.in_proj_weight") != std::string::npos);
}

TEST_CASE("Transformer: defaults and initial values are PyTorch's") {
  const EncoderDecoderOptions o;
  CHECK(o.num_encoder_layers == 6);
  CHECK(o.num_decoder_layers == 6);
  CHECK(o.dim_feedforward == 2048);
  CHECK(o.dropout == 0.1);
  CHECK(o.layer_norm_eps == 1e-5);
  CHECK_FALSE(o.norm_first);
  CHECK(o.bias);
  CHECK(o.activation == static_cast<Tensor (*)(const Tensor&)>(relu));

  manual_seed(1);
  const Transformer m(32, 4, {.num_encoder_layers = 2, .num_decoder_layers = 1, .dim_feedforward = 64});
  CHECK(m.encoder.norm);
  CHECK(m.decoder.norm);
  for (const NamedTensor& p : m.named_parameters()) {
    INFO(p.name);
    const Tensor x = p.tensor.detach();
    if (x.dim() == 2) {  // Xavier-uniform, over the stacked projections as one matrix
      const double bound = std::sqrt(6.0 / double(x.size(0) + x.size(1)));
      CHECK(amax(abs(x)).item() <= bound);
      CHECK(amax(abs(x)).item() > 0.98 * bound);
    }
    if (p.name.find("attn") != std::string::npos && x.dim() == 1) CHECK(amax(abs(x)).item() == 0.0);
  }
  CHECK(apart(m.encoder.layers[0].self_attn.in_proj_weight.detach(),
              m.encoder.layers[1].self_attn.in_proj_weight.detach()) > 0.1);
}

TEST_CASE("Transformer decoder: dropout at its six places, while training only") {
  manual_seed(2);
  TransformerDecoderLayer layer(8, 2, {.dim_feedforward = 12, .dropout = 0.2});
  const Tensor x = randn({2, 3, 8}), memory = randn({2, 4, 8});
  const uint64_t before = default_generator().counter();
  layer(x, memory);
  CHECK(default_generator().counter() - before == 6);
  layer.eval();
  CHECK(layer(x, memory).to_vector() == layer(x, memory).to_vector());
}

TEST_CASE("Transformer encoder and decoder blocks keep the shape") {  // d2l's sizes
  manual_seed(3);
  const TransformerEncoderLayer encoder(24, 8, {.dim_feedforward = 48, .dropout = 0.5});
  const TransformerDecoderLayer decoder(24, 8, {.dim_feedforward = 48, .dropout = 0.5});
  const Tensor x = ones({2, 100, 24}), keys = padding_mask({3, 2}, 100);
  const Tensor memory = encoder(x, {.key_mask = keys});
  CHECK(memory.shape() == Shape{2, 100, 24});
  CHECK(decoder(x, memory, {.causal = true}, {.key_mask = keys}).shape() == Shape{2, 100, 24});
}

TEST_CASE("EncoderClassifier: the mean over what is no padding") {
  manual_seed(9);
  EncoderClassifier m({.vocab = 11, .classes = 3, .width = 8, .heads = 2, .hidden = 12});
  CHECK(names_of(m).find("embedding.weight encoder.layers.0.") == 0);
  CHECK(names_of(m).find("encoder.norm.weight encoder.norm.bias head.weight head.bias") != std::string::npos);
  m.eval();
  const Tensor tokens = tensor_i64({1, 2, 3, 4, 5, 6, 7, 8}, {2, 4});
  const Tensor y = m(tokens, Lengths{4, 2});
  REQUIRE(y.shape() == Shape{2, 3});
  CHECK(m(tensor_i64({1, 2, 3, 4, 5, 6, 9, 10}, {2, 4}), Lengths{4, 2}).to_vector() == y.to_vector());
  CHECK(apart(m(tensor_i64({5, 6}, {1, 2}))[0], y[1]) < 1e-6);
  CHECK(apart(m(tokens, Lengths{4, 4}), m(tokens)) < 1e-6);
  CHECK(apart(m(tokens)[1], y[1]) > 1e-3);
  EncoderClassifier post({.vocab = 11, .classes = 3, .width = 8, .heads = 2, .hidden = 12, .norm_first = false});
  CHECK_FALSE(post.encoder.norm);
}

TEST_CASE("Transformer decoder holds what layers must") {
  manual_seed(10);
  const Tensor x = randn({2, 3, 4}), memory = randn({2, 2, 4});
  for (const bool norm_first : {false, true})
    check_module(TransformerDecoderLayer(
                     4, 2, {.dim_feedforward = 3, .activation = gelu, .norm_first = norm_first, .bias = norm_first}),
                 {x, memory},
                 [](const TransformerDecoderLayer& m, const Inputs& in) { return m(in[0], in[1], {.causal = true}); });
  check_module(
      TransformerDecoder(TransformerDecoderLayer(4, 2, {.dim_feedforward = 2, .activation = gelu}), 1, LayerNorm(4)),
      {x, memory}, [](const TransformerDecoder& m, const Inputs& in) { return m(in[0], in[1], {.causal = true}); });
}

TEST_CASE("Transformer holds what layers must") {
  manual_seed(12);
  const Tensor x = randn({2, 3, 4}), memory = randn({2, 2, 4});
  check_module(
      Transformer(4, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 2, .activation = gelu}),
      {memory, x},
      [](const Transformer& m, const Inputs& in) { return m(in[0], in[1], {.target = {.causal = true}}); });
}

TEST_CASE("EncoderClassifier holds what layers must") {
  manual_seed(14);
  check_module(EncoderClassifier(
                   {.vocab = 3, .classes = 2, .width = 4, .heads = 2, .layers = 1, .hidden = 2, .activation = gelu}),
               {tensor_i64({1, 2, 0, 2}, {2, 2})});
}

TEST_CASE("Transformers say what does not fit") {
  CHECK(message_of<ShapeError>([] { Transformer(10, 3); }) ==
        "MultiHeadAttention: width 10, 3 heads: every head gets an equal part: make the width a "
        "multiple of the heads");
  const Tensor tokens = tensor_i64({1, 2}, {1, 2});
  CHECK(message_of([] { EncoderClassifier({.vocab = 3}); }) ==
        "EncoderClassifier: vocab 3, classes 0: must be positive");
  const EncoderClassifier c({.vocab = 3, .classes = 2, .width = 4, .heads = 2, .hidden = 2});
  CHECK(message_of<ShapeError>([&] { c(tensor_i64({1, 2})); }) ==
        "EncoderClassifier: tokens (2,): must be (B, n): give one sequence a batch axis with "
        "unsqueeze(0) [in EncoderClassifier]");
  CHECK(message_of<ShapeError>([&] { c(tokens, Lengths{0}); }) ==
        "EncoderClassifier: tokens (1, 2), 1 lengths: must be one per text, in 1 … 2 [in "
        "EncoderClassifier]");
  const TransformerDecoderLayer layer(8, 2);
  CHECK(message_of<ShapeError>([&] { layer(zeros({2, 3, 8}), zeros({1, 3, 8})); }) ==
        "MultiHeadAttention: query (2, 3, 8), key (1, 3, 8), value (1, 3, 8): must be (B, n, 8), "
        "(B, m, 8) and (B, m, 8), batch first: use one batch size for all, and one value per key [in "
        "multihead_attn]");
}
