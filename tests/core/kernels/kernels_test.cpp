// The kernel tables that this machine can run, each against the plain twins: elementwise, reductions, the optimizer, layout.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <heed/core/error.h>
#include <heed/core/kernels/dispatch.h>

#include "support/catch.h"
#include "support/kernel_tables.h"
#include "support/reference.h"

using namespace heed::core;
namespace plain = heed::core::plain;
namespace reference = heed::reference;
using heed::test::for_each_table, heed::test::lengths, heed::test::numbers, heed::test::require_close,
    heed::test::tolerance, heed::test::wide;
using reference::infinity;
using reference::Row;

TEST_CASE("kernels: the table is chosen by name, and a wrong name is refused") {
  for (const Kernels* table : supported_kernels()) REQUIRE(&choose_kernels(table->isa) == table);
  for (const char* unset : {static_cast<const char*>(nullptr), ""})
    REQUIRE(&choose_kernels(unset) == supported_kernels().front());
  REQUIRE(supported_kernels().back()->isa == std::string("plain"));
  REQUIRE(supported_kernels()[supported_kernels().size() - 2]->isa == std::string("baseline"));
  std::string names;
  for (const Kernels* table : supported_kernels()) names += (names.empty() ? "" : ", ") + std::string(table->isa);
  REQUIRE_THROWS_WITH(
      choose_kernels("sse9"),
      "HEED_ISA: \"sse9\": not an instruction set of this machine: use one of " + names + ", or unset it");
}

TEST_CASE("kernels: no table lacks an entry") {
  const auto whole = [](const auto& kernels) {
    // Pointers to functions, all of them, and two sizes that fill one's room.
    uintptr_t entries[sizeof kernels / sizeof(uintptr_t)];
    std::memcpy(entries, &kernels, sizeof kernels);
    for (const uintptr_t entry : entries) REQUIRE(entry != 0);
  };
  for (const Kernels* table : supported_kernels()) {
    INFO(table->isa);
    whole(table->f32);
    whole(table->f64);
    whole(table->compact);
  }
}

TEST_CASE("kernels: binary ops with every kind of stride") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 3, 16, 37, 100}) {
      std::vector<T> a = numbers<T>(5 * n, 1), b = numbers<T>(5 * n, 2), y(static_cast<size_t>(n + 1), T(-7));
      for (T& v : a) v = std::fabs(v) + T(0.1);
      for (int op = 0; op < static_cast<int>(Binary::count); ++op) {
        for (int64_t sa : {0, 1, 2, 5}) {
          for (int64_t sb : {0, 1, 3}) {
            kernel.binary[op](a.data(), sa, b.data(), sb, y.data(), n);
            for (int64_t i = 0; i < n; ++i) {
              const double expected = plain::definition(static_cast<Binary>(op))
                                          .of(a[static_cast<size_t>(i * sa)], b[static_cast<size_t>(i * sb)]);
              CAPTURE(op, n, sa, sb, i);
              REQUIRE(y[static_cast<size_t>(i)] == Approx(expected).epsilon(tolerance<T>));
            }
            REQUIRE(y.back() == T(-7));
          }
        }
      }
    }
  });
}

TEST_CASE("kernels: unary ops with every kind of stride, and in place") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 5, 16, 70}) {
      std::vector<T> x = numbers<T>(4 * n, 3), y(static_cast<size_t>(n + 1), T(-7));
      for (int64_t stride : {0, 1, 2, 4}) {
        kernel.unary[static_cast<int>(Unary::square)](x.data(), stride, y.data(), n);
        for (int64_t i = 0; i < n; ++i) {
          const T v = x[static_cast<size_t>(i * stride)];
          REQUIRE(y[static_cast<size_t>(i)] == v * v);
        }
        REQUIRE(y.back() == T(-7));
      }
      const std::vector<T> before = x;
      kernel.unary[static_cast<int>(Unary::neg)](x.data(), 1, x.data(), n);
      for (int64_t i = 0; i < 4 * n; ++i)
        REQUIRE(x[static_cast<size_t>(i)] == (i < n ? -1 : 1) * before[static_cast<size_t>(i)]);
    }
  });
}

TEST_CASE("kernels: pow with one exponent, and at the edges") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const std::vector<T> x = {T(-2), T(-0.5), T(0), T(1), T(1.5), T(3), T(infinity), T(-infinity), T(std::nan(""))};
    std::vector<T> y(x.size());
    for (double exponent : {0.0, 1.0, 2.0, 3.0, 0.5, -1.0, -2.0}) {
      const T e = static_cast<T>(exponent);
      kernel.binary[static_cast<int>(Binary::pow)](x.data(), 1, &e, 0, y.data(), static_cast<int64_t>(x.size()));
      Row expected;
      for (T v : x) expected.push_back(std::pow(static_cast<double>(v), exponent));
      require_close(y, expected);
    }
  });
}

TEST_CASE("kernels: maximum and minimum let NaN through from either side") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const std::vector<T> a = {nan, 1, nan, 1}, b = {2, nan, nan, 2};
    std::vector<T> y(4);
    for (const Binary op : {Binary::maximum, Binary::minimum}) {
      kernel.binary[static_cast<int>(op)](a.data(), 1, b.data(), 1, y.data(), 4);
      REQUIRE((std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2])));
      REQUIRE(y[3] == (op == Binary::maximum ? 2 : 1));
    }
  });
}

TEST_CASE("kernels: sum, dot, max, axpy at every length") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : lengths) {
      CAPTURE(n);
      const std::vector<T> x = numbers<T>(n, 5), y = numbers<T>(n, 6);
      const double scale = std::sqrt(static_cast<double>(n));
      REQUIRE(std::fabs(kernel.sum(x.data(), n) - reference::sum(wide(x))) <= tolerance<T> * scale);
      REQUIRE(std::fabs(kernel.dot(x.data(), y.data(), n) - reference::dot(wide(x), wide(y))) <=
              3 * tolerance<T> * scale);
      REQUIRE(kernel.max(x.data(), n) == static_cast<T>(reference::max(wide(x))));
      std::vector<T> z = y;
      kernel.axpy(T(2.5), x.data(), z.data(), n);
      Row expected = wide(y);
      plain::axpy(2.5, wide(x).data(), expected.data(), n);
      require_close(z, expected);
    }
  });
}

TEST_CASE("kernels: rows are added in order, at every width") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : lengths) {
      CAPTURE(n);
      const int64_t row = n + 3, rows = 5;  // rows that do not follow each other
      const std::vector<T> x = numbers<T>(row * rows, 7), y = numbers<T>(n, 8);
      std::vector<T> sum = y, expected = y;
      kernel.add_rows(x.data(), row, rows, sum.data(), n);
      plain::add_rows(x.data(), row, rows, expected.data(), n);
      REQUIRE(sum == expected);  // the same additions: the same bits
    }
  });
}

TEST_CASE("kernels: sums are pairwise: their error does not grow with the length") {
  for (const Kernels* table : supported_kernels()) {
    const std::vector<float> x(1 << 22, 0.1f);
    const double exact = static_cast<double>(x[0]) * static_cast<double>(x.size());
    INFO(table->isa);
    REQUIRE(std::fabs(table->f32.sum(x.data(), 1 << 22) / exact - 1) < 3e-7);
  }
}

TEST_CASE("kernels: max gives NaN wherever it stands") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 2, 9, 40, 70}) {
      for (int64_t where = 0; where < n; ++where) {
        std::vector<T> x = numbers<T>(n, 7);
        x[static_cast<size_t>(where)] = std::numeric_limits<T>::quiet_NaN();
        CAPTURE(n, where);
        REQUIRE(std::isnan(kernel.max(x.data(), n)));
      }
    }
  });
}

TEST_CASE("kernels: one step of AdamW") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 7, 16, 50}) {
      std::vector<T> p = numbers<T>(n, 16), g = numbers<T>(n, 17), m = numbers<T>(n, 18), v = numbers<T>(n, 19);
      for (T& x : v) x = x * x;
      Row pe = wide(p), me = wide(m), ve = wide(v);
      kernel.adamw(p.data(), g.data(), m.data(), v.data(), n, T(0.1), T(0.001), T(1e-2), T(1e-8), T(0.01));
      plain::adamw(pe.data(), wide(g).data(), me.data(), ve.data(), n, 0.1, 0.001, 1e-2, 1e-8, 0.01);
      require_close(p, pe);
      require_close(m, me);
      require_close(v, ve, 2);
    }
  });
}

TEST_CASE("kernels: where, with operands contiguous, repeated or strided") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    bool mask[200];
    for (int i = 0; i < 200; ++i) mask[i] = (i * 7919 % 13) < 6;
    for (int64_t n : {1, 3, 16, 47, 64}) {
      const std::vector<T> a = numbers<T>(3 * n + 1, 23), b = numbers<T>(3 * n + 1, 29);
      for (int64_t m : {0, 1, 3})
        for (int64_t da : {0, 1, 3})
          for (int64_t db : {0, 1, 3}) {
            std::vector<T> y(static_cast<size_t>(n + 1), T(7)), expected = y;
            kernel.where(mask, m, a.data(), da, b.data(), db, y.data(), n);
            plain::where(mask, m, a.data(), da, b.data(), db, expected.data(), n);
            REQUIRE(y == expected);
          }
    }
  });
}

TEST_CASE("kernels: a product over no steps is zero, whatever C held") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const int64_t m = 2 * kernel.tile_rows + 3, n = 2 * kernel.tile_columns + 7;
    const std::vector<T> bias = numbers<T>(n, 5);
    for (const bool accumulate : {false, true})
      for (const bool with_bias : {false, true}) {
        const T before = accumulate ? T(2) : std::numeric_limits<T>::quiet_NaN();
        std::vector<T> c(static_cast<size_t>(m * n), before);
        kernel.gemm_block(
            {m, n, 0, &zero, 1, 1, 0, &zero, n, 0, c.data(), n, accumulate, with_bias ? bias.data() : nullptr});
        for (int64_t i = 0; i < m * n; ++i) {
          CAPTURE(accumulate, with_bias, i);
          REQUIRE(c[static_cast<size_t>(i)] ==
                  (accumulate ? T(2) : T(0)) + (with_bias ? bias[static_cast<size_t>(i % n)] : T(0)));
        }
      }
  });
}

TEST_CASE("kernels: transposition and packing move every element to its position and touch no other") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t rows : {1, 3, 4, 9, 16, 33}) {
      for (int64_t columns : {1, 2, 4, 7, 20}) {
        const std::vector<T> x = numbers<T>(rows * (columns + 2), 24);
        std::vector<T> y(static_cast<size_t>(columns * (rows + 1)), T(-7)), expected = y;
        kernel.transpose(x.data(), columns + 2, rows, columns, y.data(), rows + 1);
        plain::transpose(x.data(), columns + 2, rows, columns, expected.data(), rows + 1);
        REQUIRE(y == expected);
      }
    }
    const std::vector<T> x = numbers<T>(200 * 200, 25);
    for (int64_t width : {int64_t{kernel.tile_rows}, int64_t{kernel.tile_columns}}) {
      for (int64_t n : {1, 5, 33, 100}) {
        for (const auto& [across, along] : {std::pair{1, 150}, {150, 1}, {3, 170}}) {
          const int64_t k = 9, panels = (n + width - 1) / width;
          std::vector<T> y(static_cast<size_t>(panels * width * k), T(-7)), expected = y;
          kernel.pack(x.data(), across, along, n, k, width, y.data());
          plain::pack(x.data(), across, along, n, k, width, expected.data());
          CAPTURE(width, n, across, along);
          REQUIRE(y == expected);
        }
      }
    }
  });
}
