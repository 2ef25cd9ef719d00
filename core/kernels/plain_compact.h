// Products with narrow weights: the loops that define them.
#pragma once

#include <cstdint>
#include <cstring>

#include <heed/core/half.h>
#include <heed/core/kernels/kernels.h>

namespace heed::core::plain {

/// Element i of a row of this type, as a float.
template <CompactType type> float element(const void* w, int64_t i) {
  if constexpr (type == CompactType::i8) {
    return static_cast<const int8_t*>(w)[i];
  } else {
    uint16_t bits;
    std::memcpy(&bits, static_cast<const char*>(w) + 2 * i, sizeof bits);
    return type == CompactType::f16 ? float_from_half(bits) : float_from_bfloat16(bits);
  }
}

/// y = scale w
template <CompactType type> void widen(const void* w, float scale, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = scale * element<type>(w, i);
}

/// yⱼ = scaleⱼ Σ x w
template <CompactType type>
void compact_dots(const float* x, const void* w, const float* scales, float* y, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; ++j) {
    double total = 0;
    for (int64_t l = 0; l < k; ++l)
      total += static_cast<double>(x[l]) * static_cast<double>(element<type>(w, j * k + l));
    y[j] = static_cast<float>((scales ? static_cast<double>(scales[j]) : 1.0) * total);
  }
}

inline constexpr CompactKernels compact_table = {
    {widen<CompactType::f16>, widen<CompactType::bf16>, widen<CompactType::i8>},
    {compact_dots<CompactType::f16>, compact_dots<CompactType::bf16>, compact_dots<CompactType::i8>}};

}  // namespace heed::core::plain
