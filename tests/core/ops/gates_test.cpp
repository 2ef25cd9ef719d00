// The gates of GRU and LSTM on each kernel table, against the plain twins.
#include <cmath>
#include <vector>

#include "support/catch.h"
#include "support/kernel_tables.h"
#include "support/reference.h"

using namespace heed::test;
namespace reference = heed::reference;

namespace {

// Unit i of each gate, of n units.
template <class T> std::vector<double> unit(const std::vector<T>& x, size_t i, size_t n) {
  std::vector<double> gates;
  for (size_t at = i; at < x.size(); at += n) gates.push_back(static_cast<double>(x[at]));
  return gates;
}

template <class T> void require_near(T y, double expected) {
  CAPTURE(y, expected);
  REQUIRE(std::fabs(static_cast<double>(y) - expected) <= tolerance<T> * (1 + std::fabs(expected)));
}

// For unit counts that exercise every tail.
template <class Body> void for_each_gate_table(Body body) {
  for_each_table([&](const auto& kernel, auto zero) {
    for (const int64_t n : {1, 3, 4, 8, 15, 16, 17, 33, 64}) {
      INFO(n << " units");
      body(kernel, zero, n);
    }
  });
}

}  // namespace

TEST_CASE("kernels: a step of a GRU and its gradient are the formulas, in place too") {
  for_each_gate_table([](const auto& kernel, auto zero, int64_t n) {
    using T = decltype(zero);
    const auto count = static_cast<size_t>(n);
    const std::vector<T> x = numbers<T>(3 * n, 1), p = numbers<T>(3 * n, 2);
    const std::vector<T> before = numbers<T>(n, 3), g = numbers<T>(n, 4);
    std::vector<T> gates(4 * count), h = before, dx(3 * count), dp(3 * count), dh = g;
    kernel.gru(x.data(), p.data(), h.data(), gates.data(), h.data(), n);
    kernel.gru_grad(gates.data(), before.data(), dh.data(), dx.data(), dp.data(), dh.data(), n);
    for (size_t i = 0; i < count; ++i) {
      const double was = static_cast<double>(before[i]);
      const std::vector<double> own = unit(p, i, count);
      const reference::GruUnit expected(unit(x, i, count).data(), own.data(), was);
      const reference::GruUnitGrad d(expected, own.data(), was, static_cast<double>(g[i]));
      require_near(h[i], expected.h);
      for (size_t k = 0; k < 3; ++k) {
        require_near(dx[k * count + i], d.x[k]);
        require_near(dp[k * count + i], d.p[k]);
      }
      require_near(dh[i], d.before);
    }
  });
}

TEST_CASE("kernels: a step of an LSTM and its gradient are the formulas, in place too") {
  for_each_gate_table([](const auto& kernel, auto zero, int64_t n) {
    using T = decltype(zero);
    const auto count = static_cast<size_t>(n);
    const std::vector<T> x = numbers<T>(4 * n, 5), p = numbers<T>(4 * n, 6);
    const std::vector<T> before = numbers<T>(n, 7), g = numbers<T>(n, 8), g_cell = numbers<T>(n, 9);
    std::vector<T> gates(5 * count), c = before, h(count), dx(4 * count), dc = g_cell;
    kernel.lstm(x.data(), p.data(), c.data(), gates.data(), c.data(), h.data(), n);
    kernel.lstm_grad(gates.data(), before.data(), g.data(), dc.data(), dx.data(), dc.data(), n);
    for (size_t i = 0; i < count; ++i) {
      const double was = static_cast<double>(before[i]);
      const reference::LstmUnit expected(unit(x, i, count).data(), unit(p, i, count).data(), was);
      const reference::LstmUnitGrad d(expected, was, static_cast<double>(g[i]), static_cast<double>(g_cell[i]));
      require_near(h[i], expected.h);
      require_near(c[i], expected.c);
      for (size_t k = 0; k < 4; ++k) require_near(dx[k * count + i], d.x[k]);
      require_near(dc[i], d.before);
    }
  });
}

TEST_CASE("kernels: large values and NaN pass through the gates") {
  for_each_gate_table([](const auto& kernel, auto zero, int64_t n) {
    using T = decltype(zero);
    const auto count = static_cast<size_t>(n);
    std::vector<T> x(4 * count, T(1e30)), p(4 * count, T(0)), h(count, T(0.25)), gates(5 * count);
    kernel.gru(x.data(), p.data(), h.data(), gates.data(), h.data(), n);
    for (const T v : h) REQUIRE(v == T(0.25));  // z = 1 keeps the state
    std::vector<T> c(count, T(0.5));
    kernel.lstm(x.data(), p.data(), c.data(), gates.data(), c.data(), h.data(), n);
    for (const T v : c) REQUIRE(v == T(1.5));
    x.assign(4 * count, static_cast<T>(NAN));
    kernel.gru(x.data(), p.data(), h.data(), gates.data(), h.data(), n);
    for (const T v : h) REQUIRE(std::isnan(v));
    kernel.lstm(x.data(), p.data(), c.data(), gates.data(), c.data(), h.data(), n);
    for (const T v : h) REQUIRE(std::isnan(v));
  });
}
