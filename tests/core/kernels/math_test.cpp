// The elementwise functions against their definitions in double, over all kinds of float.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <heed/core/kernels/dispatch.h>
#include <heed/core/kernels/plain.h>

#include "support/catch.h"

using namespace heed::core;
namespace plain = heed::core::plain;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

struct Bound {
  Unary op;
  double max_ulp;                 // over all finite floats …
  double low = -inf, high = inf;  // … in this range

  const char* name() const { return plain::definition(op).name; }
  double exact(double x) const { return plain::definition(op).of(x); }
};

const Bound bounds[] = {
    {Unary::neg, 0},
    {Unary::abs, 0},
    {Unary::sign, 0},
    {Unary::square, 0.5},
    {Unary::sqrt, 0.5},
    {Unary::rsqrt, 1.5},
    {Unary::reciprocal, 0.5},
    {Unary::exp, 1.1},
    {Unary::expm1, 1.5},
    {Unary::log, 1.0},
    {Unary::log1p, 2.0},
    {Unary::sin, 1.0},
    {Unary::cos, 1.0},
    {Unary::tanh, 3.0},
    {Unary::sigmoid, 2.5},
    {Unary::erf, 1.5},
    {Unary::relu, 0},
    {Unary::gelu, 4.5, -1, 1e30},
    {Unary::gelu, 12, -5, -1},
    {Unary::gelu_tanh, 4, -0.5, 1e10},
    {Unary::silu, 3, -80, 1e30},
    {Unary::softplus, 2, -80, inf},
    {Unary::floor, 0},
    {Unary::ceil, 0},
    {Unary::round, 0},
};

/// Distance of y from the exact value in units of the last place of the float next to it.
double ulp_error(float y, double exact) {
  if (std::isnan(exact) || std::isnan(y)) return std::isnan(exact) && std::isnan(y) ? 0 : inf;
  const auto nearest = static_cast<float>(exact);
  if (std::isinf(nearest) || std::isinf(y)) {
    // Rounding at the border of the range: the largest float may stand in for infinity, one ulp
    // away.
    return nearest == y ? 0 : std::nextafter(y, nearest) == nearest ? 1 : inf;
  }
  const double ulp =
      std::max<double>(std::ldexp(1.0, std::ilogb(exact == 0 ? 1e-45 : exact) - 23), 1.401298464324817e-45);
  return std::fabs(static_cast<double>(y) - exact) / ulp;
}

std::vector<float> all_kinds_of_float(uint32_t stride) {
  std::vector<float> x;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += stride) {
    const auto word = static_cast<uint32_t>(bits);
    float v;
    std::memcpy(&v, &word, sizeof v);
    x.push_back(v);
  }
  // Where the functions are steep or change their form.
  for (float v = -20; v < 20; v += 0.00371f) x.push_back(v);
  for (float v :
       {0.0f,   -0.0f,  inf,     -inf,    nan_value, 1.0f,    -1.0f,      0.5f,       -0.5f,  1.5f,   2.5f,   -2.5f,
        88.72f, 88.73f, -87.33f, -103.9f, 104.5f,    -150.0f, 8388607.5f, 4194304.5f, 1e-38f, 1e-45f, 3.4e38f}) {
    x.push_back(v);
  }
  return x;
}

double worst(const KernelsOf<float>& kernel, const Bound& f, const std::vector<float>& x, float* where) {
  std::vector<float> y(x.size());
  kernel.unary[static_cast<int>(f.op)](x.data(), 1, y.data(), static_cast<int64_t>(x.size()));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(x[i]) && (x[i] < f.low || x[i] > f.high)) continue;
    if (std::isinf(x[i]) && f.low > -inf) continue;  // inf · 0 inside: as in PyTorch, not a limit
    const double error = ulp_error(y[i], f.exact(x[i]));
    if (error > worst) worst = error, *where = x[i];
  }
  return worst;
}

}  // namespace

TEST_CASE("math: every function has an error bound") {
  for (int op = 0; op < static_cast<int>(Unary::count); ++op) {
    const auto has_op = [op](const Bound& bound) { return bound.op == static_cast<Unary>(op); };
    CAPTURE(op);
    REQUIRE(std::any_of(std::begin(bounds), std::end(bounds), has_op));
  }
}

TEST_CASE("math: float functions keep their error bounds over all kinds of float") {
  const std::vector<float> x = all_kinds_of_float(70001);
  for (const Kernels* table : supported_kernels()) {
    for (const Bound& f : bounds) {
      float where = 0;
      const double error = worst(table->f32, f, x, &where);
      INFO(table->isa << " " << f.name() << ": " << error << " ulp at " << where);
      CHECK(error <= f.max_ulp);
    }
  }
}

TEST_CASE("math: float functions keep their error bounds, densely", "[slow]") {
  const std::vector<float> x = all_kinds_of_float(257);
  for (const Bound& f : bounds) {
    float where = 0;
    const double error = worst(kernels().f32, f, x, &where);
    INFO(f.name() << ": " << error << " ulp at " << where);
    CHECK(error <= f.max_ulp);
  }
}

TEST_CASE("math: double functions agree with the C library") {
  std::vector<double> x;
  for (double v = -30; v < 30; v += 0.0173) x.push_back(v);
  for (double v :
       {0.0, -0.0, 1e-300, -1e-300, 1e300, -1e300, 1e-20, -1e-20, 700.0, -700.0, 0.5, 2.5, 4503599627370495.5}) {
    x.push_back(v);
  }
  x.insert(x.end(), {plain::infinity, -plain::infinity, std::nan("")});
  for (const Kernels* table : supported_kernels()) {
    for (const Bound& f : bounds) {
      std::vector<double> y(x.size());
      table->f64.unary[static_cast<int>(f.op)](x.data(), 1, y.data(), static_cast<int64_t>(x.size()));
      for (size_t i = 0; i < x.size(); ++i) {
        if (std::isinf(x[i]) && f.low > -inf) continue;
        if (x[i] < f.low || x[i] > f.high) continue;
        const double exact = f.exact(x[i]);
        CAPTURE(table->isa, f.name(), x[i], y[i], exact);
        if (std::isnan(exact)) REQUIRE(std::isnan(y[i]));
        else if (std::isinf(exact)) REQUIRE(y[i] == exact);
        else REQUIRE(std::fabs(y[i] - exact) <= 4e-15 * std::fabs(exact) + 1e-300);
      }
    }
  }
}

TEST_CASE("math: the sign of zero and NaN come through") {
  for (const Kernels* table : supported_kernels()) {
    const auto f = [&](Unary op, float x) {
      float y = 7;
      table->f32.unary[static_cast<int>(op)](&x, 1, &y, 1);
      return y;
    };
    CAPTURE(table->isa);
    for (const Unary op : {Unary::expm1, Unary::log1p, Unary::sin, Unary::tanh, Unary::erf, Unary::sqrt, Unary::floor,
                           Unary::ceil, Unary::round, Unary::sign}) {
      REQUIRE(std::signbit(f(op, -0.0f)));
      REQUIRE(!std::signbit(f(op, 0.0f)));
    }
    REQUIRE(std::signbit(f(Unary::round, -0.3f)));
    REQUIRE(std::signbit(f(Unary::ceil, -0.3f)));
    for (int op = 0; op < static_cast<int>(Unary::count); ++op)
      REQUIRE(std::isnan(f(static_cast<Unary>(op), nan_value)));
  }
}

TEST_CASE("math: exp of a masked score is 0, not the smallest number") {
  for (const Kernels* table : supported_kernels()) {
    CAPTURE(table->isa);
    const std::vector<float> x = {-inf, -3e38f, -1e4f, -150.0f, -104.5f, -104.0f};
    std::vector<float> y(x.size(), 7.0f);
    table->f32.unary[static_cast<int>(Unary::exp)](x.data(), 1, y.data(), static_cast<int64_t>(x.size()));
    REQUIRE(y == std::vector<float>(x.size(), 0.0f));
  }
}

TEST_CASE("math: derivatives of the activations") {
  std::vector<double> x, g;
  for (double v = -9.01; v < 9; v += 0.0437) x.push_back(v), g.push_back(1.5 + v / 10);
  const std::vector<float> xf(x.begin(), x.end()), gf(g.begin(), g.end());
  std::vector<double> y(x.size());
  std::vector<float> yf(x.size());
  const auto n = static_cast<int64_t>(x.size());
  for (const Kernels* table : supported_kernels()) {
    for (const auto& [tag, f] : {std::pair{UnaryGrad::relu, Unary::relu},
                                 {UnaryGrad::gelu, Unary::gelu},
                                 {UnaryGrad::gelu_tanh, Unary::gelu_tanh},
                                 {UnaryGrad::silu, Unary::silu}}) {
      const auto of = plain::definition(f).of;
      table->f64.unary_grad[static_cast<int>(tag)](x.data(), g.data(), y.data(), n);
      table->f32.unary_grad[static_cast<int>(tag)](xf.data(), gf.data(), yf.data(), n);
      for (size_t i = 0; i < x.size(); ++i) {
        const double h = 1e-5;
        const double slope = (of(x[i] + h) - of(x[i] - h)) / (2 * h);
        CAPTURE(table->isa, plain::definition(f).name, x[i]);
        REQUIRE(y[i] == Approx(g[i] * slope).margin(1e-9));
        REQUIRE(yf[i] == Approx(g[i] * slope).epsilon(1e-5).margin(2e-6));
      }
    }
    const double t = std::tanh(0.7), s = plain::sigmoid(0.7), one = 2;
    table->f64.unary_grad[static_cast<int>(UnaryGrad::tanh_from_output)](&t, &one, y.data(), 1);
    REQUIRE(y[0] == Approx(2 * (1 - t * t)));
    table->f64.unary_grad[static_cast<int>(UnaryGrad::sigmoid_from_output)](&s, &one, y.data(), 1);
    REQUIRE(y[0] == Approx(2 * s * (1 - s)));
  }
}
