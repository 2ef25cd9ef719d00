// count_work: how much an op computes and moves, for whoever watches (watch.h).
//
// A multiply-add counts as 2 operations; an elementwise function, whatever it costs, as 1 for each element of the
// result. Bytes are those of the operands, each once; a broadcast operand counts with the bytes that it has.
#pragma once

#include <algorithm>

#include <heed/core/array.h>
#include <heed/core/watch.h>

namespace heed::core {

inline int64_t bytes_moved(const Array& x) {
  return std::min<int64_t>(x.numel() * static_cast<int64_t>(size_of(x.dtype())),
                           static_cast<int64_t>(x.storage().size()));
}

/// `flops` operations; the arrays are moved, from or to memory. One that is read and written is given twice.
template <class... Arrays> void count_work(double flops, const Arrays&... moved) {
  if (watch) [[unlikely]]
    watch->work(flops, (bytes_moved(moved) + ...));
}

/// One operation for each element of x; x and the others are moved.
template <class... Arrays> void count_elementwise(const Array& x, const Arrays&... moved) {
  if (watch) [[unlikely]]
    count_work(static_cast<double>(x.numel()), x, moved...);
}

}  // namespace heed::core
