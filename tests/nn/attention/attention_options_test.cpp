// One struct of options for every attention: each layer honours each of them, or refuses it.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_layers.h>
#include <heed/nn/attention/grouped_query_attention.h>
#include <heed/nn/attention/kernel_regression.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/models/transformer.h>

#include "support/apart.h"
#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;

namespace {

using Call = std::function<Attended(const AttentionOptions&)>;
struct Layer {
  std::string name;
  Call call;
};

using test::apart;

struct RowScore : Module {  // as a beginner writes it: one value per row, not per pair
  static constexpr Normaliser normaliser = Normaliser::softmax;
  Tensor operator()(const Tensor& q, const Tensor& k) const { return sum(q * k, -1); }
  void visit(Visitor&) override {}
};

// Layers in evaluation, of 2 heads where they have heads, on one input.
std::vector<Layer> layers() {
  manual_seed(5);
  const Tensor x = randn({2, 4, 8}, Dtype::f64), y = randn({2, 5, 8}, Dtype::f64);
  const auto ready = [](auto m) {
    m.to(Dtype::f64);
    m.eval();
    return m;
  };
  const auto mha = ready(MultiHeadAttention(8, 2, {.dropout = 0.2}));
  const auto with_extra = ready(MultiHeadAttention(8, 2, {.add_bias_kv = true, .add_zero_attn = true}));
  const auto grouped = ready(GroupedQueryAttention(8, 2, {.num_kv_heads = 1, .dropout = 0.2}));
  const auto any = ready(MultiHead<ScaledDotScore>(8, 2));
  const auto each = ready(PerHeadAttention(8, 8, 2));
  return {{"attend to itself", [=](const AttentionOptions& o) { return mha(x, o); }},
          {"attend to others", [=](const AttentionOptions& o) { return mha(x, y, y, o); }},
          {"extra keys", [=](const AttentionOptions& o) { return with_extra(x, y, y, o); }},
          {"grouped", [=](const AttentionOptions& o) { return grouped(x, o); }},
          {"any score", [=](const AttentionOptions& o) { return any(x, y, y, o); }},
          {"head by head", [=](const AttentionOptions& o) { return each(x, o); }}};
}

}  // namespace

TEST_CASE("attention options: dropout of a call acts in evaluation, too, and drops everything at 1") {
  for (const Layer& layer : layers()) {
    INFO(layer.name);
    const Tensor usual = layer.call({}).output, nothing = layer.call({.dropout = 1.0}).output;
    CHECK(apart(usual, nothing) > 1e-3);
    CHECK(apart(nothing, nothing.slice(1, 0, 1).expand(nothing.shape())) < 1e-14);  // each query gets out_proj(0)
    CHECK(apart(layer.call({.dropout = 0.5}).output, usual) > 1e-3);
  }
}

TEST_CASE("attention options: the scale of a call replaces 1/√d") {
  for (const Layer& layer : layers()) {
    INFO(layer.name);
    if (layer.name == "any score") continue;  // the score is the caller's
    const Tensor flat = layer.call({.scale = 0.0, .need_weights = true}).weights;
    CHECK(apart(flat, full(flat.shape(), 1.0 / static_cast<double>(flat.size(-1)), Dtype::f64)) < 1e-15);
    CHECK(apart(layer.call({.scale = 3.0}).output, layer.call({}).output) > 1e-4);
    CHECK(apart(layer.call({.scale = 3.0}).output, layer.call({.scale = 3.0, .need_weights = true}).output) < 1e-13);
  }
}

TEST_CASE("attention options: another normaliser is taken by the plain path") {
  for (const Layer& layer : layers()) {
    INFO(layer.name);
    if (layer.name == "any score") continue;  // the normaliser is the score's
    const AttentionOptions hard{.normaliser = Normaliser::hard, .need_weights = true};
    const Tensor weights = layer.call(hard).weights;
    CHECK(apart(sum(weights, -1), ones_like(sum(weights, -1))) < 1e-15);
    CHECK(apart(weights, square(weights)) < 1e-15);  // each is 0 or 1
    CHECK(apart(layer.call({.normaliser = Normaliser::hard}).output, layer.call(hard).output) < 1e-14);
  }
}

TEST_CASE("attention options: average_weights is the mean over the heads") {
  for (const Layer& layer : layers()) {
    INFO(layer.name);
    const Tensor per_head = layer.call({.need_weights = true}).weights;
    REQUIRE(per_head.dim() == 4);
    const Tensor average = layer.call({.need_weights = true, .average_weights = true}).weights;
    CHECK(apart(average, mean(per_head, 1)) < 1e-15);
  }
}

TEST_CASE("attention options: weights that a layer does not return are refused") {
  const TransformerOptions o{.dim_feedforward = 8, .dropout = 0.0};
  const TransformerEncoder encoder(TransformerEncoderLayer(8, 2, o), 1);
  const TransformerDecoder decoder(TransformerDecoderLayer(8, 2, o), 1);
  const Transformer both(8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 8});
  const Tensor x = randn({1, 3, 8});
  const std::vector<std::function<void(const AttentionOptions&)>> calls{
      [&](auto& with) { encoder(x, with); },
      [&](auto& with) { decoder(x, x, with); },
      [&](auto& with) { decoder(x, x, {}, with); },
      [&](auto& with) { both(x, x, {.source = with}); },
      [&](auto& with) { both(x, x, {.target = with}); },
      [&](auto& with) { both(x, x, {.memory = with}); }};
  for (const auto& call : calls) {
    CHECK_NOTHROW(call({.causal = true}));
    for (const AttentionOptions& with :
         {AttentionOptions{.need_weights = true}, AttentionOptions{.average_weights = true}})
      CHECK(test::message_of([&] {
              call(with);
            }).find("_weights: this layer returns no weights: look at them with an AttentionTrace") !=
            std::string::npos);
  }
}

TEST_CASE("attention options: what a call cannot honour is refused") {
  const Tensor x = randn({2, 3, 8}), heads = randn({2, 2, 3, 4});
  const auto says = [](auto call, const char* words) {
    const std::string message = test::message_of([&] { call(); });
    INFO(message);
    CHECK(message.find(words) != std::string::npos);
  };
  const MultiHeadAttention mha(8, 2);
  const GroupedQueryAttention grouped(8, 2);
  const AttentionOptions average{.average_weights = true}, need{.need_weights = true}, scaled{.scale = 2.0};
  says([&] { mha(x, average); }, "MultiHeadAttention: average_weights without need_weights");
  says([&] { mha(x, x + 1.0, x + 1.0, average); }, "average_weights without need_weights");
  says([&] { grouped(x, average); }, "average_weights without need_weights");
  says([&] { scaled_dot_product_attention(heads, heads, heads, need); }, "need_weights: weights are never formed here");
  says([&] { packed_attention(randn({2, 3, 24}), 2, need); }, "need_weights: weights are never formed here");
  says([&] { attend(zeros({3, 3}), zeros({3, 1}), scaled); }, "attend: scale = 2: the scores are given");
  says([&] { Attention<ScaledDotScore>()(x, x, x, scaled); }, "attend: scale = 2: the scores are given");
  says([&] { TransformerEncoder(TransformerEncoderLayer(8, 2), 1)(x, average); },
       "average_weights: this layer returns no");
}

TEST_CASE("attention options: kernel_sum refuses scores below 0, under which the farthest key would win") {
  const Tensor scores = tensor({0.0, -1.0, -5.0}, {1, 3}), values = ones({3, 1});
  CHECK(test::message_of([&] {
          attend(scores, values, {.normaliser = Normaliser::kernel_sum});
        }).find("attend: scores (1, 3), kernel_sum: some are below 0") == 0);
  const Tensor hidden =
      attend(scores, values, {.mask = tensor({1.0, 0.0, 0.0}) > 0.0, .normaliser = Normaliser::kernel_sum}).weights;
  CHECK(hidden.to_vector() == std::vector<double>(3, 0.0));  // what a mask forbids does not count
}

TEST_CASE("attention options: kernel_sum takes -∞ as a weight of 0, and refuses a sum without shares") {
  const double infinity = std::numeric_limits<double>::infinity();
  const AttentionOptions options{.normaliser = Normaliser::kernel_sum};
  const Tensor scores = parameter(tensor({1.0, -infinity, 3.0}, {1, 3})), values = tensor({1, 10, 5}, {3, 1});
  const Attended some = attend(scores, values, options);
  CHECK(some.weights.to_vector() == std::vector<double>{0.25, 0.0, 0.75});
  some.output.backward();
  CHECK(scores.grad().to_vector() == std::vector<double>{-0.75, 0.0, 0.25});
  CHECK(attend(full({1, 3}, -infinity), values, options).output.item() == 0.0);
  for (const double huge : {infinity, 3e38}) {
    const std::string message = test::message_of([&] { attend(tensor({huge, huge, 1}, {1, 3}), values, options); });
    CHECK(message.find("attend: scores (1, 3), kernel_sum: the sum of a row is infinite") == 0);
  }
  const Tensor unknown = attend(tensor({std::nan(""), 1, 1}, {1, 3}), values, options).output;
  CHECK(std::isnan(unknown.item()));
}

TEST_CASE("attention options: a score that does not pair each query with each key is refused") {
  const Tensor q = randn({2, 5, 4});
  for (const auto& call : std::vector<std::function<void()>>{[&] { Attention<RowScore>()(q, q, q); },
                                                             [&] { NadarayaWatson<RowScore>{RowScore{}}(q, q, q); },
                                                             [&] { MultiHead<RowScore>(4, 2)(q, q, q); }})
    CHECK(test::message_of<ShapeError>(call).find("each query with each key: make pairs with q.unsqueeze(-2)") !=
          std::string::npos);
}

TEST_CASE("a cached call that fails leaves the cache as it was") {
  manual_seed(7);
  GroupedQueryAttention layer(8, 2);
  const Tensor x = randn({2, 5, 8});
  const NoGrad off;
  KeyValueCache cache(8), clean(8);
  for (KeyValueCache* const one : {&cache, &clean}) layer(x.slice(1, 0, 3), {.causal = true}, one);
  const Tensor news = x.slice(1, 3, 5);
  CHECK_THROWS_AS(layer(news, {.key_mask = padding_mask({2, 2}, 2), .causal = true}, &cache), ShapeError);
  CHECK(cache.length() == 3);
  const AttentionOptions all{.key_mask = padding_mask({5, 5}, 5), .causal = true};
  CHECK(apart(layer(news, all, &cache).output, layer(news, all, &clean).output) == 0.0);
}

TEST_CASE("attention options: the three attentions of a Transformer take their own") {
  manual_seed(6);
  Transformer m(8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 8, .dropout = 0.0});
  m.to(Dtype::f64);
  const Tensor source = randn({2, 3, 8}, Dtype::f64), target = randn({2, 4, 8}, Dtype::f64);
  const Tensor pad = padding_mask({3, 2}, 3);
  const TransformerCall call{.source = {.key_mask = pad}, .target = {.causal = true}, .memory = {.key_mask = pad}};
  const Tensor by_hand =
      m.decoder(target, m.encoder(source, {.key_mask = pad}), {.mask = causal_mask(4)}, {.mask = pad.unsqueeze(1)});
  CHECK(apart(m(source, target, call), by_hand) < 1e-14);
}
