// Joining tensors, and views that need more than one of them. Views of one tensor are its methods.
#pragma once

#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

/// Side by side along an axis that exists; all others must be equal.
Tensor cat(const std::vector<Tensor>& tensors, int64_t axis = 0);

/// Along a new axis; all shapes must be equal.
Tensor stack(const std::vector<Tensor>& tensors, int64_t axis = 0);

/// Zero above (tril) or below (triu) the given diagonal of the last two axes.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);

}  // namespace heed
