// Streaming: a result that no cache can hold is written past the caches.
//
// A plain store reads the line it writes to first, and drives out what might be used again: a third of
// the traffic of y = a + b. A streaming store does neither, but what it writes comes back from memory
// only. So it is for results larger than the last cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <heed/core/array.h>
#include <heed/core/kernels/kernels.h>

namespace heed::core {

/// The size of the last cache, in bytes; asked of the system once.
int64_t last_cache_size();

inline bool exceeds_caches(const Array& y) {
  constexpr int64_t surely_fits = 1 << 18;  // toy sizes need not ask
  const int64_t n = y.numel();
  return n > surely_fits && n * static_cast<int64_t>(size_of(y.dtype())) > last_cache_size();
}

/// compute(i, m, to) writes elements i … i+m-1 of y to `to`, in pieces that fill [0, n). Streamed, a
/// piece is computed in a buffer that stays in the first cache, and sent on from there.
template <class T, class Compute>
void write_pieces(T* y, int64_t n, bool streamed, Compute&& compute) {
  if constexpr (std::is_floating_point_v<T>) {
    if (streamed) {
      constexpr int64_t most = 8192 / sizeof(T);
      alignas(64) T piece[most];
      for (int64_t i = 0; i < n; i += most) {
        const int64_t m = std::min(most, n - i);
        compute(i, m, piece);
        kernels_of<T>().stream(piece, y + i, m);
      }
      return;
    }
  }
  compute(int64_t{0}, n, y);
}

/// The same for a row that is computed as a whole.
template <class T, class Compute>
void write_row(T* y, int64_t n, bool streamed, Compute&& compute) {
  write_pieces(y, n, streamed && n * static_cast<int64_t>(sizeof(T)) <= 8192,
               [&](int64_t, int64_t, T* to) { compute(to); });
}

}  // namespace heed::core
