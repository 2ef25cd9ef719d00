// What must hold of attention whatever the values: the lessons of the introductory texts.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_layers.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/feed_forward.h>
#include <heed/nn/layers/losses.h>
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;

namespace {

double far_apart(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

Tensor gaussian64(const Shape& shape) { return randn(shape, Dtype::f64); }

Tensor unit_length(const Tensor& x) { return x / norm(x, -1, keepdim); }

}  // namespace

TEST_CASE("theorem: the database. Exact match, soft match and the plain mean are one function") {
  // Query "Li" of a database of people, by one-hot keys.
  const Tensor keys = eye(4, Dtype::f64), values = tensor({1, 5, 7, 11}, {4, 1}, Dtype::f64);
  const Tensor query = keys.slice(0, 2, 3);
  const auto answer = [&](double temperature, Normaliser n = Normaliser::softmax) {
    return attend(DotScore()(query, keys) / temperature, values, {.normaliser = n}).output.item();
  };
  CHECK(answer(1, Normaliser::hard) == 7.0);
  CHECK(answer(1e-3) == Approx(7.0).epsilon(1e-12));
  CHECK(answer(1e9) == Approx(6.0).epsilon(1e-8));  // all keys equally: average pooling
  CHECK(answer(1) > 6.0);
  CHECK(answer(1) < 7.0);
  CHECK(answer(1, Normaliser::kernel_sum) == 7.0);  // the dot product itself is one-hot here
}

TEST_CASE("theorem: softmax weights are probabilities, shifts of all scores cancel") {
  manual_seed(1);
  const Tensor s = gaussian64({4, 6}), shifted = s + gaussian64({4, 1}) * 100.0;
  const Tensor w = attention_weights(s);
  CHECK(amin(w).item() > 0.0);
  CHECK(far_apart(sum(w, -1), ones({4}, Dtype::f64)) < 1e-15);
  CHECK(far_apart(attention_weights(shifted), w) < 1e-12);
  CHECK(far_apart(w, exp(s) / sum(exp(s), -1, keepdim)) < 1e-15);
}

TEST_CASE("theorem: distance to each token does not matter: no positions, no order") {
  manual_seed(2);
  const Tensor order = tensor_i64({4, 2, 0, 5, 1, 3});
  const auto equivariant = [&](const auto& layer) {
    const Tensor x = gaussian64({2, 6, 4});
    CHECK(far_apart(layer(index_select(x, 1, order)), index_select(layer(x), 1, order)) < 1e-14);
  };
  MultiHeadAttention heads(4, 2);
  SelfAttention self(4, 3);
  PerHeadAttention full(4, 3, 2);
  MultiHead additive(4, 2, AdditiveScore(2, 2, 5));
  for (Module* m : std::vector<Module*>{&heads, &self, &full, &additive}) m->to(Dtype::f64);
  equivariant([&](const Tensor& x) { return heads(x).output; });
  equivariant([&](const Tensor& x) { return self(x).output; });
  equivariant([&](const Tensor& x) { return full(x).output; });
  equivariant([&](const Tensor& x) { return additive(x).output; });
}

TEST_CASE("theorem: what stands at the far end arrives as well as the neighbour") {
  // A token looks for its duplicate; the path has length 1 from any position.
  const int64_t n = 64;
  manual_seed(3);
  const Tensor marks = unit_length(gaussian64({n, 16}));
  for (const int64_t at : {int64_t{1}, n / 2, n - 1}) {
    const Tensor weights = attend(DotScore()(marks.slice(0, at, at + 1), marks) * 50.0, marks).weights;
    CHECK(argmax(weights, -1).item() == static_cast<double>(at));
    CHECK(amax(weights).item() > 0.99);
  }
}

TEST_CASE("theorem: attention mixes positions, the feed-forward network mixes features") {
  manual_seed(4);
  FeedForward ffn(4, {.hidden = 8});
  ffn.to(Dtype::f64);
  ffn.eval();
  const Tensor x = gaussian64({1, 5, 4});
  Tensor other = x.clone();
  Tensor last = other.slice(1, 4, 5);
  last.fill_(3.0);
  CHECK(ffn(other).slice(1, 0, 4).to_vector() == ffn(x).slice(1, 0, 4).to_vector());
  const Tensor order = tensor_i64({3, 0, 4, 1, 2}), features = tensor_i64({2, 0, 3, 1});
  CHECK(far_apart(ffn(index_select(x, 1, order)), index_select(ffn(x), 1, order)) < 1e-15);
  CHECK(far_apart(ffn(index_select(x, 2, features)), index_select(ffn(x), 2, features)) > 1e-2);
}

TEST_CASE("theorem: the slope of attention by its query is Cov(keys), for values = keys, any score's") {
  manual_seed(5);
  // d/dq Σ wⱼ kⱼ = Σ wⱼ (∂sⱼ/∂q)(kⱼ - k̄): for q·k the covariance, for the Gaussian of width h too, / h².
  const Tensor k = gaussian64({6, 3});
  for (const double h : {1.0, 0.5, 2.0}) {
    const Tensor q = parameter(gaussian64({1, 3}));
    const Attended a = Attention(Gaussian({.width = h}))(q, k, k);
    const Tensor centred = k - a.output.detach(), w = a.weights.detach().transpose(0, 1);
    const Tensor covariance = matmul((centred * w).transpose(0, 1), centred) / (h * h);
    for (int64_t i = 0; i < 3; ++i)
      CHECK(far_apart(grad(a.output[0][i], {q}, {.retain_graph = true})[0][0], covariance[i]) < 1e-13);
  }
}

TEST_CASE("theorem: Gaussian attention is dot-product attention where all keys have one length") {
  manual_seed(6);
  const Tensor q = gaussian64({2, 4, 3}), k = unit_length(gaussian64({2, 7, 3})), v = gaussian64({2, 7, 2});
  for (const double h : {0.4, 1.0}) {  // ‖q - k‖² = ‖q‖² + ‖k‖² - 2 q·k: queries may be of any length
    const Attended near = Attention(Gaussian({.width = h}))(q, k, v);
    CHECK(far_apart(near.weights, attention(q, k, v, {.scale = 1 / (h * h)}).weights) < 1e-12);
    const Tensor cosine = CosineScore({.temperature = h * h})(unit_length(q), k);
    CHECK(far_apart(Attention(Gaussian({.width = h}))(unit_length(q), k, v).weights, softmax(cosine, -1)) < 1e-12);
  }
  const Tensor longer = 2.0 * gaussian64({2, 7, 3});  // but not otherwise
  CHECK(far_apart(Attention(Gaussian())(q, longer, v).weights, attention(q, longer, v, {.scale = 1.0}).weights) > 1e-2);
}

TEST_CASE("theorem: the variance of q·k is d, that of q·k / √d is 1") {
  manual_seed(7);
  for (const int64_t d : {3, 64}) {
    const Tensor q = gaussian64({20000, 1, d}), k = gaussian64({20000, 1, d});  // a pair each
    CHECK(var(DotScore()(q, k)).item() == Approx(double(d)).epsilon(0.06));
    CHECK(var(ScaledDotScore()(q, k)).item() == Approx(1.0).epsilon(0.06));
  }
}

TEST_CASE("theorem: columns or rows, the softmax runs over the keys") {
  manual_seed(8);
  const Tensor q = gaussian64({4, 3}), k = gaussian64({5, 3}), v = gaussian64({5, 2});
  const Attended rows = attention(q, k, v, {.scale = 1.0});
  // The same with tokens as columns: S = KᵀQ has a column for each query, and Z = V A.
  const Tensor A = softmax(matmul(k, q.transpose(0, 1)), 0);
  CHECK(far_apart(A.transpose(0, 1), rows.weights) < 1e-15);
  CHECK(far_apart(matmul(v.transpose(0, 1), A).transpose(0, 1), rows.output) < 1e-15);
}

TEST_CASE("theorem: equal keys give the mean of the values that count: 2 3 4 5 and 10 11 12 13") {
  manual_seed(9);
  const Tensor keys = ones({2, 10, 2}), values = arange(0, 40, 1).reshape({1, 10, 4}).expand({2, 10, 4});
  const AttentionOptions valid{.key_mask = padding_mask({2, 6}, 10)};
  const Tensor wanted = tensor({2, 3, 4, 5, 10, 11, 12, 13}, {2, 1, 4});
  CHECK(far_apart(DotProductAttention()(randn({2, 1, 2}), keys, values, valid).output, wanted) < 1e-5);
  const AdditiveAttention additive(20, 2, 8, {.bias = false});
  CHECK(far_apart(additive(randn({2, 1, 20}), keys, values, valid).output, wanted) < 1e-5);
  // Lengths may also be given for each query: masked softmax of (B, n, m) by (B, n).
  const Tensor per_query = padding_mask(tensor_i64({1, 3, 2, 4}, {2, 2}), 4);
  const Tensor w = attention_weights(rand({2, 2, 4}), {.mask = per_query});
  CHECK(far_apart(ne(w, 0.0).to(Dtype::f32), per_query.to(Dtype::f32)) == 0.0);
  CHECK(far_apart(sum(w, -1), ones({2, 2})) < 1e-6);
}

TEST_CASE("theorem: a row without any key is zeros, not uniform, and the scores do not change") {
  const Tensor scores = ones({1, 2, 3});
  const Attended a = attend(scores, ones({1, 3, 1}), {.mask = padding_mask(tensor_i64({0, 3}, {1, 2}), 3)});
  CHECK(a.weights[0][0].to_vector() == std::vector<double>{0, 0, 0});
  CHECK(a.output.flatten().to_vector() == std::vector<double>{0, 1});
  CHECK(scores.to_vector() == std::vector<double>(6, 1.0));
}

TEST_CASE("theorem: one module attends to 1 … 64 keys") {
  manual_seed(10);
  const MultiHead heads(8, 2, Gaussian({.learn_width = true, .widths = {0.5, 2.0}}));
  const PerHeadAttention full(8, 4, 2);
  const AdditiveAttention additive(8, 8, 4);
  for (int64_t n = 1; n <= 64; ++n) {
    const Tensor x = randn({1, n, 8});
    CHECK(heads(x).output.shape() == Shape{1, n, 8});
    CHECK(full(x).output.shape() == Shape{1, n, 4});
    CHECK(additive(x.slice(1, 0, 1), x, x).output.shape() == Shape{1, 1, 8});
  }
}

TEST_CASE("theorem: a head's columns of the output projection carry its part and nothing else") {
  manual_seed(11);
  MultiHead<ScaledDotScore> m(6, 3);
  m.to(Dtype::f64);
  const Tensor x = gaussian64({2, 5, 6});
  const Attended all = m(x);
  const Tensor values = split_heads(m.v_proj(x), 3);
  for (int64_t head = 0; head < 3; ++head) {
    MultiHead<ScaledDotScore> without = m;
    without.out_proj.weight = m.out_proj.weight.detach().clone();
    Tensor columns = without.out_proj.weight.slice(1, 2 * head, 2 * head + 2);
    const Tensor removed = columns.clone();
    columns.fill_(0.0);
    const Tensor part = matmul(all.weights.select(1, head), values.select(1, head));  // (2, 5, 2)
    CHECK(far_apart(all.output - without(x).output, linear(part, removed)) < 1e-14);
  }
}

TEST_CASE("heads learn to look at different positions") {
  // Wanted: the tokens before and after one's own. One softmax cannot look at both sharply.
  manual_seed(12);
  const int64_t n = 6;
  struct Neighbours : Module {
    Embedding token{8, 16}, place{6, 16};
    MultiHead<ScaledDotScore> attention{16, 2};
    Linear before{16, 8}, after{16, 8};
    void visit(Visitor& v) override {
      v("token", token), v("place", place), v("attention", attention);
      v("before", before), v("after", after);
    }
  } model;
  std::vector<Tensor> parameters = model.parameters();
  double at_first = 0.0, apart = 0.0;
  for (int step = 0; step < 300; ++step) {
    const Tensor tokens = randint(0, 8, {32, n});
    const Attended seen = model.attention(model.token(tokens) + model.place(arange(n)));
    const auto loss = [&](const Linear& out,
                          int64_t shift) {  // at positions that have both neighbours
      return cross_entropy(out(seen.output).slice(1, 1, n - 1).reshape({-1, 8}),
                           tokens.slice(1, 1 + shift, n - 1 + shift).reshape({-1}));
    };
    for (Tensor& p : parameters) p.zero_grad();
    (loss(model.before, -1) + loss(model.after, 1)).backward();
    const NoGrad no_history;
    for (Tensor& p : parameters) p.add_(p.grad(), -0.5);
    const Tensor weights = mean(seen.weights.detach(), 0);  // (2, n, n)
    apart = mean(sum(abs(weights[0] - weights[1]), -1)).item();
    if (step == 0) at_first = apart;
  }
  CHECK(at_first < 0.5);
  CHECK(apart > 1.0);  // of 2 where no key has weight in both
}
