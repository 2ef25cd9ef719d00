// Dropout: elements set to zero at random (Srivastava et al. 2014), the rest scaled by 1 / (1 - p).
#pragma once

#include <heed/autograd/tensor.h>
#include <heed/core/ops/dropout.h>

namespace heed {

/// x ⊙ keep / (1 - p), keep drawn once per call (core/ops/dropout.h). p = 0 gives x itself, p = 1 zeros. Error
/// unless 0 <= p <= 1.
Tensor dropout(const Tensor& x, Real p, Generator& generator = default_generator());

/// For ops with dropout inside: which elements a call keeps.
using DropoutMask = core::DropoutMask;

}  // namespace heed
