// Scaled dot-product attention that never forms the weights: the fused form of attention().
//
//     softmax(Q Kᵀ / √d) V,  block by block, with a running maximum and sum per row
//     (Milakov & Gimelshein 2018; Dao et al. 2022)
//
// Equal to attention() up to rounding, in values and gradients, also with dropout: both drop the
// same weights for the same state of the generator. Memory O(n + m) instead of O(n m). While
// an AttentionTrace lives, the weights are computed separately.
//
// This file chooses the path. The op and its derivative are in autograd/ops/fused_attention.h, the
// loops in core/ops/blockwise_attention.h.
#pragma once

#include <cstdint>

#include <heed/autograd/ops/heads.h>
#include <heed/nn/attention/attention.h>

namespace heed::nn {

using heed::merge_heads, heed::repeat_heads, heed::split_heads;

/// q (…, n, d), k (…, m, d), v (…, m, p) -> (…, n, p). Softmax only: Error for another normaliser.
/// Grouped heads: k and v (B, g, m, ·) with h a multiple of g serve q (B, h, n, d), each of their heads h / g
/// consecutive heads of q. The plain path is taken for more batch axes than (B, h), for
/// batch axes that broadcast, and for a floating mask.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& = {});

/// Self-attention of several heads from one projection: qkv (B, n, 3E), queries, keys and values of
/// all heads concatenated -> (B, n, E). Splitting and merging the heads copies nothing.
Tensor packed_attention(const Tensor& qkv, int64_t heads, const AttentionOptions& = {});

/// What a layer with heads does between its projections: the fused form, or attention() if the options request
/// weights or another normaliser. q (B, h, n, d), k and v (B, g, m, ·), grouped as above -> output (B, h, n, p) and,
/// if requested, weights (B, h, n, m).
Attended attend_heads(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& = {});

/// Takes the plain path everywhere, to compare the two. HEED_PLAIN_ATTENTION=1 does the same.
void set_plain_attention(bool on);
bool plain_attention();
/// The default for a value of HEED_PLAIN_ATTENTION, null or empty if unset. Throws Error unless it is 0 or 1.
bool plain_attention_by_default(const char* text);

}  // namespace heed::nn
