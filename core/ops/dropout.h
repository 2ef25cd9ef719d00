// Which elements dropout keeps (Srivastava et al. 2014): a function of the generator's seed, the call and the
// element's index, so that backward, and an op with dropout inside, find the same elements again.
#pragma once

#include <cstdint>

#include <heed/core/array.h>
#include <heed/core/random.h>

namespace heed::core {

struct DropoutMask {
  double p = 0.0;  // the probability that an element is dropped
  uint64_t seed = 0, call = 0;

  /// Takes one call from the generator. Error unless 0 <= p <= 1.
  static DropoutMask draw(double p, Generator& generator = default_generator());

  /// The factor of kept elements: 1 / (1 - p); 0 if none is kept.
  double factor() const { return p < 1.0 ? 1.0 / (1.0 - p) : 0.0; }

  /// Element i is kept iff word_at(seed, call, i) >= p 2³² (random.h): of elements first … first + n - 1, and of all.
  void keep(uint64_t first, int64_t n, bool* kept) const;
  Array keep(const Shape& shape) const;
};

}  // namespace heed::core
