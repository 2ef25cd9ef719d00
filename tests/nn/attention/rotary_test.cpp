// Rotary positions in both layouts, and ALiBi.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/alibi.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/rotary.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

constexpr RopeLayout layouts[] = {RopeLayout::interleaved, RopeLayout::half_split};

Tensor f64(const Shape& shape) { return randn(shape, Dtype::f64); }

}  // namespace

TEST_CASE("rotary positions turn each pair by its own angle") {
  const int64_t d = 6, i = 3;
  std::vector<double> row;
  for (int64_t c = 0; c < d; ++c) row.push_back(0.5 + double(c));
  const Tensor x = tensor(row, {1, d}, Dtype::f64);
  for (const RopeLayout layout : layouts) {
    const RotaryPositions rope(d, layout, {.base = 100.0, .max_length = 5});
    const std::vector<double> y = rope(x, i).to_vector();
    for (size_t j = 0; j < 3; ++j) {
      const size_t a = layout == RopeLayout::interleaved ? 2 * j : j,
                   b = layout == RopeLayout::interleaved ? 2 * j + 1 : j + 3;
      const double angle = double(i) * std::pow(100.0, -2.0 * double(j) / double(d));
      CHECK(y[a] == Approx(row[a] * std::cos(angle) - row[b] * std::sin(angle)).epsilon(1e-14));
      CHECK(y[b] == Approx(row[a] * std::sin(angle) + row[b] * std::cos(angle)).epsilon(1e-14));
    }
  }
}

TEST_CASE("theorem: with rotary positions a score depends on the distance only") {
  manual_seed(1);
  const Tensor q = f64({1, 8}), k = f64({1, 8});
  for (const RopeLayout layout : layouts) {
    const RotaryPositions rope(8, layout);
    const auto score = [&](int64_t i, int64_t j) { return sum(rope(q, i) * rope(k, j)).item(); };
    for (const int64_t shift : {1, 17, 900}) {
      CHECK(score(3 + shift, 9 + shift) == Approx(score(3, 9)).epsilon(1e-11));
      CHECK(score(9 + shift, 3 + shift) == Approx(score(9, 3)).epsilon(1e-11));
    }
    CHECK(score(4, 4) == Approx(sum(q * k).item()).epsilon(1e-12));  // no distance, no turn
    CHECK(std::abs(score(3, 9) - score(9, 3)) > 1e-3);               // before is not after
    CHECK(sum(square(rope(q, 77))).item() == Approx(sum(square(q)).item()).epsilon(1e-12));
  }
}

TEST_CASE("rotary layouts: converted weights give the same scores, unconverted ones do not") {
  manual_seed(2);
  const int64_t heads = 3, d = 4, E = 5;
  const Tensor x = f64({2, 6, E}), w_q = f64({heads * d, E}), w_k = f64({heads * d, E}), b_q = f64({heads * d});
  const auto scores = [&](const Tensor& wq, const Tensor& wk, const Tensor& bq, RopeLayout layout) {
    const RotaryPositions rope(d, layout);
    const Tensor q = rope(split_heads(linear(x, wq, bq), heads)), k = rope(split_heads(linear(x, wk), heads));
    return matmul(q, k.transpose(-2, -1));
  };
  const RopeLayout half = RopeLayout::half_split, inter = RopeLayout::interleaved;
  const auto turned = [&](const Tensor& w) { return convert_rope(w, heads, half, inter); };
  const Tensor before = scores(w_q, w_k, b_q, half);
  CHECK(apart(scores(turned(w_q), turned(w_k), turned(b_q), inter), before) < 1e-12);
  CHECK(apart(scores(w_q, w_k, b_q, inter), before) > 0.1);
  CHECK(convert_rope(turned(w_q), heads, inter, half).to_vector() == w_q.to_vector());
  CHECK(convert_rope(w_q, heads, half, half).to_vector() == w_q.to_vector());
  // One head of width 4: rows 0 and 2 are the first pair, 1 and 3 the second.
  CHECK(convert_rope(arange(4), 1, half, inter).to_vector() == std::vector<double>{0, 2, 1, 3});
}

TEST_CASE("rotary positions hold what layers must") {
  manual_seed(3);
  for (const RopeLayout layout : layouts) {
    test::check_module(RotaryPositions(4, layout), {randn({2, 3, 4})});
    CHECK(RotaryPositions(4, layout)(randn({2, 5, 3, 4})).dtype() == Dtype::f32);
    CHECK(RotaryPositions(4, layout).state_dict().empty());
  }
}

TEST_CASE("rotary positions say what does not fit") {
  CHECK(message_of<ShapeError>([] { RotaryPositions(5, RopeLayout::half_split); }) ==
        "RotaryPositions: width 5: elements are rotated in pairs: the width of a head must be even");
  const RotaryPositions rope(4, RopeLayout::half_split, {.max_length = 6});
  CHECK(message_of<ShapeError>([&] { rope(zeros({5, 4}), 2); }) ==
        "RotaryPositions: input (5, 4) at position 2, table (6, 4): the input must be (…, n, 4) "
        "and end at position 6 at most: make max_length larger for longer sequences [in "
        "RotaryPositions]");
  CHECK_THROWS_AS(rope(zeros({2, 6})), ShapeError);
  CHECK(message_of<ShapeError>([] {
          convert_rope(zeros({6, 2}), 2, RopeLayout::half_split, RopeLayout::interleaved);
        }) == "convert_rope: projection (6, 2), 2 heads: must be (heads d, …) with d even");
}

TEST_CASE("ALiBi: slopes are the published ones") {
  CHECK(alibi_slopes(8, Dtype::f64).to_vector() ==
        std::vector<double>{0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625});
  CHECK(alibi_slopes(1, Dtype::f64).to_vector() == std::vector<double>{0.00390625});
  // Six heads: four of H = 4, then the first and third of H = 8.
  CHECK(alibi_slopes(6, Dtype::f64).to_vector() == std::vector<double>{0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125});
  CHECK(message_of([] { alibi_slopes(0); }) == "alibi_slopes: 0 heads: must be positive");
}

TEST_CASE("ALiBi takes from scores in proportion to the distance") {
  const Tensor bias = alibi_bias(2, 2, 3);
  CHECK(bias.shape() == Shape{1, 2, 2, 3});
  const double a = 1.0 / 16, b = 1.0 / 256;  // queries stand at positions 1 and 2
  CHECK(bias.to_vector() == std::vector<double>{-a, 0, -a, -2 * a, -a, 0, -b, 0, -b, -2 * b, -b, 0});
  manual_seed(4);
  const Tensor q = f64({2, 2, 5, 4}), k = f64({2, 2, 5, 4}), v = f64({2, 2, 5, 4});
  const Tensor distance = abs(arange(5, Dtype::f64).unsqueeze(1) - arange(5, Dtype::f64));
  const Tensor expected =
      softmax(matmul(q, k.transpose(-2, -1)) * 0.5 - alibi_slopes(2, Dtype::f64).reshape({2, 1, 1}) * distance, -1);
  const AttentionOptions o{.mask = alibi_bias(2, 5, 5, Dtype::f64)};
  CHECK(apart(attention(q, k, v, o).weights, expected) < 1e-14);
  CHECK(apart(scaled_dot_product_attention(q, k, v, o), matmul(expected, v)) < 1e-14);
  // Shifting everything by one position changes nothing: the bias, too, depends on distances only.
  const Tensor longer = alibi_bias(2, 6, 6, Dtype::f64);
  CHECK(apart(longer.slice(2, 1, 6).slice(3, 1, 6), alibi_bias(2, 5, 5, Dtype::f64)) == 0.0);
}
