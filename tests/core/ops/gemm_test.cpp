// GEMM against the plain triple loop: shapes, layouts, batches, epilogues, and the same bits for
// any number of threads.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <vector>

#include <heed/core/ops/gemm.h>
#include <heed/core/parallel.h>

#include "support/catch.h"
#include "support/reference.h"

using heed::core::Gemm;
using heed::core::gemm;
namespace reference = heed::reference;

namespace {

struct Threads {
  int before = heed::num_threads();
  explicit Threads(int n) { heed::set_num_threads(n); }
  ~Threads() { heed::set_num_threads(before); }
};

template <class T> std::vector<T> numbers(int64_t n, uint32_t seed) {
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<T>(static_cast<double>(seed >> 8) / (1 << 23) - 1);
  }
  return x;
}

/// A matrix in memory with gaps, its elements at i·row + j·col.
template <class T> struct Matrix {
  int64_t rows, cols, row, col, batch_stride;
  std::vector<T> data;

  // order 'r' row-major, 'c' column-major, 's' neither axis contiguous; `gap` more between the lines.
  Matrix(int64_t m, int64_t n, char order, int64_t gap, int64_t batch, uint32_t seed) : rows(m), cols(n) {
    row = order == 'c' ? 1 : order == 's' ? 2 * n + gap : n + gap;
    col = order == 'c' ? m + gap : order == 's' ? 2 : 1;
    batch_stride = (order == 'c' ? n * col : m * row) + gap;
    data = numbers<T>(batch * batch_stride + 1, seed);
  }

  reference::Row dense(int64_t entry) const {
    reference::Row x;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j)
        x.push_back(data[static_cast<size_t>(entry * batch_stride + i * row + j * col)]);
    }
    return x;
  }
};

template <class T>
void check_product(int64_t m, int64_t n, int64_t k, char a_order, char b_order, int64_t gap, int64_t batch,
                   bool accumulate, bool with_bias) {
  const Matrix<T> a(m, k, a_order, gap, batch, 1), b(k, n, b_order, gap, batch, 2);
  Matrix<T> c(m, n, 'r', gap, batch, 3);
  const std::vector<T> bias = numbers<T>(n, 4);
  const Matrix<T> before = c;
  gemm(Gemm<T>{m, n, k, a.data.data(), a.row, a.col, b.data.data(), b.row, b.col, c.data.data(), c.row, accumulate,
               with_bias ? bias.data() : nullptr, batch, a.batch_stride, b.batch_stride, c.batch_stride});
  CAPTURE(m, n, k, a_order, b_order, gap, batch, accumulate, with_bias);
  const double bound = (std::is_same_v<T, float> ? 4e-7 : 1e-15) * (2 + static_cast<double>(k));
  double worst = 0;
  std::vector<bool> written(c.data.size(), false);
  for (int64_t entry = 0; entry < batch; ++entry) {
    const reference::Row expected = reference::matmul(a.dense(entry), b.dense(entry), m, n, k);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const auto at = static_cast<size_t>(entry * c.batch_stride + i * c.row + j);
        double e = expected[static_cast<size_t>(i * n + j)];
        if (accumulate) e += static_cast<double>(before.data[at]);
        if (with_bias) e += static_cast<double>(bias[static_cast<size_t>(j)]);
        worst = std::max(worst, std::fabs(static_cast<double>(c.data[at]) - e));
        written[at] = true;
      }
    }
  }
  REQUIRE(worst <= bound);
  for (size_t i = 0; i < c.data.size(); ++i) {
    if (!written[i]) REQUIRE(c.data[i] == before.data[i]);  // nothing beside C is touched
  }
}

}  // namespace

TEST_CASE("gemm: every small shape") {
  for (int64_t m : {1, 2, 3, 5, 7, 12, 13, 17, 25}) {
    for (int64_t n : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 47, 63, 65}) {
      for (int64_t k : {1, 2, 7, 33}) {
        check_product<float>(m, n, k, 'r', 'r', 0, 1, false, false);
        check_product<double>(m, n, k, 'r', 'r', 0, 1, false, false);
      }
    }
  }
}

TEST_CASE("gemm: every layout, with gaps, batches, bias and accumulation") {
  for (const auto& [m, n, k] :
       {std::tuple{1, 40, 30}, {40, 1, 30}, {1, 1, 70}, {64, 32, 64}, {9, 33, 17}, {70, 90, 110}, {3, 600, 5}}) {
    for (char a : {'r', 'c', 's'}) {
      for (char b : {'r', 'c', 's'}) {
        for (int64_t gap : {0, 3}) {
          for (int64_t batch : {1, 3}) {
            check_product<float>(m, n, k, a, b, gap, batch, false, true);
            check_product<float>(m, n, k, a, b, gap, batch, true, false);
            check_product<double>(m, n, k, a, b, gap, batch, true, true);
          }
        }
      }
    }
  }
}

TEST_CASE("gemm: large enough for every block and its ragged edge") {
  for (const auto& [m, n, k] :
       {std::tuple{130, 200, 400}, {257, 65, 1000}, {50, 1100, 385}, {500, 70, 90}, {1, 3000, 700}, {2000, 1, 900}}) {
    for (char a : {'r', 'c'}) {
      for (char b : {'r', 'c'}) {
        check_product<float>(m, n, k, a, b, 0, 1, false, true);
        check_product<double>(m, n, k, a, b, 1, 1, true, false);
      }
    }
  }
}

TEST_CASE("gemm: stride 0 repeats a row, a column, a matrix") {
  const int64_t m = 20, n = 35, k = 14;
  const std::vector<float> a = numbers<float>(m * k, 1), b = numbers<float>(k * n, 2);
  std::vector<float> c(static_cast<size_t>(3 * m * n));
  gemm(Gemm<float>{m, n, k, a.data(), 0, 1, b.data(), 0, 1, c.data(), n});  // equal rows in both
  for (int64_t j = 0; j < n; ++j) {
    double e = 0;
    for (int64_t l = 0; l < k; ++l) e += static_cast<double>(a[static_cast<size_t>(l)]) * b[static_cast<size_t>(j)];
    for (int64_t i = 0; i < m; ++i) REQUIRE(c[static_cast<size_t>(i * n + j)] == Approx(e).margin(1e-5));
  }
  Gemm<float> p{m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n};
  p.batch = 3, p.b_batch = 0, p.a_batch = 0, p.c_batch = m * n;
  gemm(p);
  for (size_t i = 0; i < static_cast<size_t>(m * n); ++i) {
    REQUIRE(c[i] == c[i + static_cast<size_t>(m * n)]);
    REQUIRE(c[i] == c[i + static_cast<size_t>(2 * m * n)]);
  }
}

TEST_CASE("gemm: empty sizes") {
  std::vector<float> c(6, 3.0f);
  const std::vector<float> bias = {1, 2, 3};
  const float none = 0;
  Gemm<float> p{2, 3, 0, &none, 0, 1, &none, 3, 1, c.data(), 3};
  p.accumulate = true, p.bias = bias.data();
  gemm(p);
  REQUIRE(c == std::vector<float>{4, 5, 6, 4, 5, 6});
  p.accumulate = false;
  gemm(p);
  REQUIRE(c == std::vector<float>{1, 2, 3, 1, 2, 3});
  p.bias = nullptr;
  gemm(p);
  REQUIRE(c == std::vector<float>(6, 0.0f));
  p.m = 0, p.k = 5;
  gemm(p);
  p.m = 2, p.batch = 0;
  gemm(p);
  REQUIRE(c == std::vector<float>(6, 0.0f));
}

TEST_CASE("gemm: NaN and infinity reach the result, and what was in C does not") {
  for (const auto& [m, n, k] : {std::tuple{5, 20, 9}, {130, 140, 70}, {1, 50, 40}, {50, 1, 40}}) {
    std::vector<float> a(static_cast<size_t>(m * k), 1.0f), b(static_cast<size_t>(k * n), 1.0f);
    std::vector<float> c(static_cast<size_t>(m * n), std::numeric_limits<float>::quiet_NaN());
    a[0] = std::numeric_limits<float>::quiet_NaN();
    b[static_cast<size_t>(k * n - 1)] = std::numeric_limits<float>::infinity();
    gemm(Gemm<float>{m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n});
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const float v = c[static_cast<size_t>(i * n + j)];
        CAPTURE(m, n, k, i, j);
        if (i == 0) REQUIRE(std::isnan(v));
        else if (j == n - 1) REQUIRE(std::isinf(v));
        else REQUIRE(v == static_cast<float>(k));
      }
    }
  }
}

TEST_CASE("gemm: the same bits for any number of threads") {
  for (const auto& [m, n, k, batch] : {std::tuple{300, 200, 500, 1},
                                       {64, 64, 32, 48},
                                       {130, 130, 130, 5},
                                       {1, 5000, 300, 1},
                                       {5000, 1, 300, 1},
                                       {20, 3000, 64, 1},
                                       {3000, 20, 64, 2},
                                       {7, 9, 11, 1000}}) {
    for (bool transposed : {false, true}) {
      const std::vector<float> a = numbers<float>(m * k * batch, 1), b = numbers<float>(k * n * batch, 2);
      std::vector<float> first;
      for (int threads : {1, 2, 3, 7}) {
        const Threads scope(threads);
        std::vector<float> c(static_cast<size_t>(m * n * batch));
        gemm(Gemm<float>{m, n, k, a.data(), transposed ? 1 : k, transposed ? m : 1, b.data(), transposed ? 1 : n,
                         transposed ? k : 1, c.data(), n, false, nullptr, batch, m * k, k * n, m * n});
        if (first.empty()) first = c;
        CAPTURE(m, n, k, batch, transposed, threads);
        REQUIRE(std::memcmp(first.data(), c.data(), c.size() * sizeof(float)) == 0);
      }
    }
  }
}

TEST_CASE("gemm: few rows of a wide matrix") {
  for (int64_t m : {1, 2, 3, 8, 9})
    for (int64_t n : {63, 64, 65, 100})
      for (int64_t k : {1, 63, 64, 100})
        for (char b : {'r', 'c'}) check_product<float>(m, n, k, 'r', b, 0, 1, false, true);
  check_product<float>(5, 4097, 3, 'r', 'c', 0, 1, false, false);  // more columns than are packed at once
}
