// Streaming: a result that no cache can hold is written past the caches.
//
// A plain store reads the line it writes to first, and drives out what might be used again: a third of
// the traffic of y = a + b. A streaming store does neither, but what it writes comes back from memory
// only, and few may be on their way at once. So it is for results larger than the last cache, and for what
// waits for memory: copies, transposed or not, sums, exp and what is little more, layer norm. Who computes
// longer, as tanh, hides it.
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

/// Before another thread is told that streamed numbers are there. parallel_for does it at its end.
inline void fence_streams() {
#if defined(__x86_64__)
  __asm__ volatile("sfence" ::: "memory");
#endif
}

}  // namespace heed::core
