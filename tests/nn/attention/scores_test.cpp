// Every score, and what holds for all of them. A new score is a new row in for_each_score.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/learned_scores.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/scores.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

struct ScoreShape {
  int64_t query = 3, key = 3;  // widths
  bool pairwise = true;        // each score depends on its own query and key only
};

/// visit(name, score, shape) for every score there is.
template <class Visit> void for_each_score(Visit visit) {
  visit("dot", DotScore(), ScoreShape{});
  visit("scaled dot", ScaledDotScore(), ScoreShape{});
  visit("cosine", CosineScore(), ScoreShape{});
  visit("cosine, learnt T", CosineScore({.temperature = 0.3, .learn_temperature = true}), ScoreShape{});
  visit("additive", AdditiveScore(3, 2, 5), ScoreShape{3, 2});
  visit("additive, no bias", AdditiveScore(3, 2, 5, {.bias = false}), ScoreShape{3, 2});
  visit("multiplicative", MultiplicativeScore(3, 2), ScoreShape{3, 2});
  visit("multiplicative, no bias", MultiplicativeScore(3, 2, {.bias = false}), ScoreShape{3, 2});
  visit("element-wise", ElementwiseScore(3), ScoreShape{});
  visit("location", LocationScore(3, 64), ScoreShape{3, 2, false});
  visit("MLP of scaled dot", MlpScore<ScaledDotScore>(4), ScoreShape{});
  visit("MLP of additive", MlpScore(4, AdditiveScore(3, 2, 5)), ScoreShape{3, 2});
  visit("Gaussian", Gaussian({.width = 0.7}), ScoreShape{});
  visit("Gaussian, learnt width", Gaussian({.width = 0.7, .learn_width = true}), ScoreShape{});
  visit("boxcar", Boxcar({.width = 2.5}), ScoreShape{});
  visit("Epanechikov, learnt width", Epanechikov({.width = 3.0, .learn_width = true}), ScoreShape{});
  visit("triangular, learnt width", Triangular({.width = 3.0, .learn_width = true}), ScoreShape{});
  visit("constant", Constant(), ScoreShape{});
}

template <class M> M as_f64(M m) {
  m.to(Dtype::f64);
  return m;
}

double distance_of(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

Tensor random64(const Shape& shape) { return randn(shape, Dtype::f64); }

}  // namespace

TEST_CASE("every score: one value for each pair, which the pair alone determines") {
  for_each_score([](const char* name, const auto& given, const ScoreShape& shape) {
    INFO(name);
    manual_seed(1);
    const auto score = as_f64(given);
    for (const auto& [n, m] : {std::pair<int64_t, int64_t>{4, 4}, {4, 6}, {1, 5}, {3, 1}}) {
      const Tensor q = random64({2, n, shape.query}), k = random64({2, m, shape.key});
      const Tensor s = score(q, k);
      REQUIRE(s.shape() == Shape{2, n, m});
      CHECK(distance_of(score(q[0], k[0]), s[0]) < 1e-14);                                // without a batch, or …
      CHECK(distance_of(score(q.unsqueeze(1), k.unsqueeze(1)), s.unsqueeze(1)) < 1e-14);  // … heads
      for (int64_t i = 0; i < n && shape.pairwise; ++i)
        for (int64_t j = 0; j < m; ++j) {
          const Tensor one = score(q.slice(1, i, i + 1), k.slice(1, j, j + 1));
          CHECK(distance_of(one.flatten(), s.select(1, i).select(1, j)) < 1e-14);
        }
    }
  });
}

TEST_CASE("every score: the weights are >= 0 and sum to 1 or 0, outputs lie among the values") {
  for_each_score([](const char* name, const auto& given, const ScoreShape& shape) {
    INFO(name);
    manual_seed(2);
    const Attention attention(as_f64(given));
    for (int64_t length = 1; length <= 64; length = 2 * length + 1) {  // one module for all lengths
      const Tensor q = random64({2, 5, shape.query}), k = random64({2, length, shape.key});
      const Tensor v = random64({2, length, 3});
      const auto [output, weights] = attention(q, k, v);
      REQUIRE(output.shape() == Shape{2, 5, 3});
      CHECK(amin(weights).item() >= 0.0);
      for (const double total : sum(weights, -1).to_vector()) CHECK((total == 0.0 || std::abs(total - 1.0) < 1e-14));
      const Tensor reached = ne(sum(weights, -1, keepdim), 0.0);
      CHECK(all(!reached | (output <= amax(v, 1, keepdim) + 1e-14)));
      CHECK(all(!reached | (output >= amin(v, 1, keepdim) - 1e-14)));
      CHECK(distance_of(where(reached, 0.0, output), zeros_like(output)) == 0.0);
    }
  });
}

TEST_CASE("every score: permuting keys with their values changes nothing, queries keep their position") {
  for_each_score([](const char* name, const auto& given, const ScoreShape& shape) {
    INFO(name);
    manual_seed(3);
    const Attention attention(as_f64(given));
    const Tensor q = random64({2, 4, shape.query}), k = random64({2, 5, shape.key});
    const Tensor v = random64({2, 5, 3}), y = attention(q, k, v).output;
    const Tensor queries = tensor_i64({2, 3, 1, 0}), keys = tensor_i64({3, 0, 4, 2, 1});
    CHECK(distance_of(attention(index_select(q, 1, queries), k, v).output, index_select(y, 1, queries)) < 1e-14);
    const Tensor permuted = attention(q, index_select(k, 1, keys), index_select(v, 1, keys)).output;
    if (shape.pairwise) CHECK(distance_of(permuted, y) < 1e-13);
    else CHECK(distance_of(permuted, y) > 1e-3);  // positions keep their weights
  });
}

TEST_CASE("every score: what a mask hides does not matter, and no key left gives zeros") {
  for_each_score([](const char* name, const auto& given, const ScoreShape& shape) {
    INFO(name);
    manual_seed(4);
    const Attention attention(as_f64(given));
    const Tensor q = random64({2, 3, shape.query});
    const Tensor k = parameter(random64({2, 5, shape.key})), v = parameter(random64({2, 5, 2}));
    const Tensor mask = padding_mask({3, 0}, 5);
    const Attended a = attention(q, k, v, {.key_mask = mask});
    CHECK(a.output[1].to_vector() == std::vector<double>(6, 0.0));
    CHECK(a.weights[1].to_vector() == std::vector<double>(15, 0.0));
    const Tensor hidden = mask.to(Dtype::f64).unsqueeze(-1);
    const auto changed = [&](const Tensor& x) { return x.detach() + (1.0 - hidden) * 7.0; };
    CHECK(attention(q, changed(k), changed(v), {.key_mask = mask}).output.to_vector() == a.output.to_vector());
    sum(square(a.output)).backward();
    for (const Tensor& x : {k, v}) {
      if (!x.grad().defined()) continue;  // boxcar, constant, location: the keys do not matter
      for (const double g : x.grad().to_vector()) CHECK(std::isfinite(g));
      CHECK(x.grad()[1].to_vector() == std::vector<double>(size_t(x[1].numel()), 0.0));
    }
  });
}

TEST_CASE("every score: holds what layers must, derivatives twice") {
  for_each_score([](const char* name, const auto& score, const ScoreShape& shape) {
    INFO(name);
    manual_seed(5);
    // The second batch example differs in its norm only by chance: kinks are far from all of them.
    const std::vector<Tensor> in = {random64({2, 3, shape.query}), random64({2, 4, shape.key}), random64({2, 4, 2})};
    const auto run = [](const auto& m, const std::vector<Tensor>& x) { return m(x[0], x[1], x[2]).output; };
    test::check_module(Attention(score), in, run);
  });
}

TEST_CASE("every score: f32 as f64, and any score makes heads") {
  for_each_score([](const char* name, const auto& score, const ScoreShape& shape) {
    INFO(name);
    manual_seed(6);
    const Tensor q = randn({2, 3, shape.query}), k = randn({2, 4, shape.key});
    CHECK(distance_of(score(q, k).to(Dtype::f64), as_f64(clone(score))(q.to(Dtype::f64), k.to(Dtype::f64))) < 1e-5);
    if (shape.query != shape.key) return;  // heads have one width
    const MultiHead heads(6, 2, score);
    const Attended a = heads(randn({2, 5, 6}), {.causal = true});
    CHECK(a.output.shape() == Shape{2, 5, 6});
    CHECK(a.weights.shape() == Shape{2, 2, 5, 5});
  });
}

TEST_CASE("cosine: the angle only, zero vectors have none") {
  const CosineScore cosine;
  const Tensor q = tensor({1, 2}, {1, 2}, Dtype::f64);
  const Tensor k = tensor({2, 4, -2, 1, -1, -2, 0, 0}, {4, 2}, Dtype::f64);
  CHECK(distance_of(cosine(q, k), tensor({1, 0, -1, 0}, {1, 4}, Dtype::f64)) < 1e-15);
  // A dot product ranks by length, too: the two disagree on these keys.
  const Tensor far = tensor({1, 0, 3, 3}, {2, 2}, Dtype::f64), east = tensor({1, 0}, {1, 2}, Dtype::f64);
  CHECK(argmax(cosine(east, far), -1).item() == 0);
  CHECK(argmax(DotScore()(east, far), -1).item() == 1);

  for (const bool zero_query : {true, false}) {
    const Tensor a = parameter(zero_query ? zeros({1, 2}, Dtype::f64) : q), b = parameter(k);
    const Tensor s = cosine(a, b);
    sum(s * tensor({1, 2, 3, 4}, Dtype::f64)).backward();
    for (const double x : s.to_vector()) CHECK(std::isfinite(x));
    for (const double g : a.grad().to_vector()) CHECK(std::isfinite(g));
    for (const double g : b.grad().to_vector()) CHECK(std::isfinite(g));
    CHECK(b.grad()[3].to_vector() == std::vector<double>{0, 0});
    if (zero_query) CHECK(a.grad().to_vector() == std::vector<double>{0, 0});
  }
  CHECK(distance_of(CosineScore({.temperature = 0.5})(q, k), 2.0 * cosine(q, k)) < 1e-15);
  const CosineScore learnt({.temperature = 0.5, .learn_temperature = true});
  CHECK(learnt.named_parameters()[0].name == "log_temperature");
  CHECK(message_of([] { CosineScore({.temperature = 0}); }) == "CosineScore: temperature = 0: must be positive");
}

TEST_CASE("theorem: with W = 1 and b = 0 the multiplicative score is the dot product") {
  manual_seed(7);
  MultiplicativeScore score = as_f64(MultiplicativeScore(4, 4));
  const NoGrad no_history;
  score.query_layer.weight.copy_(eye(4, Dtype::f64));
  score.query_layer.bias.zero_();
  const Tensor q = random64({2, 3, 4}), k = random64({2, 5, 4});
  CHECK(distance_of(score(q, k), DotScore()(q, k)) < 1e-15);
}

TEST_CASE("theorem: the energy's bias cancels in softmax, its gradient is 0") {
  manual_seed(8);
  const Attention attention(as_f64(AdditiveScore(3, 2, 5)));
  const Tensor y = attention(random64({2, 3, 3}), random64({2, 4, 2}), random64({2, 4, 2})).output;
  sum(square(y)).backward();
  CHECK(std::abs(attention.score.energy_layer.bias.grad().item()) < 1e-15);
}

TEST_CASE("queries and keys of different widths: d2l's shapes") {
  manual_seed(9);
  const Attention attention(AdditiveScore(20, 2, 8, {.bias = false}));
  const auto [output, weights] =
      attention(randn({2, 1, 20}), ones({2, 10, 2}), randn({2, 10, 4}), {.key_mask = padding_mask({2, 6}, 10)});
  CHECK(output.shape() == Shape{2, 1, 4});
  CHECK(weights[0][0].slice(0, 2, 10).to_vector() == std::vector<double>(8, 0.0));
  CHECK(weights[0][0][0].item() == Approx(0.5));  // equal keys, equal weights
  CHECK(weights[1][0][5].item() == Approx(1.0 / 6));
}

TEST_CASE("context: a third thing changes the weights, and equals queries beside it") {
  manual_seed(10);
  const ContextScore score = as_f64(ContextScore(3, 2, 4, 5));
  const Attention attention(score);
  const Tensor q = random64({2, 3, 3}), k = random64({2, 6, 2}), v = random64({2, 6, 2});
  const Tensor c = random64({2, 3, 4}), topic = random64({2, 1, 4});
  const Attended one = attention(q, k, v, {}, c);
  CHECK(one.output.shape() == Shape{2, 3, 2});
  CHECK(one.weights.shape() == Shape{2, 3, 6});
  CHECK(distance_of(attention(q, k, v, {}, topic).weights, one.weights) > 1e-3);

  AdditiveScore joined = as_f64(AdditiveScore(7, 2, 5, {.bias = false}));
  joined.query_layer.weight = cat({score.query_layer.weight, score.context_layer.weight}, 1);
  joined.key_layer = score.key_layer;
  joined.energy_layer = score.energy_layer;
  CHECK(distance_of(joined(cat({q, c}, -1), k), score(q, k, c)) < 1e-14);

  test::check_module(attention, {q, k, v, topic}, [](const Attention<ContextScore>& m, const std::vector<Tensor>& in) {
    return m(in[0], in[1], in[2], {}, in[3]).output;
  });
}

TEST_CASE("location: the keys do not matter, only how many there are") {
  manual_seed(11);
  const LocationScore score = as_f64(LocationScore(3, 6));
  const Tensor q = random64({2, 2, 3});
  CHECK(score(q, random64({2, 4, 5})).to_vector() == score(q, random64({2, 4, 5})).to_vector());
  CHECK(distance_of(score(q, random64({2, 4, 5})), score.attn(q).slice(-1, 0, 4)) == 0.0);
  CHECK(message_of<ShapeError>([&] { score(q, random64({2, 7, 3})); }) ==
        "LocationScore: keys (2, 7, 3): are 7, but there are scores for 6 positions: make max_length the length of the "
        "longest sequence [in LocationScore]");
}

TEST_CASE("kernels: a width for each head, fixed or learnt") {
  manual_seed(12);
  const std::vector<double> widths{0.5, 1.0, 3.0};
  const Tensor q = random64({2, 3, 4, 2}), k = random64({2, 3, 5, 2});
  const auto each = [&]<class Kernel>(const Kernel& kernel) {
    const Tensor s = kernel(q, k);
    for (int64_t h = 0; h < 3; ++h)
      CHECK(distance_of(s.select(1, h), Kernel({.width = widths[size_t(h)]})(q.select(1, h), k.select(1, h))) <
            1e-6);  // learnt: the logarithm has been an f32
  };
  each(Gaussian({.widths = widths}));
  each(Epanechikov({.widths = widths}));
  each(Triangular({.widths = widths}));
  each(Boxcar({.widths = widths}));
  each(as_f64(Gaussian({.learn_width = true, .widths = widths})));
  each(as_f64(Triangular({.learn_width = true, .widths = widths})));
  const Gaussian learnt({.learn_width = true, .widths = widths});
  CHECK(learnt.log_width.shape() == Shape{3});
  CHECK(learnt.widths()[2] == Approx(3.0).epsilon(1e-6));
  const auto run = [](const Gaussian& g, const std::vector<Tensor>& in) { return g(in[0], in[1]); };
  test::check_module(learnt, {q, k}, run);
  CHECK(message_of<ShapeError>([&] { learnt(zeros({2, 4, 2}), zeros({2, 5, 2})); }) ==
        "DistanceKernel: 3 widths, distances (2, 4, 5): must be (…, heads, queries, keys): one width per head [in "
        "Gaussian]");
  CHECK(message_of([] { Gaussian({.widths = {1.0, -1.0}}); }) == "DistanceKernel: width = -1: must be positive");
}

TEST_CASE("theorem: MultiHead with the scaled dot product is MultiHeadAttention") {
  manual_seed(13);
  MultiHead<ScaledDotScore> ours = as_f64(MultiHead<ScaledDotScore>(8, 2));
  MultiHeadAttention packed = as_f64(MultiHeadAttention(8, 2));
  StateDict state = packed.state_dict();
  for (NamedTensor& entry : state) {
    if (entry.name == "in_proj_weight")
      entry.tensor = cat({ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight}).detach();
    if (entry.name == "in_proj_bias")
      entry.tensor = cat({ours.q_proj.bias, ours.k_proj.bias, ours.v_proj.bias}).detach();
    if (entry.name == "out_proj.weight") entry.tensor = ours.out_proj.weight.detach();
    if (entry.name == "out_proj.bias") entry.tensor = ours.out_proj.bias.detach();
  }
  packed.load_state_dict(state);
  const Tensor q = random64({2, 3, 8}), k = random64({2, 5, 8}), v = random64({2, 5, 8});
  const Tensor mask = padding_mask({5, 2}, 5);
  const Attended a = ours(q, k, v, {.key_mask = mask, .causal = true});
  const Attended b = packed(q, k, v, {.key_mask = mask, .causal = true, .need_weights = true});
  CHECK(distance_of(a.output, b.output) < 1e-14);
  CHECK(distance_of(a.weights, b.weights) < 1e-14);
}

TEST_CASE("MultiHead: widths, layers' duties, errors") {
  manual_seed(14);
  const auto run = [](const auto& m, const std::vector<Tensor>& in) { return m(in[0], in[1], in[2]).output; };
  const std::vector<Tensor> in = {random64({2, 3, 4}), random64({2, 5, 3}), random64({2, 5, 2})};
  test::check_module(MultiHead(4, 2, AdditiveScore(2, 2, 3), {.kdim = 3, .vdim = 2}), in, run);
  test::check_module(
      MultiHead(4, 2, Gaussian({.learn_width = true, .widths = {0.5, 2.0}}), {.bias = false, .kdim = 3, .vdim = 2}), in,
      run);
  MultiHead<DotScore> dropping(4, 2, DotScore(), {.dropout = 0.5});
  const Tensor x = randn({1, 6, 4});
  CHECK(dropping(x).output.to_vector() != dropping(x).output.to_vector());
  dropping.eval();
  CHECK(dropping(x).output.to_vector() == dropping(x).output.to_vector());
  CHECK(message_of<ShapeError>([] { MultiHead<DotScore>(10, 3); }) ==
        "MultiHead: width 10, 3 heads: every head gets an equal part: make the width a multiple of "
        "the "
        "heads");
  CHECK(message_of<ShapeError>([&] { dropping(zeros({3, 4})); }).find("MultiHead: query (3, 4)") == 0);
}
