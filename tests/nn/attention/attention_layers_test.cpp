// Layers of a score, its projections and attend(): shapes, names, formulas.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_layers.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

double off(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

Tensor normal64(const Shape& shape) { return randn(shape, Dtype::f64); }

template <class M> M doubled(M m) {
  m.to(Dtype::f64);
  return m;
}

template <class M> std::string names_of(const M& m) {
  std::string all;
  for (const NamedTensor& entry : m.state_dict()) all += cat(entry.name, entry.tensor.shape(), " ");
  return all;
}

const auto run_qkv = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0], in[1], in[2]).output; };
const auto run_self = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0]).output; };

}  // namespace

TEST_CASE("DotProductAttention: the pair, unscaled, no parameters") {
  manual_seed(1);
  const DotProductAttention m;
  const Tensor q = normal64({2, 3, 4}), k = normal64({2, 5, 4}), v = normal64({2, 5, 6});
  const auto [output, weights] = m(q, k, v);
  CHECK(output.shape() == Shape{2, 3, 6});
  CHECK(weights.shape() == Shape{2, 3, 5});
  CHECK(off(sum(weights, -1), ones({2, 3}, Dtype::f64)) < 1e-15);
  CHECK(off(weights, softmax(matmul(q, k.transpose(1, 2)), -1)) < 1e-15);
  CHECK(m.parameters().empty());
  test::check_module(m, {q, k, v}, run_qkv);
}

TEST_CASE("AdditiveAttention: every query with every key, for equal and for different lengths") {
  manual_seed(2);
  const AdditiveAttention m = doubled(AdditiveAttention(3, 2, 5));
  CHECK(names_of(m) ==
        "query_layer.weight(5, 3) query_layer.bias(5,) key_layer.weight(5, 2) "
        "key_layer.bias(5,) energy_layer.weight(1, 5) energy_layer.bias(1,) ");
  const Linear &Q = m.score.query_layer, &K = m.score.key_layer, &E = m.score.energy_layer;
  for (const auto& [n, keys] : {std::pair<int64_t, int64_t>{4, 4}, {3, 5}, {1, 4}, {4, 1}}) {
    const Tensor q = normal64({2, n, 3}), k = normal64({2, keys, 2}), v = normal64({2, keys, 6});
    const auto [output, weights] = m(q, k, v);
    REQUIRE(output.shape() == Shape{2, n, 6});  // an output for each query
    REQUIRE(weights.shape() == Shape{2, n, keys});
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t i = 0; i < n; ++i) {
        std::vector<double> e;
        double total = 0.0;
        for (int64_t j = 0; j < keys; ++j) {
          e.push_back(std::exp(E(tanh(Q(q[b][i]) + K(k[b][j]))).item()));
          total += e.back();
        }
        for (int64_t j = 0; j < keys; ++j)
          CHECK(weights[b][i][j].item() == Approx(e[size_t(j)] / total).epsilon(1e-12));
      }
  }
  test::check_module(m, {normal64({2, 3, 3}), normal64({2, 4, 2}), normal64({2, 4, 2})}, run_qkv);
  AdditiveAttention dropping(3, 2, 5, {.bias = false}, 0.5);
  const Tensor q = randn({1, 3, 3}), k = randn({1, 9, 2});
  CHECK(dropping(q, k, k).output.to_vector() != dropping(q, k, k).output.to_vector());
  dropping.eval();
  CHECK(dropping(q, k, k).output.to_vector() == dropping(q, k, k).output.to_vector());
}

TEST_CASE("MultiplicativeAttention: with W = 1 and b = 0 it is DotProductAttention") {
  manual_seed(3);
  MultiplicativeAttention m = doubled(MultiplicativeAttention(4, 4));
  CHECK(names_of(m) == "query_layer.weight(4, 4) query_layer.bias(4,) ");
  const Tensor q = normal64({2, 3, 4}), k = normal64({2, 5, 4}), v = normal64({2, 5, 2});
  CHECK(off(m(q, k, v).output, DotProductAttention()(q, k, v).output) > 1e-3);
  {
    const NoGrad no_history;
    m.score.query_layer.weight.copy_(eye(4, Dtype::f64));
    m.score.query_layer.bias.zero_();
  }
  CHECK(off(m(q, k, v).output, DotProductAttention()(q, k, v).output) < 1e-15);
  test::check_module(MultiplicativeAttention(3, 4), {normal64({2, 3, 3}), k, v}, run_qkv);
}

TEST_CASE("KeyValueAttention: one query or several, values of either width") {
  manual_seed(4);
  const KeyValueAttention m = doubled(KeyValueAttention(3, 4, 6));
  CHECK(names_of(m) ==
        "query_layer.weight(4, 3) query_layer.bias(4,) key_layer.weight(4, 4) "
        "key_layer.bias(4,) value_layer.weight(6, 4) value_layer.bias(6,) ");
  const Tensor q = normal64({2, 3}), k = normal64({2, 5, 4}), v = normal64({2, 5, 4});
  const auto [output, weights] = m(q, k, v);
  CHECK(output.shape() == Shape{2, 6});
  CHECK(weights.shape() == Shape{2, 5});
  const Tensor scores = matmul(m.key_layer(k), m.query_layer(q).unsqueeze(-1)).squeeze(-1);
  CHECK(off(weights, softmax(scores, -1)) < 1e-15);
  CHECK(off(output, sum(weights.unsqueeze(-1) * m.value_layer(v), 1)) < 1e-14);
  const Tensor several = stack({q, 2.0 * q}, 1);  // (2, 2, 3)
  CHECK(off(m(several, k, v).output.select(1, 0), output) < 1e-15);
  CHECK(m(several, k, v).weights.shape() == Shape{2, 2, 5});
  const Tensor padded = m(q, k, v, {.key_mask = padding_mask({5, 2}, 5)}).weights;
  CHECK(padded[1].slice(0, 2, 5).to_vector() == std::vector<double>{0, 0, 0});
  const KeyValueAttention as_the_comment_says(3, 4, 6, {.value_input = 6});
  CHECK(as_the_comment_says(randn({2, 3}), randn({2, 5, 4}), randn({2, 5, 6})).output.shape() == Shape{2, 6});
  test::check_module(m, {q, k, v}, run_qkv);
  CHECK(message_of<ShapeError>([&] { m(q, q, v); }) ==
        "KeyValueAttention: query (2, 3), keys (2, 3), values (2, 5, 4): must be (B, width) or "
        "(B, n, width), (B, m, width) and (B, m, width) [in KeyValueAttention]");
}

TEST_CASE("SelfAttention: three projections of one sequence, the scale is a choice") {
  manual_seed(5);
  const SelfAttention m = doubled(SelfAttention(3, 4));
  CHECK(names_of(m) ==
        "query_layer.weight(4, 3) query_layer.bias(4,) key_layer.weight(4, 3) "
        "key_layer.bias(4,) value_layer.weight(4, 3) value_layer.bias(4,) ");
  const Tensor x = normal64({2, 5, 3});
  const Tensor q = m.query_layer(x), k = m.key_layer(x), v = m.value_layer(x);
  CHECK(m(x).output.shape() == Shape{2, 5, 4});
  CHECK(off(m(x).output, attention(q, k, v, {.scale = 1.0}).output) < 1e-15);
  SelfAttention scaled = m;
  scaled.scale = 1.0 / std::sqrt(4.0);
  CHECK(off(scaled(x).output, attention(q, k, v).output) < 1e-15);
  CHECK(off(m(x, {.scale = 0.3}).output, attention(q, k, v, {.scale = 0.3}).output) < 1e-15);
  CHECK(SelfAttention(3, 4, {.scale = 0.25}).scale == 0.25);
  CHECK(m(x, {.causal = true}).weights[0][0].to_vector() == std::vector<double>{1, 0, 0, 0, 0});
  SelfAttention dropping(3, 4, {.dropout = 0.5});
  const Tensor y = randn({1, 9, 3});
  CHECK(dropping(y).output.to_vector() != dropping(y).output.to_vector());
  dropping.eval();
  CHECK(dropping(y).output.to_vector() == dropping(y).output.to_vector());
  test::check_module(m, {x}, run_self);
}

TEST_CASE("PerHeadAttention: full-size heads, their parameters counted") {
  manual_seed(6);
  const int64_t I = 3, H = 4, h = 2;
  const PerHeadAttention m = doubled(PerHeadAttention(I, H, h));
  CHECK(m.num_parameters() == 3 * h * (I * H + H) + (h * H * H + H));
  CHECK(m.state_dict().find("query_layers.1.weight")->shape() == Shape{4, 3});
  CHECK(m.state_dict().find("key_layers.0.bias")->shape() == Shape{4});
  CHECK(m.state_dict().find("value_layers.1.weight") != nullptr);
  CHECK(m.state_dict().find("linear.weight")->shape() == Shape{4, 8});
  const Tensor x = normal64({2, 5, I});
  CHECK(m(x).output.shape() == Shape{2, 5, H});
  CHECK(m(x).weights.shape() == Shape{2, h, 5, 5});
  test::check_module(m, {x}, run_self);
  AttentionTrace trace;
  m(x);
  CHECK(trace.entries().size() == 1);
  CHECK(message_of([] { PerHeadAttention(3, 4, 0); }) == "PerHeadAttention: 0 heads: must be at least one");
  CHECK(message_of<ShapeError>([&] { m(x[0]); }) ==
        "PerHeadAttention: input (5, 3): must be (B, n, width), batch first: give one sequence a "
        "batch "
        "axis with unsqueeze(0) [in PerHeadAttention]");
}

TEST_CASE("theorem: one head of PerHeadAttention is SelfAttention and a linear layer") {
  manual_seed(7);
  const PerHeadAttention m = doubled(PerHeadAttention(3, 4, 1));
  SelfAttention self = doubled(SelfAttention(3, 4));
  self.query_layer = m.query_layers[0];
  self.key_layer = m.key_layers[0];
  self.value_layer = m.value_layers[0];
  const Tensor x = normal64({2, 5, 3});
  CHECK(off(m(x).output, m.linear(self(x).output)) < 1e-15);
}

TEST_CASE("theorem: where they overlap, full-size heads are split heads") {
  manual_seed(8);
  const int64_t E = 6, h = 3, H = E / h;
  MultiHeadAttention split = doubled(MultiHeadAttention(E, h));
  PerHeadAttention full = doubled(PerHeadAttention(E, H, h, {.scale = 1.0 / std::sqrt(double(H))}));
  const auto rows = [&](const Tensor& all, int64_t which, int64_t head) {
    return all.detach().slice(0, which * E + head * H, which * E + (head + 1) * H);
  };
  for (int64_t i = 0; i < h; ++i) {
    int64_t which = 0;  // queries, keys, values: each head's rows of in_proj_weight
    for (std::vector<Linear>* layers : {&full.query_layers, &full.key_layers, &full.value_layers}) {
      (*layers)[size_t(i)].weight = rows(split.in_proj_weight, which, i);
      (*layers)[size_t(i)].bias = rows(split.in_proj_bias, which, i);
      ++which;
    }
  }
  full.linear.weight = split.out_proj.weight.detach().slice(0, 0, H);
  full.linear.bias = split.out_proj.bias.detach().slice(0, 0, H);
  const Tensor x = normal64({2, 5, E});
  const Attended a = split(x, {.causal = true, .need_weights = true}), b = full(x, {.causal = true});
  CHECK(off(a.weights, b.weights) < 1e-15);
  CHECK(off(a.output.slice(-1, 0, H), b.output) < 1e-14);
}
