// 16-bit floats: heed computes in f32, but files and compact weights (ops/compact_matrix.h) hold these.
//
//     f16   IEEE binary16: sign, 5 bits of exponent, 10 of fraction: 3 digits, up to 65504
//     bf16  the upper half of a float: 8 bits of exponent, 7 of fraction: 2 digits, as far as a float
//
// Widening is exact; narrowing rounds to the nearest, ties to even, and beyond the largest value to infinity.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace heed::core {

inline float float_from_half(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 0) {  // zero and subnormals: fraction · 2⁻²⁴
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide = exponent == 0x1f ? 0xff : exponent - 15 + 127;  // infinities and NaN stay
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

inline float float_from_bfloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline uint16_t half_from_float(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);   // NaN
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // 65520 and more: infinity
  if (magnitude < 0x38800000) {  // below 2⁻¹⁴: multiples of 2⁻²⁴, which are the last digits of a float near 0.5
    const float near_half = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(near_half) - std::bit_cast<uint32_t>(0.5f)));
  }
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | (rounded - (uint32_t{127 - 15} << 23)) >> 13);
}

inline uint16_t bfloat16_from_float(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);  // NaN stays NaN
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// x as a float that a second rounding cannot mislead: where x is between two floats, the one whose last bit is set
/// (Boldo & Melquiond 2008). half_from_float(odd_float(x)) is x rounded once.
inline float odd_float(double x) {
  const float near = static_cast<float>(x);
  if (static_cast<double>(near) == x || x != x) return near;
  const uint32_t bits = std::bit_cast<uint32_t>(near);
  if (bits & 1) return near;
  return std::bit_cast<float>(std::fabs(static_cast<double>(near)) < std::fabs(x) ? bits + 1 : bits - 1);
}

}  // namespace heed::core
