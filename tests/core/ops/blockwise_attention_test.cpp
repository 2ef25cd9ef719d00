// The fused attention against the plain one: masks, causality, grouped heads, dropout, layouts,
// gradients.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <heed/core/ops/blockwise_attention.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/reference.h"

using namespace heed::core;
using heed::Dtype;
using heed::DtypeError;
using heed::Shape;
using heed::ShapeError;
namespace reference = heed::reference;
using reference::Row;

namespace {

struct Threads {
  int before = heed::num_threads();
  explicit Threads(int n) { heed::set_num_threads(n); }
  ~Threads() { heed::set_num_threads(before); }
};

Array random(const Shape& shape, Dtype dtype, uint64_t seed) {
  heed::Generator generator(seed);
  return randn(shape, dtype, generator);
}

/// The elements of head h of entry b, row by row.
Row head_of(const Array& x, int64_t b, int64_t h) { return to_vector(select(select(x, 0, b), 0, h)); }

struct Case {
  int64_t batch, heads, key_heads, n, m, d, p;
  bool causal = false;
  char mask = ' ';  // 'f'ull, 'k'eys only, 's'ame for all heads
  double dropout = 0.0;
};

AttentionInputs inputs_of(const Case& c, Dtype dtype) {
  // Queries with the heads side by side in memory, as a linear layer makes them.
  AttentionInputs in{transpose(random({c.batch, c.n, c.heads, c.d}, dtype, 1), 1, 2),
                     random({c.batch, c.key_heads, c.m, c.d}, dtype, 2),
                     transpose(random({c.batch, c.m, c.key_heads, c.p}, dtype, 3), 1, 2),
                     {},
                     {.scale = 0.3}};
  in.rule.causal = c.causal;
  in.rule.dropout = {.p = c.dropout, .seed = 11, .call = 5};
  heed::Generator generator(4);
  if (c.mask != ' ') {
    const Shape shape = c.mask == 'f'   ? Shape{c.batch, c.heads, c.n, c.m}
                        : c.mask == 'k' ? Shape{c.batch, 1, 1, c.m}
                                        : Shape{c.n, c.m};
    in.mask = Array(shape, Dtype::boolean);
    fill_bernoulli(in.mask, 0.6, generator);
    if (c.mask == 'f') std::fill_n(in.mask.data<bool>(), c.m, false);  // the first query sees nothing
  }
  return in;
}

Row plain_head(const AttentionInputs& in, const Case& c, int64_t b, int64_t h, const Row& q, const Row& k,
               const Row& v) {
  const Array mask = in.mask.defined() ? contiguous(expand(in.mask, {c.batch, c.heads, c.n, c.m})) : Array();
  const auto index = [&](int64_t i, int64_t j) { return ((b * c.heads + h) * c.n + i) * c.m + j; };
  return reference::attention(
             q, k, v, c.n, c.m, c.d, c.p, in.rule.scale,
             [&](int64_t i, int64_t j) {
               return (!in.rule.causal || j - c.m <= i - c.n) && (!mask.defined() || mask.data<bool>()[index(i, j)]);
             },
             [&](int64_t i, int64_t j) {
               const bool kept = word_at(in.rule.dropout.seed, in.rule.dropout.call,
                                         static_cast<uint64_t>(index(i, j))) >= in.rule.dropout.p * 4294967296.0;
               return in.rule.dropout.p == 0.0 ? 1.0 : kept ? 1.0 / (1.0 - in.rule.dropout.p) : 0.0;
             })
      .output;
}

const std::vector<Case> cases = {
    {1, 1, 1, 1, 1, 1, 1},
    {2, 3, 3, 5, 7, 4, 6},
    {2, 2, 2, 64, 64, 32, 32, true},
    {1, 2, 1, 70, 70, 8, 8, true},
    {1, 4, 2, 33, 150, 5, 3, true},
    {1, 2, 2, 150, 40, 5, 3, true},  // more queries than keys: the first see nothing
    {2, 2, 1, 40, 130, 6, 9, false, 'f'},
    {2, 2, 2, 40, 300, 6, 9, true, 'f'},
    {3, 2, 2, 20, 33, 4, 4, false, 'k'},
    {1, 3, 3, 20, 33, 4, 4, false, 's'},
    {2, 2, 1, 37, 140, 4, 4, true, 'k', 0.3},
    {1, 1, 1, 300, 600, 3, 2, true, ' ', 0.5},
    {1, 1, 1, 3, 9, 2, 2, false, ' ', 1.0},
    {1, 2, 2, 3, 0, 2, 2},
};

}  // namespace

TEST_CASE("blockwise attention: equal to the plain one") {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const double tolerance = dtype == Dtype::f32 ? 1e-5 : 1e-13;
    for (size_t number = 0; number < cases.size(); ++number) {
      const Case& c = cases[number];
      const AttentionInputs in = inputs_of(c, dtype);
      const AttentionOutputs out = blockwise_attention(in);
      REQUIRE(out.output.shape() == Shape{c.batch, c.heads, c.n, c.p});
      REQUIRE(transpose(out.output, 1, 2).is_contiguous());
      for (int64_t b = 0; b < c.batch; ++b) {
        for (int64_t h = 0; h < c.heads; ++h) {
          const int64_t key_head = h / (c.heads / c.key_heads);
          const Row expected = plain_head(in, c, b, h, head_of(in.q, b, h), c.m ? head_of(in.k, b, key_head) : Row(),
                                          c.m ? head_of(in.v, b, key_head) : Row());
          const Row got = head_of(out.output, b, h);
          CAPTURE(dtype, number, b, h);
          for (size_t i = 0; i < got.size(); ++i)
            REQUIRE(got[i] == Approx(expected[i]).margin(tolerance).epsilon(tolerance));
        }
      }
    }
  }
}

TEST_CASE("blockwise attention: the highest score of each row, and the sum beside it") {
  const Case c{1, 1, 1, 6, 200, 4, 4, true, 'f'};
  const AttentionInputs in = inputs_of(c, Dtype::f64);
  const AttentionOutputs out = blockwise_attention(in);
  const Row highest = to_vector(out.highest), total = to_vector(out.total);
  const Row q = head_of(in.q, 0, 0), k = head_of(in.k, 0, 0);
  REQUIRE(highest[0] == -reference::infinity);
  REQUIRE(total[0] == 0);
  for (int64_t i = 1; i < c.n; ++i) {
    Row scores;
    for (int64_t j = 0; j <= i + c.m - c.n; ++j) {
      if (!in.mask.data<bool>()[i * c.m + j]) continue;
      double s = 0;
      for (int64_t l = 0; l < c.d; ++l) s += q[static_cast<size_t>(i * c.d + l)] * k[static_cast<size_t>(j * c.d + l)];
      scores.push_back(in.rule.scale * s);
    }
    const auto at = static_cast<size_t>(i);
    REQUIRE(highest[at] + std::log(total[at]) == Approx(reference::log_sum_exp(scores)));
  }
}

TEST_CASE("blockwise attention: scores of ±10⁴ and a scale of zero or below give no NaN") {
  for (double scale : {1e4, 0.0, -1.0}) {
    const Case c{1, 1, 1, 10, 140, 3, 2, true, 'f'};
    AttentionInputs in = inputs_of(c, Dtype::f32);
    in.rule.scale = scale;
    for (double v : to_vector(blockwise_attention(in).output)) REQUIRE(std::isfinite(v));
  }
}

TEST_CASE("blockwise attention: NaN in a query stays in its row") {
  const Case c{1, 1, 1, 10, 20, 3, 2};
  const AttentionInputs in = inputs_of(c, Dtype::f32);
  in.q.data<float>()[4 * 3] = std::numeric_limits<float>::quiet_NaN();
  const Row out = head_of(blockwise_attention(in).output, 0, 0);
  for (size_t i = 0; i < out.size(); ++i) REQUIRE(std::isnan(out[i]) == (i / 2 == 4));
}

namespace {

struct Gradients {
  Array dq, dk, dv;
};

Gradients gradients_of(const AttentionInputs& in, const Array& grad) {
  const auto like = [](const Array& x) { return full(x.shape(), std::nan(""), x.dtype()); };  // must be overwritten
  const Gradients g{like(in.q), like(in.k), like(in.v)};
  blockwise_attention_grad(in, blockwise_attention(in), grad, g.dq, g.dk, g.dv);
  return g;
}

/// Σ output · grad by the plain twin.
double plain_loss(const AttentionInputs& in, const Case& c, const Array& grad) {
  double loss = 0;
  for (int64_t b = 0; b < c.batch; ++b) {
    for (int64_t h = 0; h < c.heads; ++h) {
      const int64_t key_head = h / (c.heads / c.key_heads);
      loss += reference::dot(
          plain_head(in, c, b, h, head_of(in.q, b, h), head_of(in.k, b, key_head), head_of(in.v, b, key_head)),
          head_of(grad, b, h));
    }
  }
  return loss;
}

}  // namespace

TEST_CASE("blockwise attention: gradients are the slopes of the plain one") {
  for (size_t number = 0; number + 1 < cases.size(); ++number) {
    const Case& c = cases[number];
    if (c.dropout == 1.0) continue;
    const AttentionInputs in = inputs_of(c, Dtype::f64);
    const Array grad = random({c.batch, c.heads, c.n, c.p}, Dtype::f64, 9);
    const Gradients g = gradients_of(in, grad);
    const auto check_some = [&](const Array& x, const Array& dx, const char* name) {
      // Several elements along each storage, each by a central difference.
      const int64_t total = x.numel();
      const Row slopes = to_vector(dx);
      REQUIRE(static_cast<int64_t>(slopes.size()) == total);
      for (double v : slopes) REQUIRE(std::isfinite(v));
      for (int64_t probe = 0; probe < 8; ++probe) {
        const int64_t flat = probe * 7919 % total;
        int64_t rest = flat, at = 0;
        for (int axis = 3; axis >= 0; --axis) {
          at += rest % x.shape()[axis] * x.strides()[axis];
          rest /= x.shape()[axis];
        }
        double& element = x.data<double>()[at];
        const double before = element, step = 1e-5;
        element = before + step;
        const double above = plain_loss(in, c, grad);
        element = before - step;
        const double below = plain_loss(in, c, grad);
        element = before;
        CAPTURE(number, name, flat);
        REQUIRE(slopes[static_cast<size_t>(flat)] == Approx((above - below) / (2 * step)).epsilon(1e-5).margin(1e-7));
      }
    };
    check_some(in.q, g.dq, "dq");
    check_some(in.k, g.dk, "dk");
    check_some(in.v, g.dv, "dv");
  }
}

TEST_CASE("blockwise attention: a query that sees nothing gets and gives no gradient") {
  const Case c{1, 1, 1, 5, 7, 3, 2, false, 'f'};
  const AttentionInputs in = inputs_of(c, Dtype::f32);
  const Array grad = random({1, 1, 5, 2}, Dtype::f32, 9);
  const Row before = to_vector(gradients_of(in, grad).dk);
  const Row dq = to_vector(gradients_of(in, grad).dq);
  for (size_t l = 0; l < 3; ++l) REQUIRE(dq[l] == 0);
  in.q.data<float>()[0] = 100;  // of the first query
  REQUIRE(to_vector(gradients_of(in, grad).dk) == before);
}

TEST_CASE("blockwise attention: float gradients follow the double ones, and may be parts of one array") {
  const Case c{2, 2, 1, 60, 190, 16, 8, true, 'k', 0.2};
  const AttentionInputs wide = inputs_of(c, Dtype::f64);
  AttentionInputs narrow = wide;
  narrow.q = to(wide.q, Dtype::f32), narrow.k = to(wide.k, Dtype::f32), narrow.v = to(wide.v, Dtype::f32);
  const Array grad = random({2, 2, 60, 8}, Dtype::f64, 9);
  const Gradients expected = gradients_of(wide, grad);
  const Array all = full({2, 1, 190, 24}, std::nan(""), Dtype::f32);
  const Array dk = slice(all, 3, 0, 16), dv = slice(all, 3, 16, 24);
  const Array dq(Shape{2, 2, 60, 16}, Dtype::f32);
  blockwise_attention_grad(narrow, blockwise_attention(narrow), to(grad, Dtype::f32), dq, dk, dv);
  const auto close = [](const Array& a, const Array& b) {
    const Row x = to_vector(a), y = to_vector(b);
    for (size_t i = 0; i < x.size(); ++i) REQUIRE(x[i] == Approx(y[i]).epsilon(1e-4).margin(2e-5));
  };
  close(dq, expected.dq);
  close(dk, expected.dk);
  close(dv, expected.dv);
}

TEST_CASE("blockwise attention: the same bits for any number of threads") {
  for (const Case& c : {Case{1, 2, 1, 700, 1100, 16, 16, true}, Case{3, 4, 4, 64, 64, 32, 32, true, ' ', 0.1}}) {
    const AttentionInputs in = inputs_of(c, Dtype::f32);
    const Array grad = random({c.batch, c.heads, c.n, c.p}, Dtype::f32, 9);
    Row first;
    for (int threads : {1, 2, 3, 7}) {
      const Threads scope(threads);
      const Gradients g = gradients_of(in, grad);
      Row all = to_vector(blockwise_attention(in).output);
      for (const Array& x : {g.dq, g.dk, g.dv}) {
        const Row more = to_vector(x);
        all.insert(all.end(), more.begin(), more.end());
      }
      if (first.empty()) first = all;
      REQUIRE(std::memcmp(first.data(), all.data(), all.size() * sizeof(double)) == 0);
    }
  }
}

TEST_CASE("blockwise attention: operands that do not fit are refused") {
  const auto make = [](const Shape& q, const Shape& k, const Shape& v, Dtype dtype = Dtype::f32) {
    return AttentionInputs{full(q, 0, Dtype::f32), full(k, 0, dtype), full(v, 0, Dtype::f32), {}, {.scale = 1.0}};
  };
  REQUIRE_THROWS_WITH(blockwise_attention(make({1, 2, 3, 4}, {1, 2, 5, 6}, {1, 2, 5, 4})),
                      "attention: q (1, 2, 3, 4), k (1, 2, 5, 6), v (1, 2, 5, 4): must be (B, h, "
                      "n, d), (B, g, m, d), "
                      "(B, g, m, p) with h a multiple of g");
  REQUIRE_THROWS_AS(blockwise_attention(make({1, 3, 3, 4}, {1, 2, 5, 4}, {1, 2, 5, 4})), ShapeError);
  REQUIRE_THROWS_AS(blockwise_attention(make({2, 3, 4}, {2, 5, 4}, {2, 5, 4})), ShapeError);
  REQUIRE_THROWS_WITH(blockwise_attention(make({1, 2, 3, 4}, {1, 2, 5, 4}, {1, 2, 5, 4}, Dtype::f64)),
                      "attention: q float32, k float64, v float32: must be one floating dtype: "
                      "convert with to(dtype)");
  AttentionInputs in = make({1, 2, 3, 4}, {1, 2, 5, 4}, {1, 2, 5, 4});
  in.mask = full({3, 5}, 1, Dtype::f32);
  REQUIRE_THROWS_WITH(blockwise_attention(in),
                      "attention: mask float32: must be boolean, true where a query may attend: compare it, "
                      "as in ne(mask, 0)");
  in.mask = full({3, 4}, 1, Dtype::boolean);
  REQUIRE_THROWS_AS(blockwise_attention(in), ShapeError);
  in.mask = {};
  const AttentionOutputs out = blockwise_attention(in);
  REQUIRE_THROWS_WITH(blockwise_attention_grad(in, out, out.output, in.q, in.q, in.v),
                      "attention_grad: grad (1, 2, 3, 4), dq (1, 2, 3, 4), dk (1, 2, 3, 4), dv (1, "
                      "2, 5, 4): must have the "
                      "shapes of the output, q, k and v");
}
