// Order along an axis.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

struct Sorted {
  Tensor values, indices;  // both of x's shape; values[i] = x[indices[i]] along the axis
};

/// x sorted along an axis: the smallest first, or the largest if `descending`. Equal elements keep their
/// order (a stable sort), NaN counts as larger than all others. The values are differentiable: a
/// gradient is passed to the element that its value came from. O(n log n) per row.
Sorted sort(const Tensor& x, Axis axis = -1, bool descending = false);

/// Only the positions, i64.
Tensor argsort(const Tensor& x, Axis axis = -1, bool descending = false);

}  // namespace heed
