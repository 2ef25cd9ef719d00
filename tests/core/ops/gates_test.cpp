// The gates of GRU and LSTM on each kernel table, against the plain twins.
#include <cmath>
#include <vector>

#include "support/catch.h"
#include "support/kernel_tables.h"
#include "support/reference.h"

using namespace heed::test;
using heed::reference::Row;
namespace plain = heed::core::plain;

namespace {

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
    Row gates_e(4 * count), h_e(count), dx_e(3 * count), dp_e(3 * count), dh_e(count);
    const Row before_e = wide(before);
    plain::gru(wide(x).data(), wide(p).data(), before_e.data(), gates_e.data(), h_e.data(), n);
    plain::gru_grad(gates_e.data(), before_e.data(), wide(g).data(), dx_e.data(), dp_e.data(), dh_e.data(), n);
    require_close(gates, gates_e);
    require_close(h, h_e);
    require_close(dx, dx_e);
    require_close(dp, dp_e);
    require_close(dh, dh_e);
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
    Row gates_e(5 * count), c_e(count), h_e(count), dx_e(4 * count), dc_e(count);
    const Row before_e = wide(before);
    plain::lstm(wide(x).data(), wide(p).data(), before_e.data(), gates_e.data(), c_e.data(), h_e.data(), n);
    plain::lstm_grad(gates_e.data(), before_e.data(), wide(g).data(), wide(g_cell).data(), dx_e.data(), dc_e.data(), n);
    require_close(gates, gates_e);
    require_close(c, c_e);
    require_close(h, h_e);
    require_close(dx, dx_e);
    require_close(dc, dc_e);
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
