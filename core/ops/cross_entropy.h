// Cross-entropy of rows of logits with class targets: log-softmax and the choice of the target's
// entry in one pass over the logits. Backward needs the logits again, and two values per row.
//
//     lossᵢ = -Σ_c T_ic log softmax(xᵢ)_c,    T_ic = w_c ((1 - ε) [c = tᵢ] + ε / C)
//
// -log softmax(x)_c = (max x - x_c) + ln(1 + s), s = Σ exp(x - max x) without the 1 of the highest: two terms >= 0, so
// the loss is exact even if the target's logit is far above the others: (16, 0, 0) gives 2.25e-7, not 0.
//
// w are class weights, ε is the label smoothing (Szegedy et al. 2016, section 7). Rows whose target
// is ignore_index have loss 0 and no gradient.
#pragma once

#include <heed/core/array.h>

namespace heed::core {

struct CrossEntropyTargets {
  Array classes;       // (N) i64
  Array class_weight;  // (C) of the logits' dtype, or empty: all 1
  int64_t ignore_index = -100;
  double smoothing = 0.0;
};

struct CrossEntropy {
  Array loss;             // (N)
  Array highest, beside;  // (N)  max xᵢ and Σ_c exp(x_ic - max xᵢ) - 1: with them backward needs one exp per logit
  double weight;          // Σ w_t over the rows that are not ignored
};

/// logits (N, C), contiguous. IndexError for a target out of range. O(N C).
CrossEntropy cross_entropy(const Array& logits, const CrossEntropyTargets& targets);

/// d loss / d logits times g (N):  gᵢ (softmax(xᵢ) Σ_c T_ic - Tᵢ); `forward` is what cross_entropy returned.
Array cross_entropy_grad(const Array& logits, const CrossEntropyTargets& targets, const CrossEntropy& forward,
                         const Array& g);

}  // namespace heed::core
