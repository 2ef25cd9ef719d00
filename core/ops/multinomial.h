// Positions drawn with probabilities in proportion to weights. autograd/ops/multinomial.h says what users may expect.
//
// With replacement, and for a single draw: the first position whose cumulative sum exceeds u Σ w, u uniform. Several
// without replacement: the positions with the smallest eᵢ / wᵢ, eᵢ exponential (Efraimidis & Spirakis 2006), in this
// order, which is that of drawing one after the other from what is left.
#pragma once

#include <heed/core/array.h>
#include <heed/core/random.h>

namespace heed::core {

/// weights (V) or (B, V) -> i64 (count) or (B, count). O(V + count log V) per row, or O(V) logarithms without replacement.
Array multinomial(const Array& weights, int64_t count, bool replacement, Generator& generator);

}  // namespace heed::core
