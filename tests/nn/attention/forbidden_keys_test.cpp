// Whatever a forbidden key holds, nothing of it arrives: the theorem that masks are for.
#include "support/catch.h"

#include <cmath>
#include <functional>
#include <limits>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/ops/masked_matmul.h>
#include <heed/nn/nn.h>

using namespace heed;
using namespace heed::nn;

namespace {

const std::vector<double> anything = {std::nan(""), INFINITY, -INFINITY, 1e38, -1e38};

bool finite(const Tensor& x) {
  for (const double value : x.to_vector())
    if (!std::isfinite(value)) return false;
  return true;
}

// max |a - b| / (1 + max |b|)
double relative(const Tensor& a, const Tensor& b) {
  if (a.numel() == 0) return 0.0;
  if (!finite(a)) return INFINITY;
  return amax(abs(a - b)).item() / (1.0 + amax(abs(b)).item());
}

using Values = std::vector<Tensor>;
using Call = std::function<Tensor(const Values&)>;

// Output, first gradients by all inputs, and those of a second order: of the gradients' squares.
Values all_orders(const Call& call, const Values& inputs, const Tensor& slope) {
  Values leaves;
  for (const Tensor& x : inputs) leaves.push_back(parameter(x.detach().clone()));
  const auto gradients = [&](const Tensor& of, bool recorded) {
    Values all = grad(of, leaves, {.create_graph = recorded});
    for (size_t i = 0; i < all.size(); ++i)
      if (!all[i].defined()) all[i] = zeros_like(leaves[i].detach());  // a score without a key in it
    return all;
  };
  const auto output = [&] {
    manual_seed(77);  // of dropout
    return call(leaves);
  };
  Values results = {output().detach()};
  for (const Tensor& g : gradients(sum(output() * slope), false)) results.push_back(g);
  const Values first = gradients(sum(output() * slope), true);
  Tensor squares = zeros({}, slope.dtype());
  for (const Tensor& g : first) squares = squares + sum(square(g));
  for (const Tensor& g : first) results.push_back(g.detach());
  for (const Tensor& g : gradients(squares, false)) results.push_back(g);
  return results;
}

// x, with `value` in the rows that are forbidden: rows (…, n) true where it counts.
Tensor spoilt(const Tensor& x, const Tensor& counts, double value) { return where(counts.unsqueeze(-1), x, value); }

void check_same(const std::string& what, const Values& got, const Values& wanted, double tolerance) {
  INFO(what);
  REQUIRE(got.size() == wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("result " << i);
    CHECK(relative(got[i], wanted[i]) < tolerance);
  }
}

struct Case {
  std::string name;
  AttentionOptions options;
  Tensor keys, queries;  // (B, h, m) and (B, h, n): some query may see it, it may see some key
};

Tensor any(const Tensor& mask, int64_t axis) { return sum(mask, {axis}) > 0.0; }

// Masks of each kind, at random, some with rows and columns of nothing.
std::vector<Case> cases(int64_t B, int64_t h, int64_t n, int64_t m, Dtype dtype) {
  std::vector<Case> all;
  const auto add = [&](std::string name, AttentionOptions o) {
    const Tensor whole = attention_mask("test", {B, h, n, m}, dtype, o).permitted.expand({B, h, n, m});
    all.push_back({std::move(name), o, any(whole, 2), any(whole, 3)});
  };
  const Tensor keys = rand({B, m}) > 0.5;
  const Tensor mask = (rand({B, h, n, m}) > 0.3) & (rand({B, h, n, 1}) > 0.3) & (rand({B, h, 1, m}) > 0.4);
  const Tensor added = where(mask, randn({B, h, n, m}, dtype), -INFINITY);
  add("key mask", {.key_mask = keys});
  add("boolean", {.mask = mask});
  add("boolean, a sequence each", {.mask = mask.select(1, 0)});
  add("floating", {.mask = added});
  add("key mask and causal", {.key_mask = keys, .causal = true});
  add("boolean and causal", {.mask = mask, .causal = true});
  add("all of them, dropout", {.mask = added, .key_mask = keys, .causal = true, .dropout = 0.4});
  add("boolean, dropout", {.mask = mask, .key_mask = keys, .dropout = 0.4});
  return all;
}

}  // namespace

TEST_CASE("a forbidden key reaches no output and no gradient, whatever it holds") {
  manual_seed(1);
  struct Sizes {
    int64_t B, h, groups, n, m;
  };
  std::vector<Sizes> sizes = {{2, 2, 2, 5, 5}, {1, 4, 2, 7, 3}, {2, 2, 1, 40, 140}};
  for (int i = 0; i < 6; ++i) {
    const auto up_to = [](int64_t most) { return static_cast<int64_t>(randint(1, most + 1, {}).item()); };
    const int64_t h = up_to(3);
    sizes.push_back({up_to(3), h, h, up_to(9), up_to(9)});
  }
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const auto& [B, h, groups, n, m] : sizes)
      for (const Case& c : cases(B, h, n, m, dtype)) {
        const Tensor q = randn({B, h, n, 4}, dtype), k = randn({B, groups, m, 4}, dtype),
                     v = randn({B, groups, m, 3}, dtype), slope = randn({B, h, n, 3}, dtype);
        // A head of keys that several heads of queries read is seen if one of them sees it.
        const Tensor keys = any(c.keys.reshape({B, groups, h / groups, m}), 2);
        const double tolerance = dtype == Dtype::f64 ? 1e-12 : 1e-4;
        const int64_t heads = h;
        const Call fused = [&](const Values& x) { return scaled_dot_product_attention(x[0], x[1], x[2], c.options); };
        const Call plain = [&](const Values& x) {
          return attention(x[0], repeat_heads(x[1], heads), repeat_heads(x[2], heads), c.options).output;
        };
        const auto with = [&](double value) {
          return Values{spoilt(q, c.queries, value), spoilt(k, keys, value), spoilt(v, keys, value)};
        };
        const Values wanted = all_orders(plain, with(0.0), slope);
        for (const double value : anything) {
          const std::string what = c.name + cat(", ", value, ", ", Shape{B, h, n, m}, " ", dtype);
          check_same("plain: " + what, all_orders(plain, with(value), slope), wanted, tolerance);
          check_same("fused: " + what, all_orders(fused, with(value), slope), wanted, tolerance);
        }
      }
}

TEST_CASE("what one query may see and another may not reaches the one only") {
  manual_seed(2);
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const bool plain : {false, true})
      for (const double value : anything) {
        const int64_t n = 6;
        const Tensor q = parameter(randn({2, 2, n, 4}, dtype)), clean = randn({2, 2, n, 4}, dtype);
        Tensor k = clean.clone(), v = clean.clone();
        k.slice(2, n - 1, n).fill_(value);  // of the last position: only the last query sees it
        v.slice(2, n - 1, n).fill_(value);
        set_plain_attention(plain);
        const auto run = [&](const Tensor& keys, const Tensor& values) {
          const Tensor y = scaled_dot_product_attention(q, keys, values, {.causal = true});
          return y.slice(2, 0, n - 1);
        };
        const Tensor y = run(k, v), wanted = run(clean, clean);
        set_plain_attention(false);
        CHECK(relative(y.detach(), wanted.detach()) < 1e-5);
        const Tensor g = grad(sum(square(y)), {q})[0].slice(2, 0, n - 1);
        CHECK(relative(g, grad(sum(square(wanted)), {q})[0].slice(2, 0, n - 1)) < 1e-4);
      }
}

TEST_CASE("a permitted NaN is not hidden") {
  for (const bool plain : {false, true}) {
    set_plain_attention(plain);
    const Tensor q = ones({1, 1, 3, 2});
    Tensor v = ones({1, 1, 3, 2});
    v.slice(2, 1, 2).fill_(std::nan(""));
    const std::vector<double> y = scaled_dot_product_attention(q, q, v, {.causal = true}).to_vector();
    CHECK(y[0] == 1.0);
    for (size_t i = 2; i < 6; ++i) CHECK(std::isnan(y[i]));
    v.slice(2, 1, 2).fill_(INFINITY);
    CHECK(scaled_dot_product_attention(q, q, v, {.causal = true}).to_vector()[5] == INFINITY);
    set_plain_attention(false);
  }
}

TEST_CASE("packed attention keeps forbidden keys out of one tensor's gradient") {
  manual_seed(3);
  const int64_t B = 2, n = 6, heads = 2;
  const Tensor keys = padding_mask({4, 6}, n);
  // Padding neither asks nor is seen.
  const Tensor mask = keys.unsqueeze(1) & keys.unsqueeze(2);
  const Tensor clean = randn({B, n, 12}, Dtype::f64), slope = randn({B, n, 4}, Dtype::f64);
  for (const AttentionOptions& o :
       {AttentionOptions{.mask = mask}, AttentionOptions{.mask = mask, .causal = true, .dropout = 0.3}}) {
    const Call call = [&](const Values& x) { return packed_attention(x[0], heads, o); };
    const Values wanted = all_orders(call, {spoilt(clean, keys, 0.0)}, slope);
    for (const double value : anything)
      check_same(cat(value), all_orders(call, {spoilt(clean, keys, value)}, slope), wanted, 1e-12);
  }
}

TEST_CASE("every score leaves forbidden keys and idle queries alone") {
  manual_seed(4);
  const int64_t B = 2, n = 3, m = 5, d = 4;
  const Tensor mask = (rand({B, n, m}) > 0.3) & (arange(m) < 3.0) & (arange(n) > 0.0).unsqueeze(1);
  const Tensor keys = any(mask, 1), queries = any(mask, 2);
  const Tensor q = randn({B, n, d}, Dtype::f64), k = randn({B, m, d}, Dtype::f64), v = randn({B, m, 2}, Dtype::f64),
               slope = randn({B, n, 2}, Dtype::f64);
  const auto check = [&](const std::string& name, auto layer) {
    layer.to(Dtype::f64);
    const auto run = [&](double value) {
      for (Tensor p : layer.parameters()) p.zero_grad();
      const Values x = {spoilt(q, queries, value), spoilt(k, keys, value), spoilt(v, keys, value)};
      const Call call = [&](const Values& in) { return layer(in[0], in[1], in[2], {.mask = mask}).output; };
      Values results = all_orders(call, x, slope);
      if (!layer.parameters().empty()) sum(call(x) * slope).backward();
      for (const Tensor& p : layer.parameters())
        if (p.grad().defined()) results.push_back(p.grad());
      return results;
    };
    const Values wanted = run(0.0);
    for (const double value : anything) check_same(name + cat(": ", value), run(value), wanted, 1e-12);
  };
  check("dot", Attention<DotScore>());
  check("scaled dot", Attention<ScaledDotScore>());
  check("cosine", Attention(CosineScore({.learn_temperature = true})));
  check("additive", Attention(AdditiveScore(d, d, 3)));
  check("multiplicative", Attention(MultiplicativeScore(d, d)));
  check("element-wise", Attention(ElementwiseScore(d)));
  check("location", Attention(LocationScore(d, m)));
  check("a small network", Attention(MlpScore<ScaledDotScore>(3)));
  check("Gaussian", Attention(Gaussian({.learn_width = true})));
  check("triangular", Attention(Triangular({.width = 5.0, .learn_width = true})));
  check("Epanechikov", NadarayaWatson(Epanechikov({.width = 5.0})));
  check("local", LocalMonotonicAttention<ScaledDotScore>(4));
  check("local, predictive", LocalPredictiveAttention<ScaledDotScore>(4, d, 3));
  check("key and value layers", KeyValueAttention(d, d, 2, {.value_input = 2}));
}

TEST_CASE("a key that is NaN for one query leaves those alone that may not see it, whatever the score") {
  manual_seed(6);
  const int64_t B = 2, n = 3, m = 5, d = 4;
  const Tensor q = randn({B, n, d}, Dtype::f64), k = randn({B, m, d}, Dtype::f64), v = randn({B, m, 2}, Dtype::f64),
               slope = randn({B, n - 1, 2}, Dtype::f64);
  const auto check = [&](const std::string& name, auto layer) {
    layer.to(Dtype::f64);
    const auto run = [&](double value) {  // of the last key, which only the last query sees
      const Tensor keys = k.clone();
      keys.slice(1, m - 1, m).fill_(value);
      const Tensor asked = parameter(q), read = parameter(keys);
      const Tensor y = layer(asked, read, v, {.causal = true}).output.slice(1, 0, n - 1);
      const Tensor slopes = grad(sum(y * slope), {asked}, {.create_graph = true})[0].slice(1, 0, n - 1);
      return Values{y.detach(), slopes.detach()};
    };
    const Values wanted = run(0.0);
    for (const double value : anything) check_same(name + cat(": ", value), run(value), wanted, 1e-12);
  };
  check("dot", Attention<DotScore>());
  check("scaled dot", Attention<ScaledDotScore>());
  check("cosine", Attention(CosineScore({.learn_temperature = true})));
  check("additive", Attention(AdditiveScore(d, d, 3)));
  check("multiplicative", Attention(MultiplicativeScore(d, d)));
  check("element-wise", Attention(ElementwiseScore(d)));
  check("Gaussian", Attention(Gaussian({.learn_width = true})));
  check("regression", NadarayaWatson(Gaussian()));
  check("local", LocalMonotonicAttention<ScaledDotScore>(4));
}

TEST_CASE("padding of a layer's input reaches no weight's gradient") {
  manual_seed(5);
  const int64_t B = 2, n = 5, m = 4, E = 4;
  const Tensor keys = padding_mask({2, 4}, m), places = padding_mask({3, 5}, n);
  const Tensor cross = places.unsqueeze(2) & keys.unsqueeze(1);
  const Tensor within = places.unsqueeze(2) & places.unsqueeze(1);
  const Tensor x = randn({B, n, E}, Dtype::f64), memory = randn({B, m, E}, Dtype::f64),
               slope = where(places.unsqueeze(-1), randn({B, n, E}, Dtype::f64), 0.0);
  const auto check = [&](const std::string& name, auto layer, auto call) {
    layer.to(Dtype::f64);
    const auto run = [&](double value) {
      for (Tensor p : layer.parameters()) p.zero_grad();
      const Tensor in = parameter(spoilt(x, places, value)), seen = parameter(spoilt(memory, keys, value));
      const Tensor y = call(layer, in, seen);
      sum(y * slope).backward();
      Values results = {where(places.unsqueeze(-1), y.detach(), 0.0)};
      for (const Tensor& leaf : {in, seen})
        if (leaf.grad().defined()) results.push_back(leaf.grad());
      for (const Tensor& p : layer.parameters()) results.push_back(p.grad());
      return results;
    };
    const Values wanted = run(0.0);
    for (const double value : {std::nan(""), double(INFINITY), -double(INFINITY)})
      check_same(name + cat(": ", value), run(value), wanted, 1e-12);
  };
  for (const bool weights : {false, true}) {
    check("multi-head, cross", MultiHeadAttention(E, 2), [&](const auto& m_, const Tensor& a, const Tensor& b) {
      return m_(a, b, b, {.mask = cross, .need_weights = weights}).output;
    });
    check("multi-head, self", MultiHeadAttention(E, 2), [&](const auto& m_, const Tensor& a, const Tensor&) {
      return m_(a, {.mask = within, .need_weights = weights}).output;
    });
    check("grouped", GroupedQueryAttention(E, 2, {.num_kv_heads = 1}),
          [&](const auto& m_, const Tensor& a, const Tensor&) {
            return m_(a, {.mask = within, .need_weights = weights}).output;
          });
  }
  check("any score", MultiHead<DotScore>(E, 2),
        [&](const auto& m_, const Tensor& a, const Tensor& b) { return m_(a, b, b, {.mask = cross}).output; });
  check("per head", PerHeadAttention(E, E, 2),
        [&](const auto& m_, const Tensor& a, const Tensor&) { return m_(a, {.mask = within}).output; });
  check("self-attention", SelfAttention(E, E),
        [&](const auto& m_, const Tensor& a, const Tensor&) { return m_(a, {.mask = within}).output; });
}

TEST_CASE("Bahdanau's decoder never hears what stands in the padding of its source") {
  manual_seed(6);
  const BahdanauDecoder decoder(3, 7, {.dropout = 0.0});
  const Tensor keys = padding_mask({2, 4}, 4), outputs = randn({2, 4, 3}), hidden = randn({1, 2, 3});
  const Tensor tokens = tensor_i64({1, 2, 3, 4}, {2, 2});
  const auto run = [&](double value) {
    for (Tensor p : decoder.parameters()) p.zero_grad();
    const Tensor source = parameter(spoilt(outputs, keys, value));
    const Tensor y = decoder(tokens, {source, hidden, keys}).logits;
    sum(square(y)).backward();
    Values results = {y.detach(), source.grad()};
    for (const Tensor& p : decoder.parameters()) results.push_back(p.grad());
    return results;
  };
  const Values wanted = run(0.0);
  for (const double value : anything) check_same(cat(value), run(value), wanted, 1e-5);
}

TEST_CASE("masked products: an infinite element leaves the others of its row alone") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor w = tensor({0.5, 0.25, 0.0, 0.75}, {2, 2}), v = tensor({infinity, 2, 4, 8}, {2, 2});
  const Tensor mask = w > 0.0;  // the second row may not look at the first key
  CHECK(masked_matmul(w, v, mask).to_vector() == std::vector<double>{infinity, 3, 3, 6});
}

TEST_CASE("a forbidden key stays out where dropout makes the rest larger") {
  manual_seed(3);
  const Tensor permitted = tensor({1, 0}, {1, 1, 1, 2}) > 0.0, counts = tensor({1, 0}, {1, 1, 2}) > 0.0;
  for (const Tensor& mask : {permitted, where(permitted, 0.0, full({}, -INFINITY))})
    for (int draw = 0; draw < 20; ++draw) {
      const Tensor q = randn({1, 1, 1, 4}), k = randn({1, 1, 2, 4}), v = randn({1, 1, 2, 3}),
                   slope = randn({1, 1, 1, 3});
      const AttentionOptions options{.mask = mask, .dropout = 0.9};
      const auto with = [&](double value) { return Values{q, spoilt(k, counts, value), spoilt(v, counts, value)}; };
      const auto fused = [&](const Values& x) { return scaled_dot_product_attention(x[0], x[1], x[2], options); };
      const auto plain = [&](const Values& x) { return attention(x[0], x[1], x[2], options).output; };
      const Values wanted = all_orders(plain, with(0.0), slope);
      for (const double value : anything) {
        check_same(cat("plain, ", value), all_orders(plain, with(value), slope), wanted, 1e-4);
        check_same(cat("fused, ", value), all_orders(fused, with(value), slope), wanted, 1e-4);
      }
    }
}
