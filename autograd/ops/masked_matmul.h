// Products in which masked pairs (i, j) of a row and a key do not count. Values at a pair that the
// mask forbids, even NaN or infinity, affect neither the result nor a gradient of any order: a
// weight of 0 alone is not enough, since 0·NaN is NaN. The two products are each other's derivatives.
//
// The mask is boolean and broadcasts to (…, n, m), true = counts; empty: all count, as in matmul().
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

/// aᵢ·bⱼ where the mask permits, `fill` elsewhere: a (…, n, d), b (…, m, d) -> (…, n, m).
Tensor masked_dots(const Tensor& a, const Tensor& b, const Tensor& mask, double fill);

/// The same for a caller that processes the products further before its own where(mask, ·, ·): what
/// that leaves out must get the gradient 0. Pairs that do not count hold arbitrary values.
Tensor pair_dots(const Tensor& a, const Tensor& b, const Tensor& mask);

/// Σⱼ wᵢⱼ vⱼ over the pairs that count: w (…, n, m), v (…, m, p) -> (…, n, p). REQUIRES w 0 (or NaN,
/// as in the softmax of a row that holds NaN) where the mask forbids, however w was computed: its
/// gradient there is arbitrary but tame (core/ops/ops.h).
Tensor masked_matmul(const Tensor& w, const Tensor& v, const Tensor& mask);

}  // namespace heed
