// The small layers: activations, Sequential, positions, feed-forward, Transformer encoder.
#include "support/apart.h"
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/positions.h>
#include <heed/nn/layers/feed_forward.h>
#include <heed/nn/models/transformer.h>
#include <heed/nn/sequential.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::check_module;
using test::message_of;

namespace {}  // namespace

TEST_CASE("activations: both forms of GELU are told apart") {
  CHECK(GELU()(scalar(-2, Dtype::f64)).item() == Approx(-0.04550026).epsilon(1e-7));
  CHECK(GELU({.tanh = true})(scalar(-2, Dtype::f64)).item() == Approx(-0.04540231).epsilon(1e-7));
}

TEST_CASE("activations hold what layers must") {
  manual_seed(1);
  const Tensor x = randn({3, 4});
  check_module(ReLU(), {x});
  check_module(SiLU(), {x});
  check_module(Tanh(), {x});
  check_module(Sigmoid(), {x});
  check_module(Softplus(), {x});
  check_module(GELU(), {x});
  check_module(GELU({.tanh = true}), {x});
  check_module(LeakyReLU(0.2), {x});
  check_module(ELU(0.5), {x});
}

TEST_CASE("Sequential calls its layers in turn and numbers them") {
  manual_seed(2);
  Sequential model(Linear(3, 4), ReLU(), Sequential(Linear(4, 4, {.bias = false}), Tanh()), Dropout(0.5));
  model.eval();
  CHECK_FALSE(model.get<3>().training);
  const Tensor x = randn({2, 3});
  CHECK(apart(model(x), tanh(linear(relu(linear(x, model.get<0>().weight, model.get<0>().bias)),
                                    model.get<2>().get<0>().weight))) == 0.0);
  std::string names;
  for (const NamedTensor& entry : model.state_dict()) names += entry.name + " ";
  CHECK(names == "0.weight 0.bias 2.0.weight ");
  check_module(model, {x});
}

TEST_CASE("sinusoidal positions are the paper's, for odd widths, too") {
  const Tensor p = sinusoidal_table(5, 6, Dtype::f64);
  for (int64_t i = 0; i < 5; ++i)
    for (int64_t j = 0; j < 3; ++j) {
      const double angle = double(i) / std::pow(10000.0, 2.0 * double(j) / 6.0);
      CHECK(p[i][2 * j].item() == Approx(std::sin(angle)).margin(1e-15));
      CHECK(p[i][2 * j + 1].item() == Approx(std::cos(angle)).margin(1e-15));
    }
  CHECK(sinusoidal_table(4, 3, Dtype::f64).shape() == Shape{4, 3});
  CHECK(sinusoidal_table(4, 3, Dtype::f64)[2][2].item() == Approx(std::sin(2.0 / std::pow(10000.0, 2.0 / 3.0))));
}

TEST_CASE("theorem: a step forward is a rotation, from any position") {
  const int64_t d = 8, shift = 7;
  const Tensor p = sinusoidal_table(60, d, Dtype::f64);
  for (int64_t j = 0; j < d / 2; ++j) {
    const double turn = double(shift) * std::pow(10000.0, -2.0 * double(j) / double(d));
    for (int64_t i = 0; i + shift < 60; i += 9) {
      const double s = p[i][2 * j].item(), c = p[i][2 * j + 1].item();
      CHECK(p[i + shift][2 * j].item() == Approx(s * std::cos(turn) + c * std::sin(turn)).margin(1e-13));
      CHECK(p[i + shift][2 * j + 1].item() == Approx(c * std::cos(turn) - s * std::sin(turn)).margin(1e-13));
    }
  }
}

TEST_CASE("the first positions are added, only learnt ones are in the state dict") {
  manual_seed(3);
  const SinusoidalPositions fixed(6);
  CHECK(fixed.state_dict().empty());
  CHECK(apart(fixed(zeros({2, 5, 6})), sinusoidal_table(5, 6).expand({2, 5, 6})) < 1e-7);
  const LearnedPositions learnt(6, {.max_length = 9});
  CHECK(learnt.weight.shape() == Shape{9, 6});
  CHECK(apart(learnt(zeros({5, 6})), learnt.weight.slice(0, 0, 5)) == 0.0);
  check_module(fixed, {randn({2, 3, 6})});
  check_module(learnt, {randn({2, 3, 6})});
  SinusoidalPositions dropping(6, {.dropout = 0.5});
  CHECK(apart(dropping(ones({5, 6})), dropping(ones({5, 6}))) > 0.0);
  CHECK(message_of<ShapeError>([&] { learnt(zeros({1, 10, 6})); }) ==
        "LearnedPositions: input (1, 10, 6), table (9, 6): the input must be (…, n, 6) with n <= "
        "9: make max_length larger "
        "for longer sequences [in LearnedPositions]");
  CHECK(message_of<ShapeError>([&] { fixed(zeros({1, 10, 5})); }).find("the input must be (…, n, 6)") !=
        std::string::npos);
}

TEST_CASE("the feed-forward network works at each position by itself") {
  manual_seed(4);
  const FeedForward ff(4, {.hidden = 7, .dropout = 0.0, .activation = gelu});
  const Tensor x = randn({2, 3, 4}), order = tensor_i64({2, 0, 1});
  CHECK(apart(ff(index_select(x, 1, order)), index_select(ff(x), 1, order)) == 0.0);
  check_module(ff, {x});
}

TEST_CASE("Transformer encoder: names are PyTorch's") {
  const TransformerEncoder encoder(TransformerEncoderLayer(8, 2, {.dim_feedforward = 16}), 2, LayerNorm(8));
  std::string first, rest;
  for (const NamedTensor& entry : encoder.state_dict()) {
    if (entry.name.find("layers.0.") == 0) first += entry.name.substr(9) + " ";
    else if (entry.name.find("layers.") != 0) rest += entry.name + " ";
  }
  CHECK(first ==
        "self_attn.in_proj_weight self_attn.in_proj_bias self_attn.out_proj.weight "
        "self_attn.out_proj.bias linear1.weight "
        "linear1.bias linear2.weight linear2.bias norm1.weight norm1.bias norm2.weight norm2.bias ");
  CHECK(rest == "norm.weight norm.bias ");
}

TEST_CASE("Transformer encoder: layers start alike and are independent") {
  const TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16});
  TransformerEncoder encoder(layer, 2);
  CHECK(encoder.layers[0].feed_forward.linear1.weight.to_vector() == layer.feed_forward.linear1.weight.to_vector());
  CHECK(encoder.layers[1].feed_forward.linear1.weight.to_vector() == layer.feed_forward.linear1.weight.to_vector());
  CHECK(encoder.layers[0].feed_forward.linear1.weight.node() != encoder.layers[1].feed_forward.linear1.weight.node());
  CHECK(encoder.parameters().size() == 2 * layer.parameters().size());
}

TEST_CASE("theorem: without positions, an encoder does not see order, with a causal mask, no future") {
  manual_seed(5);
  TransformerEncoder encoder(TransformerEncoderLayer(8, 2, {.dim_feedforward = 16, .norm_first = true}), 2,
                             LayerNorm(8));
  encoder.to(Dtype::f64);
  encoder.eval();
  const Tensor x = randn({1, 4, 8}, Dtype::f64), order = tensor_i64({2, 0, 3, 1});
  CHECK(apart(encoder(index_select(x, 1, order)), index_select(encoder(x), 1, order)) < 1e-14);
  Tensor y = x.clone();
  Tensor last = y.slice(1, 3, 4);
  last.fill_(2.0);
  CHECK(encoder(x, {.causal = true}).slice(1, 0, 3).to_vector() ==
        encoder(y, {.causal = true}).slice(1, 0, 3).to_vector());
}

TEST_CASE("Transformer encoder: dropout at its four places, while training only") {
  manual_seed(6);
  TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16, .dropout = 0.2});
  const Tensor x = randn({2, 3, 8});
  const uint64_t before = default_generator().counter();
  layer(x);
  CHECK(default_generator().counter() - before == 4);
  layer.eval();
  CHECK_FALSE(layer.feed_forward.dropout.training);
  CHECK(layer(x).to_vector() == layer(x).to_vector());
}

TEST_CASE("Transformer encoder holds what layers must") {
  manual_seed(7);
  const Tensor x = randn({2, 3, 4});
  check_module(TransformerEncoderLayer(4, 2, {.dim_feedforward = 6, .activation = gelu}), {x});
  check_module(
      TransformerEncoderLayer(4, 2, {.dim_feedforward = 6, .activation = gelu, .norm_first = true, .bias = false}),
      {x});
  check_module(
      TransformerEncoder(TransformerEncoderLayer(4, 2, {.dim_feedforward = 4, .activation = gelu}), 2, LayerNorm(4)),
      {x});
}
