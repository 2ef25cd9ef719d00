// The classes of the introductions to attention: their names, argument order, parameters and results, and the
// faults that they do not have here.
#include "support/catch.h"

#include <cmath>
#include <type_traits>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/recurrent/attention_decoders.h>
#include <heed/nn/tutorial.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/module_check.h"

using namespace heed;
using test::apart;
using test::message_of;
namespace transformers_text = nn::tutorial::attention_in_transformers;
namespace mechanism_text = nn::tutorial::attention_mechanism;
namespace survey_text = nn::tutorial::about_attention;

namespace {

Tensor normal64(const Shape& shape) { return randn(shape, Dtype::f64); }

template <class M> M doubled(M m) {
  m.to(Dtype::f64);
  return m;
}

std::string names_of(const nn::Module& m) {
  std::string all;
  for (const nn::NamedTensor& entry : m.state_dict()) all += cat(entry.name, entry.tensor.shape(), " ");
  return all;
}

// softmax(q kᵀ) v of matrices, element by element.
Tensor attended_by_loops(const Tensor& q, const Tensor& k, const Tensor& v, double scale) {
  std::vector<double> out;
  for (int64_t i = 0; i < q.size(0); ++i) {
    std::vector<double> weights;
    double total = 0.0;
    for (int64_t j = 0; j < k.size(0); ++j) {
      weights.push_back(std::exp(scale * sum(q[i] * k[j]).item()));
      total += weights.back();
    }
    for (int64_t c = 0; c < v.size(1); ++c) {
      double mean = 0.0;
      for (int64_t j = 0; j < k.size(0); ++j) mean += weights[size_t(j)] / total * v[j][c].item();
      out.push_back(mean);
    }
  }
  return tensor(out, {q.size(0), v.size(1)}, Dtype::f64);
}

}  // namespace

TEST_CASE("tutorial: every class of the texts, under its name, with its arguments in their order") {
  namespace tutorial = nn::tutorial;
  static_assert(std::is_constructible_v<transformers_text::MultiHeadAttention, int, int>);  // num_heads, d_model
  static_assert(std::is_constructible_v<survey_text::MultiHeadAttention, int, int, int>);   // input_dim, …
  static_assert(!std::is_same_v<transformers_text::MultiHeadAttention, survey_text::MultiHeadAttention>);
  static_assert(std::is_constructible_v<tutorial::AttnDecoderRNN, int, int, double, int>);  // …, dropout_p, max_length
  static_assert(std::is_constructible_v<tutorial::Attention, int, int, int>);               // query_dim, key_dim, …
  static_assert(std::is_constructible_v<tutorial::SelfAttention, int, int>);                // input_dim, hidden_dim
  static_assert(std::is_default_constructible_v<tutorial::DotProductAttention>);
  static_assert(std::is_constructible_v<tutorial::AdditiveAttention, int, int, int>);   // query_dim, key_dim, …
  static_assert(std::is_constructible_v<tutorial::MultiplicativeAttention, int, int>);  // query_dim, key_dim
  static_assert(std::is_same_v<tutorial::Attention, survey_text::Attention>);
  static_assert(std::is_same_v<tutorial::AttnDecoderRNN, mechanism_text::AttnDecoderRNN>);

  CHECK(names_of(transformers_text::MultiHeadAttention(2, 6)) ==
        "wq.weight(6, 6) wq.bias(6,) wk.weight(6, 6) wk.bias(6,) wv.weight(6, 6) wv.bias(6,) "
        "dense.weight(6, 6) dense.bias(6,) ");
  CHECK(names_of(tutorial::AttnDecoderRNN(3, 7, 0.1, 5)) ==
        "attn.weight(5, 6) attn.bias(5,) attn_combine.weight(3, 6) attn_combine.bias(3,) gru.weight_ih_l0(9, 3) "
        "gru.weight_hh_l0(9, 3) gru.bias_ih_l0(9,) gru.bias_hh_l0(9,) out.weight(7, 3) out.bias(7,) ");
  CHECK(names_of(tutorial::Attention(3, 4, 6)) ==
        "query_layer.weight(4, 3) query_layer.bias(4,) key_layer.weight(4, 4) key_layer.bias(4,) "
        "value_layer.weight(6, 4) value_layer.bias(6,) ");
  CHECK(names_of(tutorial::SelfAttention(3, 4)) ==
        "query_layer.weight(4, 3) query_layer.bias(4,) key_layer.weight(4, 3) key_layer.bias(4,) "
        "value_layer.weight(4, 3) value_layer.bias(4,) ");
  CHECK(names_of(tutorial::DotProductAttention()).empty());
  CHECK(names_of(tutorial::AdditiveAttention(3, 2, 5)) ==
        "query_layer.weight(5, 3) query_layer.bias(5,) key_layer.weight(5, 2) key_layer.bias(5,) "
        "energy_layer.weight(1, 5) energy_layer.bias(1,) ");
  CHECK(names_of(tutorial::MultiplicativeAttention(3, 4)) == "query_layer.weight(4, 3) query_layer.bias(4,) ");
  CHECK(names_of(survey_text::MultiHeadAttention(3, 4, 1)) ==
        "query_layers.0.weight(4, 3) query_layers.0.bias(4,) key_layers.0.weight(4, 3) key_layers.0.bias(4,) "
        "value_layers.0.weight(4, 3) value_layers.0.bias(4,) linear.weight(4, 4) linear.bias(4,) ");
}

TEST_CASE(
    "tutorial: the MultiHeadAttention of num_heads and d_model takes value, key, query, and cuts d_model into heads") {
  manual_seed(2);
  const auto m = doubled(transformers_text::MultiHeadAttention(3, 6));
  CHECK(m.num_heads == 3);
  CHECK(m.d_model == 6);
  CHECK(m.depth == 2);
  const Tensor v = normal64({2, 5, 6}), k = normal64({2, 5, 6}), q = normal64({2, 4, 6});
  const Tensor y = m(v, k, q);
  REQUIRE(y.shape() == Shape{2, 4, 6});
  for (int64_t b = 0; b < 2; ++b) {
    std::vector<Tensor> heads;
    for (int64_t h = 0; h < 3; ++h) {
      const auto part = [h](const Tensor& x) { return x.slice(-1, 2 * h, 2 * h + 2); };
      heads.push_back(attended_by_loops(part(m.wq(q[b])), part(m.wk(k[b])), part(m.wv(v[b])), 1.0 / std::sqrt(2.0)));
    }
    CHECK(apart(y[b], m.dense(cat(heads, -1))) < 1e-14);
  }
  CHECK(apart(m(k, v, q), y) > 1e-3);  // the first is the value

  const Tensor mask = nn::causal_mask(4, 5);
  CHECK(apart(m(v, k, q, mask), m(v, k, q, {.causal = true})) == 0.0);
  CHECK(apart(m(v, k, q, mask), y) > 1e-3);
  nn::AttentionTrace trace;
  m(v, k, q);
  REQUIRE(trace.entries().size() == 1);
  CHECK(trace.entries()[0].weights.shape() == Shape{2, 3, 4, 5});

  CHECK(
      message_of<ShapeError>([] { transformers_text::MultiHeadAttention(4, 10); }) ==
      "MultiHeadAttention: num_heads 4, d_model 10: d_model is not a multiple of num_heads: the number of heads comes "
      "first here");
  CHECK(message_of<ShapeError>([] { transformers_text::MultiHeadAttention(0, 10); }).find("num_heads 0") !=
        std::string::npos);
  CHECK(message_of<ShapeError>([&] { m(v[0], k[0], q[0]); }) ==
        "MultiHeadAttention: v (5, 6), k (5, 6), q (4, 6): must be (B, m, d_model), (B, m, d_model) and (B, n, "
        "d_model) [in MultiHeadAttention]");
  test::check_module(m, {v, k, q}, [](const auto& layer, const auto& in) { return layer(in[0], in[1], in[2]); });
}

TEST_CASE("tutorial: with the same parameters the text's MultiHeadAttention is PyTorch's") {
  manual_seed(3);
  const auto packed = doubled(nn::MultiHeadAttention(6, 3));
  auto m = doubled(transformers_text::MultiHeadAttention(3, 6));
  const Tensor weight = packed.in_proj_weight.detach(), bias = packed.in_proj_bias.detach() + normal64({18});
  nn::MultiHeadAttention torch = packed;
  torch.in_proj_bias = bias;
  int64_t at = 0;
  for (nn::Linear* layer : {&m.wq, &m.wk, &m.wv}) {
    layer->weight = weight.slice(0, at, at + 6);
    layer->bias = bias.slice(0, at, at + 6);
    at += 6;
  }
  m.dense = torch.out_proj;
  const Tensor v = normal64({2, 5, 6}), k = normal64({2, 5, 6}), q = normal64({2, 4, 6});
  CHECK(apart(m(v, k, q), torch(q, k, v).output) < 1e-14);
}

TEST_CASE("tutorial: AttnDecoderRNN is a step of the translation tutorial's decoder, for any batch") {
  manual_seed(4);
  const int64_t H = 6, places = 5;
  auto m = doubled(nn::tutorial::AttnDecoderRNN(H, 7, 0.1, places));
  m.eval();
  const Tensor input = normal64({1, 2, H}), hidden = normal64({1, 2, H}), outputs = normal64({2, places, H});
  const auto [output, next, attn_weights] = m(input, hidden, outputs);
  CHECK(output.shape() == Shape{2, 7});
  CHECK(next.shape() == Shape{1, 2, H});
  const Tensor alpha = softmax(m.attn(cat({input[0], hidden[0]}, 1)), 1);
  CHECK(apart(attn_weights, alpha) < 1e-15);
  const Tensor applied = sum(alpha.unsqueeze(-1) * outputs, 1);
  const Tensor x = relu(m.attn_combine(cat({input[0], applied}, 1)));
  const nn::Recurrent state = m.gru(x.unsqueeze(1), {.hidden = hidden});
  CHECK(apart(next, state.hidden) < 1e-15);
  CHECK(apart(output, log_softmax(m.out(state.output.select(1, 0)), 1)) < 1e-14);

  // The text's encoder_outputs have no batch axis; shorter ones are followed by zeros, which get weight as well.
  const auto first = [](const Tensor& t, int64_t axis) { return t.slice(axis, 0, 1); };
  const auto alone = m(first(input, 1), first(hidden, 1), outputs[0]);
  CHECK(apart(alone.output, first(output, 0)) < 1e-15);
  CHECK(apart(alone.attn_weights, first(attn_weights, 0)) < 1e-15);
  const Tensor padded = cat({outputs.slice(1, 0, 3), zeros({2, 2, H}, Dtype::f64)}, 1);
  const auto shorter = m(input, hidden, outputs.slice(1, 0, 3));
  CHECK(apart(shorter.output, m(input, hidden, padded).output) == 0.0);
  CHECK(amin(shorter.attn_weights.slice(-1, 3, 5)).item() > 0.01);

  // Its weights do not depend on what the encoder found.
  CHECK(m(input, hidden, outputs + 1.0).attn_weights.to_vector() == attn_weights.to_vector());
  CHECK(apart(m(input, hidden, outputs + 1.0).output, output) > 1e-3);

  CHECK(nn::tutorial::AttnDecoderRNN(3, 7).dropout.p == 0.1);
  CHECK(nn::tutorial::AttnDecoderRNN(3, 7).max_length == 10);
  m.train();
  m.dropout.p = 0.5;
  CHECK(m(input, hidden, outputs).output.to_vector() != m(input, hidden, outputs).output.to_vector());
  CHECK(message_of<ShapeError>([] { nn::tutorial::AttnDecoderRNN(3, 7, 0.1, 0); }).find("max_length 0") !=
        std::string::npos);
  CHECK(
      message_of<ShapeError>([&] { m(input, hidden, normal64({2, 6, H})); }) ==
      "AttnDecoderRNN: input (1, 2, 6), hidden (1, 2, 6), encoder_outputs (2, 6, 6), max_length 5: must be (1, B, H), "
      "(1, B, H) and (B, m, H) with m <= max_length [in AttnDecoderRNN]");
  test::check_module(m, {input, hidden, outputs},
                     [](const auto& layer, const auto& in) { return layer(in[0], in[1], in[2]).output; },
                     {.batch_first = false});
}

TEST_CASE("tutorial: with an embedded token for its input the text's decoder is nn::AttnDecoderRNN") {
  manual_seed(5);
  const auto whole = [] {
    auto m = doubled(nn::AttnDecoderRNN(3, 7, {.max_length = 5}));
    m.eval();
    return m;
  }();
  auto step = doubled(nn::tutorial::AttnDecoderRNN(3, 7, 0.1, 5));
  step.eval();
  nn::StateDict state;
  for (const nn::NamedTensor& entry : whole.state_dict())
    if (entry.name != "embedding.weight") state.push_back(entry);
  step.load_state_dict(state);
  const Tensor outputs = normal64({2, 4, 3}), hidden = normal64({1, 2, 3}), tokens = randint(0, 7, {2, 1});
  const nn::Decoded expected = whole(tokens, {outputs, hidden});
  const auto got = step(whole.embedding(tokens).transpose(0, 1), hidden, outputs);
  CHECK(apart(got.output, expected.logits.select(1, 0)) < 1e-14);
  CHECK(apart(got.attn_weights, expected.weights.select(1, 0)) < 1e-15);
}

TEST_CASE("tutorial: Attention, SelfAttention and MultiHeadAttention return the output alone, unscaled") {
  manual_seed(6);
  const auto one = doubled(nn::tutorial::Attention(3, 4, 6));
  const Tensor query = normal64({2, 3}), keys = normal64({2, 5, 4}), values = normal64({2, 5, 4});
  const Tensor context = one(query, keys, values);
  REQUIRE(context.shape() == Shape{2, 6});
  const auto self = doubled(nn::tutorial::SelfAttention(3, 4));
  const auto full = doubled(survey_text::MultiHeadAttention(3, 4, 2));
  const Tensor x = normal64({2, 5, 3}), y = self(x), z = full(x);
  REQUIRE(y.shape() == Shape{2, 5, 4});
  REQUIRE(z.shape() == Shape{2, 5, 4});
  for (int64_t b = 0; b < 2; ++b) {
    CHECK(apart(context[b], attended_by_loops(one.query_layer(query[b]).unsqueeze(0), one.key_layer(keys[b]),
                                              one.value_layer(values[b]), 1.0)[0]) < 1e-14);
    CHECK(apart(y[b], attended_by_loops(self.query_layer(x[b]), self.key_layer(x[b]), self.value_layer(x[b]), 1.0)) <
          1e-14);
    std::vector<Tensor> heads;
    for (size_t h = 0; h < 2; ++h)
      heads.push_back(
          attended_by_loops(full.query_layers[h](x[b]), full.key_layers[h](x[b]), full.value_layers[h](x[b]), 1.0));
    CHECK(apart(z[b], full.linear(cat(heads, -1))) < 1e-14);
  }
  CHECK(full.num_parameters() == 3 * 2 * (3 * 4 + 4) + (2 * 4 * 4 + 4));
  CHECK(
      nn::tutorial::Attention(3, 4, 6, {.value_input = 6})(randn({2, 3}), randn({2, 5, 4}), randn({2, 5, 6})).shape() ==
      Shape{2, 6});
  CHECK(apart(self(x, {.causal = true})[0][0], self.value_layer(x[0][0])) < 1e-14);
  CHECK(apart(full(x, {.causal = true}), z) > 1e-3);
  nn::AttentionTrace trace;
  full(x);
  REQUIRE(trace.entries().size() == 1);
  CHECK(trace.entries()[0].weights.shape() == Shape{2, 2, 5, 5});

  test::check_module(one, {query, keys, values},
                     [](const auto& layer, const auto& in) { return layer(in[0], in[1], in[2]); });
  test::check_module(self, {x});
  test::check_module(full, {x});
}

TEST_CASE("tutorial: the classes that return a pair weigh every key for every query") {
  manual_seed(7);
  const auto dot = nn::tutorial::DotProductAttention();
  const auto additive = doubled(nn::tutorial::AdditiveAttention(4, 4, 5));
  const auto multiplicative = doubled(nn::tutorial::MultiplicativeAttention(4, 4));
  const nn::Linear &Q = additive.score.query_layer, &K = additive.score.key_layer, &E = additive.score.energy_layer;
  for (const int64_t m : {3, 5}) {  // as many keys as queries, and more
    const Tensor q = normal64({2, 3, 4}), k = normal64({2, m, 4}), v = normal64({2, m, 6});
    const auto by_loops = [&](const auto& score) {
      std::vector<double> scores;
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t i = 0; i < 3; ++i)
          for (int64_t j = 0; j < m; ++j) scores.push_back(score(q[b][i], k[b][j]).item());
      return softmax(tensor(scores, {2, 3, m}, Dtype::f64), -1);
    };
    const auto check_pair = [&](const auto& layer, const Tensor& expected) {
      const auto [output, weights] = layer(q, k, v);
      REQUIRE(weights.shape() == Shape{2, 3, m});
      CHECK(apart(weights, expected) < 1e-14);
      CHECK(apart(output, matmul(expected, v)) < 1e-14);
      test::check_module(layer, {q, k, v}, [](const auto& l, const auto& in) { return l(in[0], in[1], in[2]).output; });
    };
    check_pair(dot, by_loops([](const Tensor& a, const Tensor& b) { return sum(a * b); }));
    check_pair(additive, by_loops([&](const Tensor& a, const Tensor& b) { return E(tanh(Q(a) + K(b))); }));
    check_pair(multiplicative, by_loops([&](const Tensor& a, const Tensor& b) {
                 return sum(multiplicative.score.query_layer(a) * b);
               }));
  }
}

TEST_CASE("tutorial: PyTorch's answers for the texts' classes") {
  const test::Golden golden("attention.safetensors");
  const auto check_output = [&](const std::string& name, auto m, const std::vector<std::string>& inputs) {
    m.to(Dtype::f64);
    m.load_state_dict(golden.state(name + "/param/", Dtype::f64));
    std::vector<Tensor> in;
    for (const std::string& input : inputs) in.push_back(golden.at(name + "/in/" + input, Dtype::f64));
    if constexpr (requires { m(in[0], in[0], in[0]); }) golden.check(name + "/out", m(in[0], in[1], in[2]));
    else golden.check(name + "/out", m(in[0]));
  };
  check_output("key_value", nn::tutorial::Attention(3, 4, 6), {"q", "k", "v"});
  check_output("self", nn::tutorial::SelfAttention(3, 4), {"x"});
  check_output("per_head", survey_text::MultiHeadAttention(3, 4, 2), {"x"});
}

// Tom Yeh's "AI by Hand" workbook, Self-Attention, sheet "small"; there tokens are columns.
TEST_CASE("tutorial: SelfAttention, scaled, gives the published numbers of the exercise by hand") {
  const auto matrix = [](const std::vector<double>& rows, int64_t n) {
    return tensor(rows, {static_cast<int64_t>(rows.size()) / n, n}, Dtype::f64);
  };
  auto m = doubled(nn::tutorial::SelfAttention(6, 3, {.scale = 1.0 / std::sqrt(3.0)}));
  m.query_layer.weight = matrix({1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1}, 6);
  m.key_layer.weight = matrix({0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1}, 6);
  m.value_layer.weight = matrix({10, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 10, 0, 0, 0, 0}, 6);
  for (nn::Linear* layer : {&m.query_layer, &m.key_layer, &m.value_layer}) layer->bias = zeros({3}, Dtype::f64);
  const Tensor X = matrix({2, 0, 0, 2, 0, 1, 0, 0, 0, 2, 1, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 0, 1, 1}, 4);
  const Tensor Z = matrix({10.307597008, 10.105518335, 15.033611587, 3.060820183,  //
                           2.832838739, 2.973349707, 4.131690176, 1.530410092,     //
                           4.590262009, 4.500270709, 2.109906928, 7.704384863},
                          4);
  CHECK(apart(m(X.transpose(0, 1).unsqueeze(0))[0], Z.transpose(0, 1)) < 1e-8);
}
