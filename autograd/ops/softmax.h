// Softmax and its logarithm: one pass over memory each, forward and back.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

/// exp(x) / Σ exp(x) along an axis, stable. A row that is all -∞ gives zeros, with zero gradient.
Tensor softmax(const Tensor& x, Axis axis);
Tensor log_softmax(const Tensor& x, Axis axis);  // x - log Σ exp(x)

}  // namespace heed
