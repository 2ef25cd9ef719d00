#include <heed/nn/attention/alibi.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include <heed/autograd/ops.h>

namespace heed::nn {

Tensor alibi_slopes(int64_t heads, Dtype dtype) {
  check(heads > 0, "alibi_slopes: ", heads, " heads: must be positive");
  check<DtypeError>(is_floating(dtype), "alibi_slopes: dtype ", dtype,
                    ": cannot hold fractions: use float32 or float64");
  const auto power = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  const Tensor slopes = zeros({heads}, Dtype::f64);
  double* slope = slopes.array().data<double>();
  for (int64_t h = 1; h <= power; ++h) *slope++ = std::exp2(-8.0 * static_cast<double>(h) / static_cast<double>(power));
  for (int64_t h = 1; h <= heads - power; ++h)
    *slope++ = std::exp2(-4.0 * static_cast<double>(2 * h - 1) / static_cast<double>(power));
  return slopes.to(dtype);
}

Tensor alibi_bias(int64_t heads, int64_t queries, int64_t keys, Dtype dtype) {
  const Tensor place = arange(queries, dtype).unsqueeze(1) + (static_cast<double>(keys) - static_cast<double>(queries));
  const Tensor distance = abs(place - arange(keys, dtype));                   // (n, m)
  return -(alibi_slopes(heads, dtype).reshape({1, heads, 1, 1}) * distance);  // (1, heads, n, m)
}

}  // namespace heed::nn
