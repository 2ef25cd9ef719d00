// Products in which some pairs (i, j) of a row and a key do not count. What stands at a pair that the
// mask forbids reaches neither the values nor a gradient of any order, be it NaN or infinite: a
// weight of 0 alone would not do, for 0·NaN is NaN. The two are each other's derivatives.
//
// The mask is boolean and broadcasts to (…, n, m), true = counts; empty: all count, as in matmul().
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

/// aᵢ·bⱼ where the mask permits, `fill` elsewhere: a (…, n, d), b (…, m, d) -> (…, n, m).
Tensor masked_dots(const Tensor& a, const Tensor& b, const Tensor& mask, double fill);

/// The same for a where(mask, ·, ·) of the caller's to follow, once more has been done to the
/// products: what it leaves out must get the gradient 0. Pairs that do not count hold anything.
Tensor pair_dots(const Tensor& a, const Tensor& b, const Tensor& mask);

/// Σⱼ wᵢⱼ vⱼ over the pairs that count: w (…, n, m), v (…, m, p) -> (…, n, p). REQUIRES w 0 (or NaN,
/// as in the softmax of a row with NaN in it) where the mask forbids, whatever w was made of: its
/// gradient there is anything tame (core/ops/ops.h).
Tensor masked_matmul(const Tensor& w, const Tensor& v, const Tensor& mask);

}  // namespace heed
