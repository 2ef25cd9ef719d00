// Arguments that no op, layer or search can work with: each is refused where it is given, in that function's own
// name, and not taken for "none", truncated to an integer or passed on until a result is NaN.
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/nn.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;

namespace {

struct Refused {
  std::string begins;  // the message: which function, and which argument
  std::function<void()> call;
};

constexpr int64_t top = INT64_MAX, bottom = INT64_MIN;
constexpr double inf = INFINITY, NaN = NAN;

Tensor x() { return ones({1, 3, 8}); }
Tensor heads() { return ones({1, 2, 3, 4}); }

void check_all(const std::vector<Refused>& calls) {
  for (const Refused& c : calls) {
    const std::string text = test::message_of<Error>(c.call);
    INFO(c.begins << "\n" << text);
    CHECK(text.starts_with(c.begins));
    CHECK(test::follows_grammar(text));
  }
}

}  // namespace

TEST_CASE("a probability of dropout is checked where it is used, however it got there") {
  std::vector<Refused> calls;
  for (const double p : {NaN, -0.5, 2.0}) {
    const auto add = [&](const char* begins, std::function<void()> call) {
      calls.push_back({begins, std::move(call)});
    };
    add("dropout: p = ", [=] {
      Dropout d;
      d.p = p;
      d(x());
    });
    add("attention: dropout = ", [=] { attention(x(), x(), x(), {.dropout = p}); });
    add("attend: dropout = ", [=] { attend(ones({3, 3}), ones({3, 2}), {.dropout = p}); });
    add("scaled_dot_product_attention: dropout = ",
        [=] { scaled_dot_product_attention(heads(), heads(), heads(), {.dropout = p}); });
    add("packed_attention: dropout = ", [=] { packed_attention(ones({1, 3, 12}), 2, {.dropout = p}); });
    add("packed_attention: dropout = ", [=] {
      MultiHeadAttention m(8, 2);
      m.dropout = p;
      m(x());
    });
    add("scaled_dot_product_attention: dropout = ", [=] {
      GroupedQueryAttention m(8, 2);
      m.dropout = p;
      m(x());
    });
    add("attend: dropout = ", [=] {
      Attention<ScaledDotScore> a;
      a.dropout = p;
      a(x(), x(), x());
    });
    add("attention: dropout = ", [=] {
      SelfAttention a(8, 8);
      a.dropout = p;
      a(x());
    });
    add("attention: dropout = ", [=] {
      PerHeadAttention a(8, 4, 2);
      a.dropout = p;
      a(x());
    });
    add("dropout: p = ", [=] {
      GRU g(8, 3, {.num_layers = 2});
      g.dropout = p;
      g(x());
    });
  }
  calls.push_back({"dropout: (5,) of int64: ", [] { dropout(arange(5), 0.5); }});
  calls.push_back({"dropout: (2,) of bool: ", [] { dropout(ones({2}, Dtype::boolean), 0.0); }});
  check_all(calls);
}

TEST_CASE("a scale of scores is finite and fits their dtype, plain and fused") {
  for (const bool plain : {false, true}) {
    set_plain_attention(plain);
    std::vector<Refused> calls;
    for (const double scale : {NaN, inf, 1e300})
      calls.push_back({"", [=] { scaled_dot_product_attention(heads(), heads(), heads(), {.scale = scale}); }});
    check_all(calls);
    // Without a width every score is 0: the values' mean, not 0 · ∞.
    const Tensor none = zeros({1, 1, 2, 0});
    CHECK(scaled_dot_product_attention(none, none, tensor({1, 3}, {1, 1, 2, 1})).to_vector() ==
          std::vector<double>{2, 2});
    set_plain_attention(false);
  }
}

TEST_CASE("eps of a norm is a number from 0 on") {
  std::vector<Refused> calls;
  for (const double eps : {NaN, -1.0, inf}) {
    calls.push_back({"layer_norm: eps = ", [=] {
                       LayerNorm n(8, {.eps = eps});
                       n(x());
                     }});
    calls.push_back({"layer_norm: eps = ", [=] {
                       TransformerEncoderLayer l(8, 2, {.layer_norm_eps = eps});
                       l(x());
                     }});
    calls.push_back({"rms_norm: eps = ", [=] {
                       RMSNorm n(8, eps);
                       n(x());
                     }});
  }
  check_all(calls);
}

TEST_CASE("positions are counted from 0 and rotate floating elements only") {
  std::vector<Refused> calls;
  for (const int64_t first : {int64_t{-1}, int64_t{1001}, top, bottom}) {
    calls.push_back({"SinusoidalPositions: input (1, 3, 8) at position ", [=] {
                       SinusoidalPositions p(8);
                       p(x(), first);
                     }});
    calls.push_back({"LearnedPositions: input (1, 3, 8) at position ", [=] {
                       LearnedPositions p(8);
                       p(x(), first);
                     }});
    calls.push_back({"RotaryPositions: input (1, 3, 8) at position ", [=] {
                       RotaryPositions p(8, RopeLayout::half_split, {.max_length = 1000});
                       p(x(), first);
                     }});
  }
  const Tensor whole = zeros({1, 3, 8}, Dtype::i64);
  calls.push_back({"SinusoidalPositions: input int64 ", [=] {
                     SinusoidalPositions p(8);
                     p(whole);
                   }});
  calls.push_back({"RotaryPositions: input int64 ", [=] {
                     RotaryPositions p(8, RopeLayout::half_split);
                     p(whole);
                   }});
  calls.push_back({"sinusoidal_table: dtype int64: ", [] { sinusoidal_table(4, 4, Dtype::i64); }});
  calls.push_back({"alibi_slopes: dtype int64: ", [] { alibi_slopes(4, Dtype::i64); }});
  for (const double base : {0.0, -1.0, NaN, inf})
    calls.push_back(
        {"RotaryPositions: base = ", [=] { RotaryPositions p(8, RopeLayout::half_split, {.base = base}); }});
  calls.push_back({"shape: ", [] { RotaryPositions p(8, RopeLayout::half_split, {.max_length = top}); }});
  calls.push_back({"shape: ", [] { RotaryPositions p(top - 1, RopeLayout::half_split); }});
  calls.push_back({"zeros: ", [] { alibi_slopes(top / 8); }});
  check_all(calls);
  CHECK(SinusoidalPositions(8)(x(), 997).shape() == Shape{1, 3, 8});
  CHECK(alibi_slopes(1 << 20).numel() == 1 << 20);
}

TEST_CASE("initial values speak in their own names and stay in the tensor's range") {
  Tensor w = zeros({2, 2});
  std::vector<Refused> calls = {
      {"uniform_: [1, 0)", [&] { uniform_(w, 1, 0); }},
      {"uniform_: (2, 2) float32 and the number 1e+300", [&] { uniform_(w, 0, 1e300); }},
      {"normal_: mean 0, std -1", [&] { normal_(w, 0, -1); }},
      {"normal_: (2, 2) float32 and the number 1e+300", [&] { normal_(w, 1e300, 1); }},
      {"normal_: (2, 2) float32 and the number 1e+300", [&] { normal_(w, 0, 1e300); }},
      {"trunc_normal_: std 1 on [2, -2]", [&] { trunc_normal_(w, 0, 1, 2, -2); }},
      {"orthogonal_: gain = nan", [&] { orthogonal_(w, NaN); }},
      {"gpt2_residual_: 0 layers", [&] { gpt2_residual_(w, 0); }},
      {"gpt2_residual_: -1 layers", [&] { gpt2_residual_(w, -1); }},
      {"bernoulli: p = 2", [] { bernoulli({2}, 2); }},
  };
  for (const double gain : {NaN, -1.0, inf}) {
    calls.push_back({"xavier_uniform_: gain = ", [&w, gain] { xavier_uniform_(w, gain); }});
    calls.push_back({"xavier_normal_: gain = ", [&w, gain] { xavier_normal_(w, gain); }});
  }
  for (const double slope : {NaN, inf}) {
    calls.push_back({"kaiming_uniform_: slope = ", [&w, slope] { kaiming_uniform_(w, slope); }});
    calls.push_back({"kaiming_normal_: slope = ", [&w, slope] { kaiming_normal_(w, slope); }});
  }
  check_all(calls);
  for (const Shape& shape : {Shape{0, 3}, Shape{3, 0}, Shape{0, 0}}) {  // nothing to write, nothing wrong
    Tensor none = zeros(shape);
    xavier_uniform_(none), xavier_normal_(none), kaiming_uniform_(none), kaiming_normal_(none), orthogonal_(none);
  }
}

TEST_CASE("counts of layers, rows and positions: refused before memory is allocated") {
  const auto logits = [](const Tensor& tokens) { return zeros({tokens.size(0), 3}); };
  const auto reorder = [](const Tensor&) {};
  check_all({
      {"KeyValueCaches: -1 layers", [] { KeyValueCaches c(-1, 4); }},
      {"KeyValueCaches: 9223372036854775807 layers", [] { KeyValueCaches c(top, 4); }},
      {"TransformerEncoder: -1 layers", [] { TransformerEncoder e(TransformerEncoderLayer(8, 2), -1); }},
      {"TransformerDecoder: -1 layers", [] { TransformerDecoder d(TransformerDecoderLayer(8, 2), -1); }},
      {"FeedForward: activation is null: ", [] { TransformerEncoderLayer l(8, 2, {.activation = nullptr}); }},
      {"MultiHeadAttention: width 0, 1 heads", [] { MultiHeadAttention m(0, 1); }},
      {"EncoderClassifier: tokens (2, 0)",
       [] {
         EncoderClassifier e({.vocab = 3, .classes = 2, .width = 8, .heads = 2, .layers = 1, .hidden = 4});
         e(zeros({2, 0}, Dtype::i64));
       }},
      {"embedding: table (3, 2), padding_row 7", [] { embedding(zeros({3, 2}), tensor_i64({0}), 7); }},
      {"attention: mask, an empty Tensor: ",
       [] {
         MultiHeadAttention m(8, 2);
         m(x(), {.mask = Tensor()});
       }},
      {"attention: key_mask, an empty Tensor: ", [] { attention(x(), x(), x(), {.key_mask = Tensor()}); }},
      {"padding_mask: lengths float32 (2,)", [] { padding_mask(tensor({1, 2}), 3); }},
      {"block_diagonal_mask: length 9223372036854775807 of sequence 0", [] { block_diagonal_mask({top, top}); }},
      {"beam_search: length_penalty = inf",
       [=] { beam_search(1, logits, reorder, {.max_length = 2, .length_penalty = inf}); }},
      {"LambdaLR: an empty function: ",
       [] {
         optim::SGD s({parameter(ones({2}))});
         optim::LambdaLR l(s, nullptr);
       }},
      {"Schedule: an empty function: ",
       [] {
         optim::SGD s({parameter(ones({2}))});
         optim::Schedule l(s, nullptr);
       }},
  });
  const std::string many = test::message_of([&] { greedy_search(top, logits, {.max_length = 2}); });
  INFO(many);
  CHECK(many.starts_with("zeros: (9223372036854775807, 1)"));
  const auto searched = [&](int64_t beam) {
    return beam_search(1, logits, reorder, {.max_length = 2, .beam = beam})[0];
  };
  CHECK(searched(top).size() == searched(9).size());
  CHECK(searched(top)[0].score == searched(9)[0].score);
  // A token that is forbidden is in no hypothesis, and where all are there is none.
  const auto only = [&](double a, double b, double c) {
    return beam_search(1, [=](const Tensor& tokens) { return zeros({tokens.size(0), 3}) + tensor({a, b, c}); }, reorder,
                       {.max_length = 2, .beam = 3})[0];
  };
  for (const Hypothesis& h : only(-inf, 0, -inf)) CHECK(h.tokens == std::vector<int64_t>{1, 1});
  CHECK(test::message_of([&] {
          only(-inf, -inf, -inf);
        }).starts_with("beam_search: the step returned (1, 3): rows 0 … 0 are -inf"));
}

TEST_CASE("gradients too large or too small for f32's squares are clipped by their norm") {
  Tensor p = parameter(ones({2}));
  p.set_grad(tensor({3e30, 4e30}));
  CHECK(optim::clip_grad_norm({p}, 1.0) == Approx(5e30));
  CHECK(p.grad().to_vector()[0] == Approx(0.6));
  CHECK(p.grad().to_vector()[1] == Approx(0.8));
  p.set_grad(tensor({3e-30, 4e-30}));
  CHECK(optim::clip_grad_norm({p}, 1.0) == Approx(5e-30));
  CHECK(p.grad().to_vector()[0] == Approx(3e-30));
}

TEST_CASE("elu and expm1 keep the digits of their derivative far below 0") {
  for (const double at : {-1.0, -8.0, -17.0, -40.0}) {
    for (const bool recorded : {false, true})
      for (const auto f : {+[](const Tensor& t) { return expm1(t); }, +[](const Tensor& t) { return elu(t); }}) {
        const Tensor t = parameter(tensor({at}));
        const Tensor g = grad(f(t), {t}, {.create_graph = recorded})[0];
        CHECK(std::abs(g.item() - std::exp(at)) <= 3e-7 * std::exp(at));
      }
  }
}

TEST_CASE("losses refuse in their own names: labels of 0 and 1, a width beyond f32, whole targets of any size") {
  const Tensor scores = ones({2, 4});
  check_all({
      {"hinge_loss: labels (2,): are 0 and 1", [] { hinge_loss(tensor({1, 2}), tensor({0, 1})); }},
      {"huber_loss: (2, 4) float32 and the number 1e+300", [=] { huber_loss(scores, scores, {.delta = 1e300}); }},
      {"nll_loss: target 9007199254740993 in row 1",
       [=] { nll_loss(scores, tensor_i64({0, (int64_t{1} << 53) + 1})); }},
  });
  CHECK(hinge_loss(tensor({1, 2}), tensor({-1, 1})).item() == 1.0);
}

TEST_CASE("sizes of layers are whole numbers: a fraction or a bool does not compile") {
  const auto takes = []<class Layer, class... Rest>() {
    CHECK(std::is_constructible_v<Layer, int, Rest...>);
    CHECK(std::is_constructible_v<Layer, size_t, Rest...>);
    CHECK_FALSE(std::is_constructible_v<Layer, double, Rest...>);
    CHECK_FALSE(std::is_constructible_v<Layer, bool, Rest...>);
  };
  takes.operator()<LayerNorm>();
  takes.operator()<RMSNorm>();
  takes.operator()<FeedForward>();
  takes.operator()<SwiGLU>();
  takes.operator()<LocalWindow>();
  takes.operator()<SinusoidalPositions>();
  takes.operator()<Linear, int>();
  takes.operator()<Embedding, int>();
  takes.operator()<MultiHeadAttention, int>();
  takes.operator()<GroupedQueryAttention, int>();
  takes.operator()<AdditiveScore, int, int>();
  takes.operator()<SelfAttention, int>();
  takes.operator()<GRU, int>();
  takes.operator()<LSTMCell, int>();
  takes.operator()<TransformerEncoderLayer, int>();
  takes.operator()<Transformer, int>();
  CHECK_FALSE(std::is_constructible_v<Linear, int, bool>);
  CHECK_FALSE(std::is_constructible_v<TransformerEncoder, TransformerEncoderLayer, double>);
}
