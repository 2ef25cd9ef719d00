// Φ, erf, sin, cos, pow and rounding on Vec<T>; see vector_math.h for what the error bounds mean.
#pragma once

#include <heed/core/kernels/vector_math.h>

namespace heed::core {
namespace {

/// Of the standard normal distribution.
template <class V> struct Normal {
  V cdf;   // Φ(x)
  V bell;  // exp(-x²/2): √(2π) times the density
};

/// exp(-a²/2) for a in [0, 14.5], in f32: 2ᵗ with t = -½ a² log₂e = n + r, |r| <= ½. Where a fused
/// multiply-add rounds r once that is as exact as by eˣ, for fewer steps. (Clang fuses no product that is used
/// twice, and no compiler any when it does not optimize.)
#if defined(__clang__) || !defined(__OPTIMIZE__)
constexpr bool bell_is_fused = false;
#else
constexpr bool bell_is_fused = has_fma;
#endif
template <class V> inline V bell_of(V a) {
  if constexpr (!bell_is_fused) return exp_within_range(-0.5f * a * a);
  constexpr float magic = 12582912.0f;  // 1.5·2²³: adding it rounds to a whole number
  const V slope = -0.7213475204f * a;
  const V shifted = slope * a + magic;
  const V n = shifted - magic;
  const V r = slope * a - n;
  const V y = polynomial(r, 1.0f, 0.6931472f, 0.24022648f, 0.055503324f, 0.009618438f, 0.0013398901f, 0.00015353342f);
  return times_power_of_two(y, bits_as<Bits<V>>(shifted) - bits_as<Bits<V>>(splat<V>(magic)), n);
}

/// f32: Φ to 4 ulp for x > -1; further down the rounding of x² in the exponent adds x²/4 ulp.
template <class V> inline Normal<V> normal(V x) {
  if constexpr (is_f32<V>) {
    // Φ(-a) exp(a²/2) falls slowly and smoothly: a ratio of two polynomials on [0, 14.5].
    const V a = at_most(abs(x), 14.5f);
    const V bell = bell_of(a);
    const V p = polynomial(a, 0.5f, 0.4382964075f, 0.1832362413f, 0.04063360021f, 0.00411636522f);
    const V q = polynomial(a, 1.0f, 1.674477816f, 1.202507615f, 0.4694735408f, 0.1018597782f, 0.01031807717f);
    const V tail = bell * (p / q);
    return {select<V>(x < 0.0f, tail, 1.0f - tail), bell};
  } else {
    const V tail = 0.5 * lane_by_lane(abs(x) * 0.70710678118654752, [](double v) { return __builtin_erfc(v); });
    return {select<V>(x < 0.0, tail, 1.0 - tail), exp(-0.5 * x * x)};
  }
}

/// Error function. f32: 1.5 ulp.
template <class V> inline V erf(V x) {
  if constexpr (is_f32<V>) {
    const V a = abs(x);
    const V z = x * x;
    const V near = x + x * polynomial(z, 0.1283791661f, -0.3761262596f, 0.1128358543f, -0.02685381286f, 0.005188327748f,
                                      -0.0008010193706f, 7.853861462e-05f);
    const V far = 1.0f - 2.0f * normal(-1.414213562f * a).cdf;
    return select<V>(a < 1.0f, near, copy_sign(far, x));
  } else {
    return lane_by_lane(x, [](double v) { return __builtin_erf(v); });
  }
}

// The C library lane by lane in f32 too: heed tabulates positions with them, once.
template <class V> inline V sin(V x) {
  if constexpr (is_f32<V>) return lane_by_lane(x, [](float v) { return __builtin_sinf(v); });
  else return lane_by_lane(x, [](double v) { return __builtin_sin(v); });
}
template <class V> inline V cos(V x) {
  if constexpr (is_f32<V>) return lane_by_lane(x, [](float v) { return __builtin_cosf(v); });
  else return lane_by_lane(x, [](double v) { return __builtin_cos(v); });
}
template <class V> inline V pow(V x, V y) {
  for (size_t j = 0; j < sizeof(V) / sizeof(x[0]); ++j) {
    if constexpr (is_f32<V>) x[j] = __builtin_powf(x[j], y[j]);
    else x[j] = __builtin_pow(x[j], y[j]);
  }
  return x;
}

// Rounding to whole numbers: adding 2²³ (f64: 2⁵²) to a smaller number leaves no room for a
// fraction.

/// To the nearest, halves to even.
template <class V> inline V round(V x) {
  constexpr Element<V> big = is_f32<V> ? Element<V>(8388608.0) : Element<V>(4503599627370496.0);
  const V a = abs(x);
  return select<V>(a < big, copy_sign((a + big) - big, x), x);
}
template <class V> inline V floor(V x) {
  using T = Element<V>;
  const V r = round(x);
  return select<V>(r > x, r - T(1), r);
}
template <class V> inline V ceil(V x) {
  using T = Element<V>;
  const V r = round(x);
  return copy_sign(select<V>(r < x, r + T(1), r), x);
}

}  // namespace
}  // namespace heed::core
