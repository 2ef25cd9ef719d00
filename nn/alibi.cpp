#include <heed/nn/alibi.h>

#include <cmath>
#include <vector>

#include <heed/autograd/ops.h>

namespace heed::nn {

Tensor alibi_slopes(int64_t heads, Dtype dtype) {
  check(heads > 0, "alibi_slopes: ", heads, " heads: must be positive");
  int64_t power = 1;
  while (2 * power <= heads) power *= 2;
  std::vector<double> slopes;
  for (int64_t h = 1; h <= power; ++h)
    slopes.push_back(std::exp2(-8.0 * static_cast<double>(h) / static_cast<double>(power)));
  for (int64_t h = 1; h <= heads - power; ++h)
    slopes.push_back(std::exp2(-4.0 * static_cast<double>(2 * h - 1) / static_cast<double>(power)));
  return tensor(slopes, dtype);
}

Tensor alibi_bias(int64_t heads, int64_t queries, int64_t keys, Dtype dtype) {
  const Tensor place = arange(queries, dtype).unsqueeze(1) + static_cast<double>(keys - queries);
  const Tensor distance = abs(place - arange(keys, dtype));                // (n, m)
  return -(alibi_slopes(heads, dtype).reshape({1, heads, 1, 1}) * distance);  // (1, heads, n, m)
}

}  // namespace heed::nn
