// exp, log and their kin on Vec<T>.
//
// f32: own polynomials; the error in units in the last place (ulp) against the exact value is given
// at each function, over all finite inputs, and holds with and without fma
// (tests/core/kernels/math_test.cpp measures it). Coefficients are minimax fits of the relative error, made
// for heed with an iteratively reweighted least-squares fit on Chebyshev nodes and rounded to
// float. f64: the C library, lane by lane, except where built from others below. f64 is for
// checking gradients; it need not be fast.
// inf, NaN, signed zero and denormals behave as in the C library.
#pragma once

#include <heed/core/kernels/simd.h>

namespace heed::core {
namespace {

template <class V> inline V lane_by_lane(V x, Element<V> (*f)(Element<V>)) {
  for (size_t j = 0; j < sizeof(V) / sizeof(x[0]); ++j) x[j] = f(x[j]);
  return x;
}

template <class T> constexpr T infinity = static_cast<T>(__builtin_inf());

/// c0 + c1 x + c2 x² + …, by Horner's rule.
template <class V, class... Rest> inline V polynomial(V x, Element<V> c, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) return splat<V>(c);
  else return c + x * polynomial(x, rest...);
}

/// x = n ln 2 + r with |r| <= ln 2 / 2, in f32, |x| < 2¹⁵.
template <class V> struct Reduced {
  Bits<V> n;
  V n_float, r;

  explicit Reduced(V x) {
    constexpr float magic = 12582912.0f;  // 1.5·2²³: adding it rounds to a whole number
    const V t = x * 1.44269504f + magic;
    n = bits_as<Bits<V>>(t) - bits_as<Bits<V>>(splat<V>(magic));
    n_float = t - magic;
    r = x - n_float * 0.693359375f;  // ln 2 in two parts; n times the first is exact
    r = r + n_float * 2.12194440e-4f;
  }
};

/// 2ⁿ for n in the range of normal numbers.
template <class V> inline V power_of_two(Bits<V> n) { return bits_as<V>((n + 127) << 23); }

/// Whether a result too small for a normal number costs no more than others.
constexpr bool underflow_is_free =
#if defined(__x86_64__) && HEED_VECTOR_BYTES == 64
    true;
#else
    false;
#endif

/// x 2ⁿ, denormal results included; n is given twice, as integers and as floats.
template <class V> inline V times_power_of_two(V x, [[maybe_unused]] Bits<V> n, [[maybe_unused]] V n_float) {
#if defined(__x86_64__) && HEED_VECTOR_BYTES == 64
  V y;
  __asm__("vscalefps %2, %1, %0" : "=v"(y) : "v"(x), "v"(n_float));
  return y;
#else
  const Bits<V> half = n >> 1;  // in two steps: each factor is a normal number
  return x * power_of_two<V>(half) * power_of_two<V>(n - half);
#endif
}

/// (eʳ - 1 - r) / r² for |r| <= ln 2 / 2.
template <class V> inline V exp_tail(V r) {
  return polynomial(r, 0.4999999404f, 0.1666651964f, 0.04166839272f, 0.008368780836f, 0.001381446724f);
}

/// eˣ for |x| <= 106, in f32.
template <class V> inline V exp_within_range(V x) {
  const Reduced<V> s(x);
  const V tail = exp_tail(s.r);
  // The first form takes fewer steps; where each product is rounded, the second is closer.
  const V y = has_fma ? 1.0f + s.r * (1.0f + s.r * tail) : 1.0f + (s.r + s.r * s.r * tail);
  return times_power_of_two(y, s.n, s.n_float);
}

/// eˣ. f32: 1.1 ulp; denormal results included.
template <class V> inline V exp(V x) {
  if constexpr (is_f32<V>) {
    // From -104 down the result is 0, which masked scores of -inf make common.
    if constexpr (underflow_is_free) return exp_within_range(at_least(at_most(x, 104.0f), -104.0f));
    const Bits<V> vanishes = x < -104.0f;
    return select<V>(vanishes, V{}, exp_within_range(select<V>(vanishes, V{}, at_most(x, 104.0f))));
  } else {
    return lane_by_lane(x, [](double v) { return __builtin_exp(v); });
  }
}

/// eˣ - 1. f32: 1.5 ulp.
template <class V> inline V expm1(V x) {
  if constexpr (is_f32<V>) {
    const Reduced<V> s(at_most(at_least(x, -20.0f), 89.0f));
    const V q = s.r + s.r * s.r * exp_tail(s.r);  // eʳ - 1
    const Bits<V> one_less = s.n - 1;             // 2ⁿ itself may overflow
    const V scale = power_of_two<V>(one_less);
    const V y = (q * scale + (scale - 0.5f)) * 2.0f;
    return select<V>(x == 0.0f, x, y);
  } else {
    return lane_by_lane(x, [](double v) { return __builtin_expm1(v); });
  }
}

/// ln x. f32: 1.0 ulp; denormal x included.
template <class V> inline V log(V x) {
  if constexpr (is_f32<V>) {
    const Bits<V> tiny = x < 1.17549435e-38f;
    // Zero, negatives and NaN are replaced by 1, so that the integers below stay in range.
    const V normal = select<V>(x > 0.0f, select<V>(tiny, x * 8388608.0f, x), splat<V>(1.0f));
    const Bits<V> u = bits_as<Bits<V>>(normal);
    // x = 2ᵉ (1 + f) with 1 + f in [√½, √2)
    constexpr int sqrt_half = 0x3f3504f3;
    const V e = __builtin_convertvector((u - sqrt_half) >> 23, V) - select<V>(tiny, splat<V>(23.0f), V{});
    const V f = bits_as<V>(((u - sqrt_half) & 0x7fffff) + sqrt_half) - 1.0f;
    const V z = f * f;
    V y = f * z *
          polynomial(f, 0.3333333135f, -0.2500082254f, 0.2000122815f, -0.1662335098f, 0.1420173794f, -0.1316022277f,
                     0.1276175231f, -0.07634614408f);
    y = y - e * 2.12194440e-4f;
    y = y - 0.5f * z;
    y = (f + y) + e * 0.693359375f;
    const V negative = select<V>(x < 0.0f, splat<V>(__builtin_nanf("")), x);
    const V special = select<V>(x == 0.0f, splat<V>(-infinity<float>), negative);
    return select<V>((x > 0.0f) & (x < infinity<float>), y, special);
  } else {
    return lane_by_lane(x, [](double v) { return __builtin_log(v); });
  }
}

/// ln (1 + x). f32: 2 ulp.
template <class V> inline V log1p(V x) {
  if constexpr (is_f32<V>) {
    // 1 + x = u + c exactly, so ln(1 + x) = ln u + ln(1 + c/u), and c/u is below one ulp.
    const V u = 1.0f + x;
    const V c = x - (u - 1.0f);
    const V y = log(u) + c / u;
    const V at_pole = select<V>(u == 0.0f, splat<V>(-infinity<float>), y);
    return select<V>((x != 0.0f) & (x < infinity<float>), at_pole, x);
  } else {
    return lane_by_lane(x, [](double v) { return __builtin_log1p(v); });
  }
}

/// Hyperbolic tangent. f32: 3 ulp.
template <class V> inline V tanh(V x) {
  if constexpr (is_f32<V>) {
    // tanh |x| = t / (t + 2) with t = exp(2|x|) - 1; it rounds to 1 from 9.02 on.
    const V t = expm1(at_most(2.0f * abs(x), 20.0f));
    return copy_sign(t / (t + 2.0f), x);
  } else {
    return lane_by_lane(x, [](double v) { return __builtin_tanh(v); });
  }
}

/// 1 / (1 + e⁻ˣ), from e^-|x|, so nothing overflows and both tails keep their digits. f32: 2.5 ulp.
template <class V> inline V sigmoid(V x) {
  using T = Element<V>;
  const V e = exp(-abs(x));
  return select<V>(x < T(0), e, splat<V>(T(1))) / (T(1) + e);
}

/// ln (1 + eˣ) = max(x, 0) + ln (1 + e^-|x|). f32: 2 ulp.
template <class V> inline V softplus(V x) { return max(x, V{}) + log1p(exp(-abs(x))); }

}  // namespace
}  // namespace heed::core
