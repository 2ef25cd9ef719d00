#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include <heed/core/kernels/dispatch.h>
#include <heed/core/ops/ops.h>
#include <heed/core/random.h>
#include <heed/core/streaming.h>

#include "support/catch.h"
#include "support/sanitizer.h"

using namespace heed;
using core::Array;

TEST_CASE("streaming: a kernel fills the whole result and nothing beside it, as the plain one") {
  const std::vector<float> one = {3.0f};
  for (const core::Kernels* table : core::supported_kernels()) {
    INFO(table->isa);
    for (const int64_t n : {0, 1, 15, 16, 33, 2048, 9001}) {
      for (const int64_t start : {0, 1, 3}) {  // streamed stores want aligned addresses
        std::vector<float> x(static_cast<size_t>(n + 8)), y(static_cast<size_t>(n + 8), -1.0f);
        for (size_t i = 0; i < x.size(); ++i) x[i] = 0.7f * static_cast<float>(i) - 20.3f;
        std::vector<float> expected = y;
        const auto is_expected = [&] {  // to the bit: exp of a value that large is infinite, and inf - inf is NaN
          REQUIRE(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)) == 0);
          std::fill(y.begin(), y.end(), -1.0f);
          std::fill(expected.begin(), expected.end(), -1.0f);
        };
        std::copy_n(x.begin(), n, expected.begin() + start);
        table->f32.stream(x.data(), y.data() + start, n);
        is_expected();
        for (const core::Binary f : {core::Binary::add, core::Binary::div, core::Binary::pow}) {
          for (const int64_t step : {0, 1}) {
            const auto k = static_cast<size_t>(f);
            table->f32.binary[k](x.data() + 1, 1, step ? x.data() : one.data(), step, expected.data() + start, n);
            table->f32.binary_streamed[k](x.data() + 1, 1, step ? x.data() : one.data(), step, y.data() + start, n);
            is_expected();
          }
        }
        for (size_t k = 0; k < static_cast<size_t>(core::Unary::count); ++k) {
          for (const int64_t step : {0, 1, 2}) {
            table->f32.unary[k](x.data(), step, expected.data() + start, step == 2 ? n / 2 : n);
            table->f32.unary_streamed[k](x.data(), step, y.data() + start, step == 2 ? n / 2 : n);
            is_expected();
          }
        }
        table->f32.exp_minus(x.data(), 2.5f, 0.3f, expected.data() + start, n);
        table->f32.exp_minus_streamed(x.data(), 2.5f, 0.3f, y.data() + start, n);
        is_expected();
        table->f32.binary[0](x.data(), 1, x.data(), 2, expected.data() + start, n / 2);
        table->f32.binary_streamed[0](x.data(), 1, x.data(), 2, y.data() + start, n / 2);
        is_expected();
      }
    }
  }
}

TEST_CASE("streaming: rows that are normalised past the caches are, to the bit, the plain kernel's") {
  const auto check = [](const auto& kernels, auto zero, int64_t rows, int64_t n, int64_t start) {
    using T = decltype(zero);
    CAPTURE(rows, n, start, sizeof(T));
    std::vector<T> x(static_cast<size_t>(rows * n)), w(static_cast<size_t>(n)), b = w;
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>((i * 7919 + 13) % 1009) / T(64) - T(3);
    for (size_t i = 0; i < w.size(); ++i) w[i] = T(1) + static_cast<T>(i % 5), b[i] = static_cast<T>(i % 7) - T(3);
    const size_t numel = static_cast<size_t>(start) + x.size() + 1;
    std::vector<T> expected(numel + 64, T(-1)), room = expected;
    T* line = room.data();  // a line of the cache begins here
    while (reinterpret_cast<uintptr_t>(line) % 64) ++line;
    std::vector<T> moments(static_cast<size_t>(4 * rows), T(-1));
    T* const m = moments.data();
    kernels.layer_norm(x.data(), rows, w.data(), b.data(), T(1e-5), expected.data() + start, m, m + rows, n);
    kernels.layer_norm_streamed(x.data(), rows, w.data(), b.data(), T(1e-5), line + start, m + 2 * rows, m + 3 * rows,
                                n);
    if (test::address_sanitizer) {  // its checks split expressions: a product is not always fused with its sum
      for (size_t i = 0; i < numel; ++i) REQUIRE(line[i] == Approx(expected[i]).epsilon(1e-5).margin(1e-5));
    } else {
      REQUIRE(std::memcmp(line, expected.data(), numel * sizeof(T)) == 0);
    }
    REQUIRE(std::memcmp(m, m + 2 * rows, static_cast<size_t>(2 * rows) * sizeof(T)) == 0);
  };
  for (const core::Kernels* table : core::supported_kernels()) {
    INFO(table->isa);
    for (const int64_t n : {1, 16, 64, 100, 1024, 2000}) {
      for (int64_t rows = 1; rows <= 5; ++rows) {
        for (const int64_t start : {0, 1, 16}) {
          check(table->f32, float{}, rows, n, start);
          check(table->f64, double{}, rows, n, start);
        }
      }
    }
  }
}

TEST_CASE("streaming: a transposition, past the caches or not, writes every element to its position and nothing else") {
  const auto check = [](const auto& kernels, auto zero, int64_t rows, int64_t columns, int64_t start, int64_t to_row) {
    using T = decltype(zero);
    const int64_t from_row = start ? columns : columns + 3;
    std::vector<T> x(static_cast<size_t>(rows * from_row));
    std::iota(x.begin(), x.end(), T(1));
    // Its first element lies at the start of a cache line, or `start` elements after it.
    std::vector<T> room(static_cast<size_t>(columns * to_row + 64), T(-1));
    T* y = room.data();
    while (reinterpret_cast<uintptr_t>(y) % 64 != 0) ++y;
    y += start;
    std::vector<T> expected = room;
    T* const z = expected.data() + (y - room.data());
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) z[j * to_row + i] = x[static_cast<size_t>(i * from_row + j)];
    std::vector<T> plain = room;
    kernels.transpose_streamed(x.data(), from_row, rows, columns, y, to_row);
    REQUIRE(room == expected);
    kernels.transpose(x.data(), from_row, rows, columns, plain.data() + (y - room.data()), to_row);
    REQUIRE(plain == expected);
  };
  for (const core::Kernels* table : core::supported_kernels()) {
    INFO(table->isa);
    for (const int64_t rows : {1, 16, 40, 64, 101, 290}) {  // of the last, several panels
      for (const int64_t columns : {1, 7, 16, 48, 67, 535}) {
        for (const int64_t start : {0, 1}) {
          for (const int64_t to_row : {(rows + 15) / 16 * 16, rows}) {
            CAPTURE(rows, columns, start, to_row);
            check(table->f32, 0.0f, rows, columns, start, to_row);
            check(table->f64, 0.0, rows, columns, start, to_row);
          }
        }
      }
    }
  }
}

TEST_CASE("streaming: results larger than the caches are those of their parts, bit for bit") {
  const int64_t rows = 9000, n = 1000;
  Array x({rows, n});
  Generator generator(1);
  core::fill_uniform(x, -2.0, 2.0, generator);
  const auto same = [&](const Array& y, const auto& op) {
    for (const int64_t r : {int64_t{0}, int64_t{4321}, rows - 1}) {
      const Array part = op(core::slice(x, 0, r, r + 1));
      for (int64_t i = 0; i < n; ++i) REQUIRE(y.data<float>()[r * n + i] == part.data<float>()[i]);
    }
  };
  const auto check = [&](const auto& op) { same(op(x), op); };
  check([](const Array& a) { return core::zip(core::Binary::mul, a, a); });
  check([](const Array& a) { return core::zip(core::Binary::add, 1.0, a); });
  check([](const Array& a) { return core::zip(core::Binary::maximum, a, core::full({1}, 0.25)); });
  check([](const Array& a) { return core::clone(a); });
  check([](const Array& a) { return core::map(core::Unary::exp, a); });
  check([](const Array& a) { return core::layer_norm(a, {}, {}, 1e-5).y; });
  const Array turned = core::clone(core::transpose(x, 0, 1));
  for (const int64_t i : {int64_t{0}, int64_t{517}, n - 1})
    for (int64_t r = 0; r < rows; ++r) REQUIRE(turned.data<float>()[i * rows + r] == x.data<float>()[r * n + i]);
}
