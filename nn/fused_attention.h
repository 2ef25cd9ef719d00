// Scaled dot-product attention that never forms the weights: the fused twin of attention().
//
//     softmax(Q Kᵀ / √d) V,  block by block, with a running maximum and sum of each row
//     (Milakov & Gimelshein 2018; Dao et al. 2022)
//
// Equal to attention() up to rounding, in values and gradients; with dropout, too: both drop the
// same weights for the same state of the generator. Memory O(n + m) where that takes O(n m). While
// an AttentionTrace lives, the weights are computed aside.
#pragma once

#include <cstdint>

#include <heed/nn/attention.h>

namespace heed::nn {

/// q (…, n, d), k (…, m, d), v (…, m, p) -> (…, n, p). Softmax only: Error for another normaliser.
/// More batch axes than (B, h), and batch axes that broadcast, take the plain path.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& = {});

/// Self-attention of several heads from one projection: qkv (B, n, 3E), queries, keys and values of
/// all heads side by side -> (B, n, E). Taking the heads apart and together again copies nothing.
Tensor packed_attention(const Tensor& qkv, int64_t heads, const AttentionOptions& = {});

/// (B, n, h d) -> (B, h, n, d), a view; and back.
Tensor split_heads(const Tensor& x, int64_t heads);
Tensor merge_heads(const Tensor& x);

/// Takes the plain path everywhere: to compare the two. So does HEED_PLAIN_ATTENTION=1.
void set_plain_attention(bool on);
bool plain_attention();

}  // namespace heed::nn
