// Reductions over axes; none named means all. The reduced axes go, or stay as 1 with keepdim.
//
// Empty sums are 0, empty means NaN; the largest of nothing is a ShapeError. Cost: one pass.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

Tensor sum(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keepdim = false);
/// Σ (x - mean)² / (n - correction); correction 1 is Bessel's, PyTorch's default.
Tensor var(const Tensor& x, const Axes& axes = {}, double correction = 1.0, bool keepdim = false);
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keepdim = false);  // √Σx²; gradient 0 at 0

Tensor amax(const Tensor& x, const Axes& axes = {}, bool keepdim = false);  // equals share the gradient
Tensor amin(const Tensor& x, const Axes& axes = {}, bool keepdim = false);

struct Extremum {
  Tensor values, indices;  // indices are i64: the first of equals, which gets the whole gradient
};
// In brackets: some headers define macros of these names.
Extremum (max)(const Tensor& x, int64_t axis, bool keepdim = false);
Extremum (min)(const Tensor& x, int64_t axis, bool keepdim = false);
Tensor argmax(const Tensor& x, int64_t axis, bool keepdim = false);
Tensor argmin(const Tensor& x, int64_t axis, bool keepdim = false);
/// The k best along an axis, best first.
Extremum topk(const Tensor& x, int64_t k, int64_t axis = -1, bool largest = true);

Tensor prod(const Tensor& x, int64_t axis, bool keepdim = false);
Tensor cumsum(const Tensor& x, int64_t axis);                     // yᵢ = x₀ + … + xᵢ
Tensor logsumexp(const Tensor& x, int64_t axis, bool keepdim = false);  // log Σ eˣ, stable

}  // namespace heed
