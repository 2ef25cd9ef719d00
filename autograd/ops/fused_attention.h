// Scaled dot-product attention as one op, whose weights are never formed (core/ops/blockwise_attention.h).
#pragma once

#include <heed/autograd/tensor.h>
#include <heed/core/ops/blockwise_attention.h>

namespace heed {

using AttentionRule = core::AttentionRule;  // scale, causal, dropout

/// q (B, h, n, d), k (B, g, m, d), v (B, g, m, p) -> (B, h, n, p), in memory (B, n, h, p), so that
/// merging the heads copies nothing. h is a multiple of g: head i of q reads i / (h/g).
/// mask: boolean, broadcast to (B, h, n, m), true = may attend; empty: everything is permitted.
Tensor fused_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionRule& rule,
                       const Tensor& mask = {});

/// qkv (B, n, 3E): queries, keys and values of h heads of width E / h, the result of one product
/// -> (B, n, E). Its gradient is one tensor, whose three parts are written in place.
Tensor fused_self_attention(const Tensor& qkv, int64_t heads, const AttentionRule& rule, const Tensor& mask = {});

}  // namespace heed
