// Joining tensors, and views that need more than one of them. Views of one tensor are its methods.
#pragma once

#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

/// Concatenated along an existing axis; all other axes must be equal.
Tensor cat(const std::vector<Tensor>& tensors, Axis axis = 0);

/// Along a new axis; all shapes must be equal.
Tensor stack(const std::vector<Tensor>& tensors, Axis axis = 0);

/// The inverse of stack: the slices along an axis, without it. Their gradients are combined in
/// O(numel log n) for n slices, where n selects would take O(numel n).
std::vector<Tensor> unbind(const Tensor& x, Axis axis = 0);

}  // namespace heed
