// Dropout: numbers set to zero at random (Srivastava et al. 2014), the rest scaled by 1 / (1 - p).
#pragma once

#include <heed/autograd/tensor.h>
#include <heed/core/random.h>

namespace heed {

/// x ⊙ keep / (1 - p), keep drawn once per call: element i of x is kept iff word_at(seed, call, i) >= p 2³²
/// of the generator. p = 0 gives x itself, p = 1 zeros; other than 0 <= p <= 1 is an Error.
Tensor dropout(const Tensor& x, Real p, Generator& generator = default_generator());

/// Which elements a call keeps: for ops that apply dropout inside.
struct DropoutMask {
  double p = 0.0;
  uint64_t seed = 0, call = 0;

  /// Takes one call from the generator.
  static DropoutMask draw(double p, Generator& generator = default_generator());
  core::Array keep(const Shape& shape) const;  // boolean
};

}  // namespace heed
