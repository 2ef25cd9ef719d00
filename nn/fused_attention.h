// Scaled dot-product attention that never forms the weights: the fused twin of attention().
//
//     softmax(Q Kᵀ / √d + mask) V,   block by block, with a running maximum and sum of each row
//     (Milakov & Gimelshein 2018; Dao et al. 2022)
//
// Equal to attention() up to rounding, in values and gradients, dropout included: both drop the same weights
// for the same state of the generator. Memory O(n + m) where that takes O(n m). Gradients of gradients
// evaluate the plain formula. While an AttentionTrace lives, the weights are computed aside.
#pragma once

#include <cstdint>

#include <heed/nn/attention.h>

namespace heed::nn {

/// q (…, n, d), k (…, m, d), v (…, m, p) -> (…, n, p). No normaliser but softmax.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& = {});

/// Self-attention of `heads` heads side by side: qkv (B, n, 3E), the queries, keys and values of all
/// heads, as one linear layer makes them -> (B, n, E). Nothing is copied to take the heads apart.
Tensor packed_attention(const Tensor& qkv, int64_t heads, const AttentionOptions& = {});

/// (B, n, h d) -> (B, h, n, d), a view; and back.
Tensor split_heads(const Tensor& x, int64_t heads);
Tensor merge_heads(const Tensor& x);

}  // namespace heed::nn
