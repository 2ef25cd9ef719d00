// Drawing positions: the next token from its probabilities.
#pragma once

#include <heed/autograd/tensor.h>
#include <heed/core/random.h>

namespace heed {

struct MultinomialOptions {
  bool replacement = false;  // true: each draw from all positions, so that one can come up again
  Generator& generator = default_generator();
};

/// Positions along the last axis, drawn with probabilities in proportion to `weights`, whose sum need not be 1:
/// weights (V) or (B, V), f32 or f64, -> i64 (count) or (B, count). A position whose weight is 0 is never drawn.
///
///     Tensor next = multinomial(softmax(logits, -1), 1);   // (B, V) -> (B, 1)
///
/// Throws Error for weights that are negative, not finite or all 0, and where fewer than `count` are positive but a
/// position may be drawn only once. Has no gradient. The values are not those that PyTorch draws.
Tensor multinomial(const Tensor& weights, Whole count, const MultinomialOptions& options = {});

}  // namespace heed
