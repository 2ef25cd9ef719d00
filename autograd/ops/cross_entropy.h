// Cross-entropy of logits with class targets as one op (core/ops/cross_entropy.h has the formula).
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

struct CrossEntropyTargets {
  Tensor classes;               // (…) i64
  Tensor class_weight = {};     // (C), or empty: all 1; gets no gradient
  int64_t ignore_index = -100;  // rows with this target have loss 0 and no gradient
  double smoothing = 0.0;
};

struct RowLosses {
  Tensor loss;    // (…), one per row
  double weight;  // Σ w_t over the rows that are not ignored: the divisor of a mean
};

/// logits (…, C). Neither the probabilities nor their logarithms are kept.
RowLosses cross_entropy_rows(const Tensor& logits, const CrossEntropyTargets& targets);

}  // namespace heed
