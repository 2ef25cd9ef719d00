// ALiBi, attention with linear biases (Press et al. 2022): no positions in the tokens; instead,
// every head subtracts from each score in proportion to the distance, with a slope of its own.
//
//     score(i, j)  =  qᵢ · kⱼ / √d  -  slope_h |i - j|
//     slope_h      =  2^(-8 h / H),  h = 1 … H, where H is a power of two
//
// For another H: the slopes of the largest power of two below it, then every other slope of twice
// that power. It lets a model trained on short texts read longer ones.
//
//     attention(x, {.mask = alibi_bias(heads, n, n), .causal = true});
#pragma once

#include <cstdint>

#include <heed/autograd/tensor.h>

namespace heed::nn {

/// (heads). Error unless heads > 0.
Tensor alibi_slopes(int64_t heads, Dtype dtype = Dtype::f32);

/// (1, heads, n, m): an additive mask (masks.h). The last query stands at the last key, as everywhere.
Tensor alibi_bias(int64_t heads, int64_t queries, int64_t keys, Dtype dtype = Dtype::f32);

}  // namespace heed::nn
