// Dropout: elements set to zero at random (Srivastava et al. 2014), the rest scaled by 1 / (1 - p).
#pragma once

#include <heed/autograd/tensor.h>
#include <heed/core/ops/dropout.h>

namespace heed {

/// x ⊙ keep / (1 - p), keep drawn once per call (core/ops/dropout.h). p = 0 gives x itself, p = 1 zeros; other than
/// 0 <= p <= 1 is an Error.
Tensor dropout(const Tensor& x, Real p, Generator& generator = default_generator());

/// For ops that apply dropout inside: which elements a call keeps.
using DropoutMask = core::DropoutMask;

}  // namespace heed
