// Streaming: a result that no cache can hold is written past the caches.
//
// A plain store first reads the cache line it writes, a third more traffic for y = a + b, and evicts data
// that might be used again. A streaming store does neither, but its result must be read back from memory,
// and few such stores may be in flight at once. So it is used for results larger than the last cache, and for
// functions bound by memory: copies, transposed or not, sums, exp and similarly cheap functions, layer norm.
// Slower functions, such as tanh, hide the cost of plain stores.
#pragma once

#include <cstdint>

#include <heed/core/array.h>

namespace heed::core {

/// The size of the last cache, in bytes; asked of the system once.
int64_t last_cache_size();

/// Whether y is larger than that.
inline bool exceeds_caches(const Array& y) {
  constexpr int64_t surely_fits = 1 << 18;  // toy sizes need not ask
  const int64_t n = y.numel();
  return n > surely_fits && n * static_cast<int64_t>(size_of(y.dtype())) > last_cache_size();
}

/// Call it before telling another thread that streamed results are ready. parallel_for calls it at its end.
inline void fence_streams() {
#if defined(__x86_64__)
  __asm__ volatile("sfence" ::: "memory");
#endif
}

}  // namespace heed::core
