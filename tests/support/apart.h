#pragma once

#include <heed/autograd/ops.h>

namespace heed::test {

/// The distance of two tensors: max |a - b|.
inline double apart(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

}  // namespace heed::test
