// 16-bit floats: rounding from f32 and f64. (Widening: files/element_types_test.cpp.)
#include <heed/core/half.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "support/catch.h"

using namespace heed::core;

namespace {

// The nearest of all finite values of the format, by its definition: ties go to the even one, beyond the last to infinity.
template <class Widen> uint16_t nearest(double x, uint16_t infinity, Widen widen) {
  uint16_t low = 0, high = infinity;  // of |x|
  while (high - low > 1) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    (static_cast<double>(widen(middle)) <= std::fabs(x) ? low : high) = middle;
  }
  const double step =
      static_cast<double>(widen(low)) - static_cast<double>(widen(static_cast<uint16_t>(low - (low > 0))));
  const double above = high == infinity ? static_cast<double>(widen(low)) + step : static_cast<double>(widen(high));
  const double to_low = std::fabs(x) - static_cast<double>(widen(low)), to_high = above - std::fabs(x);
  const uint16_t found = to_low < to_high || (to_low == to_high && low % 2 == 0) ? low : high;
  return static_cast<uint16_t>(found | (std::signbit(x) ? 0x8000 : 0));
}

}  // namespace

TEST_CASE("halves: every value of 16 bits is rounded to itself") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float f = float_from_half(half), b = float_from_bfloat16(half);
    if (std::isnan(f)) REQUIRE(std::isnan(float_from_half(half_from_float(f))));
    else REQUIRE(half_from_float(f) == half);
    if (std::isnan(b)) REQUIRE(std::isnan(float_from_bfloat16(bfloat16_from_float(b))));
    else REQUIRE(bfloat16_from_float(b) == half);
  }
}

TEST_CASE("halves: rounding is to nearest, ties to even, from f32 and from f64") {
  for (uint32_t bits = 0; bits < 0x7c00; bits += 7) {
    const double low = static_cast<double>(float_from_half(static_cast<uint16_t>(bits)));
    const double high =
        bits + 1 == 0x7c00 ? 65536.0 : static_cast<double>(float_from_half(static_cast<uint16_t>(bits + 1)));
    for (const double at : {0.0, 0.25, 0.5, 0.75, 0.4999, 0.5001}) {
      const double x = low + at * (high - low);
      for (const double sign : {1.0, -1.0}) {
        CAPTURE(bits, at, sign);
        REQUIRE(half_from_float(static_cast<float>(sign * x)) ==
                nearest(sign * static_cast<double>(static_cast<float>(x)), 0x7c00, float_from_half));
        REQUIRE(half_from_float(odd_float(sign * x)) == nearest(sign * x, 0x7c00, float_from_half));
      }
    }
    // A tie but for the last digits of a double, which a float would have lost.
    const double tie = (low + high) / 2;
    for (const double x : {std::nextafter(tie, 0.0), tie, std::nextafter(tie, 1e9)})
      REQUIRE(half_from_float(odd_float(x)) == nearest(x, 0x7c00, float_from_half));
  }
  for (uint32_t bits = 0; bits < 0x7f7f; bits += 3) {
    const double low = static_cast<double>(float_from_bfloat16(static_cast<uint16_t>(bits)));
    const double high = static_cast<double>(float_from_bfloat16(static_cast<uint16_t>(bits + 1)));
    const double tie = (low + high) / 2;
    for (const double x : {low, std::nextafter(tie, 0.0), tie, std::nextafter(tie, 1e300)}) {
      CAPTURE(bits, x);
      REQUIRE(bfloat16_from_float(odd_float(x)) == nearest(x, 0x7f80, float_from_bfloat16));
      REQUIRE(bfloat16_from_float(odd_float(-x)) == nearest(-x, 0x7f80, float_from_bfloat16));
    }
  }
}

TEST_CASE("halves: beyond the largest value is infinity, far below the smallest is zero, NaN stays") {
  CHECK(half_from_float(65519.0f) == 0x7bff);
  CHECK(half_from_float(65520.0f) == 0x7c00);
  CHECK(half_from_float(-1e30f) == 0xfc00);
  CHECK(half_from_float(odd_float(1e300)) == 0x7c00);
  CHECK(half_from_float(0x1p-25f) == 0);  // a tie with the smallest
  CHECK(half_from_float(0x1.8p-25f) == 1);
  CHECK(half_from_float(odd_float(-1e-300)) == 0x8000);
  CHECK(bfloat16_from_float(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(bfloat16_from_float(odd_float(-1e300)) == 0xff80);
  const float nan = std::bit_cast<float>(0x7f800001u);  // its digits are all below those that are kept
  CHECK(std::isnan(float_from_half(half_from_float(nan))));
  CHECK(std::isnan(float_from_bfloat16(bfloat16_from_float(nan))));
  CHECK(std::isinf(odd_float(std::numeric_limits<double>::infinity())));
  CHECK(std::isnan(odd_float(std::nan(""))));
}
