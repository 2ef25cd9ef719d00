// Matrix products.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

/// (…, n, k) @ (…, k, m) -> (…, n, m), batch axes broadcast. A 1-d operand is a row on the left, a
/// column on the right, and its axis is removed from the result. Strided operands are not copied.
/// O(n k m) per matrix. ShapeError if the inner sizes differ.
Tensor matmul(const Tensor& a, const Tensor& b);

/// x Wᵀ + b: x (…, in), weight (out, in), bias (out) or empty -> (…, out). O(n in out).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace heed
