// Attention rollout: how much of each input token is in each output position, through all layers (Abnar & Zuidema 2020,
// "Quantifying Attention Flow in Transformers", § 3).
//
//     Ãₗ = ½ Aₗ + ½ I,   R = Ã_L … Ã₂ Ã₁        A: mean over heads; ½ I: the residual connection
//
//     AttentionTrace trace;
//     model(tokens);
//     const Tensor from = attention_rollout(trace);     // (B, n, n): row i sums to 1
#pragma once

#include <heed/nn/attention/attention_trace.h>

namespace heed::nn {

struct RolloutOptions {
  double residual = 0.5;  // the part that skips the attention; 0: weights alone
};

/// The product over the entries, in their order: each self-attention (B, h, n, n) or (B, n, n), all of one shape but for
/// h. ShapeError otherwise, as for cross-attention or the steps of a cache; Error if there are none.
Tensor attention_rollout(const AttentionTrace& trace, const RolloutOptions& = {});

}  // namespace heed::nn
