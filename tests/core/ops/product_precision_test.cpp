// The error of a product against its depth, on every path that gemm can take.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <heed/core/ops/gemm.h>

#include "support/catch.h"
#include "support/every_isa.h"

using heed::core::Gemm;
using heed::core::gemm;

namespace {

enum class Terms { both_signs, positive, half_zero };

std::vector<float> numbers(int64_t n, Terms terms, uint32_t seed) {
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<float>(seed >> 8) / (1 << 23) - 1;
    if (terms == Terms::positive) v = std::fabs(v);
    if (terms == Terms::half_zero) v = std::max(v, 0.0f);
  }
  return x;
}

struct Path {
  const char* name;
  int64_t m, n;
  bool a_transposed, b_transposed;  // A is stored (k, m), B (n, k)
  int64_t most_depth, batch = 1;
};

constexpr int64_t deepest = 524288;
constexpr Path paths[] = {
    {"small, unpacked", 6, 2, false, false, 2048},
    {"few rows times transposed", 4, 3, false, true, deepest},
    {"one row times transposed", 1, 5, false, true, deepest},
    {"one row times matrix", 1, 70, false, false, deepest},
    {"one column", 70, 1, true, false, deepest},
    {"one number", 1, 1, false, false, deepest, 8},
    {"blocked", 20, 9, false, false, deepest},
    {"blocked, packed", 70, 20, true, true, 32768},
    {"a gradient of weights", 12, 12, true, false, deepest},
    {"a batch", 9, 17, false, false, 32768, 3},
};

// rms error / rms value of C = A B. A value that happens to be near 0 counts as √Σ (aᵢ bᵢ)², what it is for random signs.
double error_of(const Path& path, int64_t k, Terms terms) {
  const auto [name, m, n, a_t, b_t, most, batch] = path;
  const std::vector<float> a = numbers(batch * m * k, terms, 1);
  const std::vector<float> b = numbers(batch * k * n, terms == Terms::half_zero ? Terms::both_signs : terms, 2);
  std::vector<float> c(static_cast<size_t>(batch * m * n));
  gemm(Gemm<float>{m, n, k, a.data(), a_t ? 1 : k, a_t ? m : 1, b.data(), b_t ? 1 : n, b_t ? k : 1, c.data(), n, false,
                   nullptr, batch, m * k, k * n, m * n});
  double squares = 0, errors = 0;
  for (int64_t p = 0; p < batch; ++p)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        const float* const x = a.data() + p * m * k + i * (a_t ? 1 : k);
        const float* const y = b.data() + p * k * n + j * (b_t ? k : 1);
        double exact = 0, random = 0;
        for (int64_t l = 0; l < k; ++l) {
          const double term = static_cast<double>(x[l * (a_t ? m : 1)]) * static_cast<double>(y[l * (b_t ? 1 : n)]);
          exact += term;
          random += term * term;
        }
        const double off = static_cast<double>(c[static_cast<size_t>((p * m + i) * n + j)]) - exact;
        squares += std::max(exact * exact, random);
        errors += off * off;
      }
  return std::sqrt(errors / squares);
}

}  // namespace

// PyTorch 2.13's f32 products of normal numbers are off by 2.5e-7 at K = 1,024, 3.4e-7 at 32,768 and 9.7e-7 at
// 524,288, rms (tests/golden/measure_f32_error.py). A sum of 384 products in a row is off by 3.3e-7, whatever comes
// after it.
TEST_CASE("the error of a product stays that of short sums, however deep it is, on every path", "[precision]") {
  for (const Path& path : paths)
    for (const int64_t k : {int64_t{1024}, int64_t{2048}, int64_t{32768}, deepest}) {
      if (k > path.most_depth) continue;
      for (const Terms terms : {Terms::both_signs, Terms::positive, Terms::half_zero}) {
        const double error = error_of(path, k, terms);
        CAPTURE(path.name, k, static_cast<int>(terms), error);
        CHECK(error < (k < deepest ? 4.0e-7 : 1.0e-6));
      }
    }
}

TEST_CASE("a bias is added after the last block: it costs the product no digits") {
  const int64_t k = 2000;
  for (const auto& [m, n] : {std::pair{1, 70}, {70, 1}, {4, 3}, {20, 90}})
    for (const bool b_transposed : {false, true}) {
      // All sums of these are exact; beside the bias they would be rounded, block by block.
      const float term = 0x1.8p-13f;
      std::vector<float> a(static_cast<size_t>(m * k), 1.0f), b(static_cast<size_t>(k * n), term);
      std::vector<float> bias(static_cast<size_t>(n), 4096.0f), c(static_cast<size_t>(m * n));
      gemm(Gemm<float>{m, n, k, a.data(), k, 1, b.data(), b_transposed ? 1 : n, b_transposed ? k : 1, c.data(), n,
                       false, bias.data()});
      CAPTURE(m, n, b_transposed);
      for (const float v : c) REQUIRE(v == 4096.0f + static_cast<float>(k) * term);
    }
}

TEST_CASE("products are as exact under every instruction set") {
  heed::test::require_under_every_isa("test_core", "[precision]");
}
