#pragma once

#include <heed/autograd/ops.h>

namespace heed::test {

/// How far two tensors are apart: max |a - b|.
inline double apart(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

}  // namespace heed::test
