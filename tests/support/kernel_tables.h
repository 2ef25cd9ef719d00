// Shared by the tests of the kernel tables: lengths with every kind of tail, input values, comparison.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <heed/core/kernels/dispatch.h>

#include "support/catch.h"
#include "support/reference.h"

namespace heed::test {

inline const std::vector<int64_t> lengths = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 100, 257, 1030, 5000};

template <class T> constexpr double tolerance = std::is_same_v<T, float> ? 4e-6 : 1e-13;

/// Values of both signs in random order, a function of the seed.
template <class T> std::vector<T> numbers(int64_t n, uint32_t seed) {
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<T>(static_cast<double>(seed >> 8) / (1 << 23) - 1) * T(3);
  }
  return x;
}

template <class T> reference::Row wide(const std::vector<T>& x) { return reference::Row(x.begin(), x.end()); }

template <class T> void require_close(const std::vector<T>& y, const reference::Row& expected, double scale = 1) {
  REQUIRE(y.size() == expected.size());
  for (size_t i = 0; i < y.size(); ++i) {
    CAPTURE(i, y[i], expected[i]);
    if (std::isnan(expected[i])) REQUIRE(std::isnan(y[i]));
    else if (std::isinf(expected[i])) REQUIRE(static_cast<double>(y[i]) == expected[i]);
    else
      REQUIRE(std::fabs(static_cast<double>(y[i]) - expected[i]) <=
              tolerance<T> * scale * (1 + std::fabs(expected[i])));
  }
}

/// Calls body(table, T{}) for each table that this machine can run and both element types.
template <class Body> void for_each_table(Body body) {
  for (const core::Kernels* table : core::supported_kernels()) {
    INFO(table->isa);
    body(table->f32, float{});
    body(table->f64, double{});
  }
}

}  // namespace heed::test
