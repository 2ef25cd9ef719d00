// Reductions over axes; none given means all. The reduced axes are removed, or kept with size 1 by keepdim.
//
// Sums and products of i32 and bool are i64, as in PyTorch. Empty sums are 0, empty means NaN; an
// empty maximum is a ShapeError. Cost: one pass.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

Tensor sum(const Tensor& x, const Axes& axes = {}, KeepDim keepdim = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, KeepDim keepdim = false);
/// Σ (x - mean)² / (n - correction); correction 1 is Bessel's, PyTorch's default.
Tensor var(const Tensor& x, const Axes& axes = {}, Real correction = 1.0, KeepDim keepdim = false);
Tensor var(const Tensor& x, const Axes& axes, KeepDim keepdim);  // correction 1
/// √Σx² over axes: norm(x, 2) is over axis 2, not of order 2. Its gradient is 0 at 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, KeepDim keepdim = false);

Tensor amax(const Tensor& x, const Axes& axes = {}, KeepDim keepdim = false);  // equal elements share the gradient
Tensor amin(const Tensor& x, const Axes& axes = {}, KeepDim keepdim = false);

struct Extremum {
  Tensor values, indices;  // indices are i64: the first of equal elements, which gets the whole gradient
};
// In parentheses: some headers define macros with these names.
Extremum(max)(const Tensor& x, Axis axis, KeepDim keepdim = false);
Extremum(min)(const Tensor& x, Axis axis, KeepDim keepdim = false);
template <std::floating_point T> Extremum(max)(const Tensor& x, T) = delete;  // of two: maximum(x, 0.5)
template <std::floating_point T> Extremum(min)(const Tensor& x, T) = delete;  // minimum(x, 0.5)
Tensor argmax(const Tensor& x, Axis axis, KeepDim keepdim = false);
Tensor argmin(const Tensor& x, Axis axis, KeepDim keepdim = false);
/// The k best along an axis, best first.
Extremum topk(const Tensor& x, Whole k, Axis axis = -1, bool largest = true);

Tensor prod(const Tensor& x, Axis axis, KeepDim keepdim = false);
Tensor cumsum(const Tensor& x, Axis axis);                              // yᵢ = x₀ + … + xᵢ
Tensor logsumexp(const Tensor& x, Axis axis, KeepDim keepdim = false);  // log Σ eˣ, stable

}  // namespace heed
