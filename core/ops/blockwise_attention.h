// Scaled dot-product attention that never forms the weights.
//
//     O = softmax(scale Q Kᵀ where permitted, -∞ elsewhere) V
//
// Queries and keys are processed block by block; a running maximum and sum of each row replace
// the softmax over the whole row (Milakov & Gimelshein 2018; Dao et al. 2022, alg. 1). Backward
// recomputes the weights from the highest score and the sum of each row:
//
//     P = exp(scale S - highest) / sum      dV = Pᵀ dO      dP = dO Vᵀ
//     dS = scale P (dP - δ),  δ = rowsum(dO O)    dQ = dS K      dK = dSᵀ Q       (ibid., app. B.4)
//
// Time O(B h n m (d + p)), half of it if causal; memory O(B h (n + m)). The plain
// definition is plain_products.h: attention; kernels/attention.md goes from there to here.
// Same bits for any number of threads.
//
// Shapes: B batch, h heads, g heads of k and v (h a multiple of g: query head i reads key head
// i / (h / g)), n queries, m keys, d key width, p value width.
#pragma once

#include <cstdint>

#include <heed/core/array.h>
#include <heed/core/ops/dropout.h>

namespace heed::core {

/// How scores become weights, apart from the mask.
struct AttentionRule {
  double scale;              // of the scores
  bool causal = false;       // causal.h
  DropoutMask dropout = {};  // of the weights, as elements of (B, h, n, m)
};

struct AttentionInputs {
  Array q, k, v;  // (B, h, n, d), (B, g, m, d), (B, g, m, p); f32 or f64, any strides
  Array mask;     // boolean, broadcast to (B, h, n, m), true = may attend; undefined: everything is permitted
  AttentionRule rule;
};

struct AttentionOutputs {
  Array output;  // (B, h, n, p), in memory (B, n, h, p): the heads are merged already
  // (B, h, n): the highest score s, and Σ exp(s - highest). If no key is permitted, that sum and the output are 0.
  // Kept apart, because highest + log(total) would be rounded to the magnitude of the scores.
  Array highest, total;
  bool clean = true;  // false if a forbidden key may have affected the output: see below
};

/// Throws ShapeError or DtypeError if the inputs do not fit together.
///
/// A forbidden key has weight 0; but if it holds NaN or infinity, 0·NaN is NaN and appears in the
/// result. So if keys are forbidden and the result is not finite, it is not `clean`: the caller
/// then computes the formula pair by pair (autograd/ops/fused_attention.cpp). highest and total are always right.
AttentionOutputs blockwise_attention(const AttentionInputs& inputs);

/// Writes the gradients for `grad` (B, h, n, p) into dq, dk, dv, which have the shapes of q, k, v,
/// any strides with a contiguous last axis, and no memory in common with any input. False if they are
/// not clean, as above.
bool blockwise_attention_grad(const AttentionInputs& inputs, const AttentionOutputs& outputs, const Array& grad,
                              const Array& dq, const Array& dk, const Array& dv);

}  // namespace heed::core
