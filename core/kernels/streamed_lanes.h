// Walking memory while storing results past the caches (core/streaming.h says when that pays). Internal linkage,
// as simd.h.
#pragma once

#include <heed/core/kernels/lanes.h>

namespace heed::core {
namespace {

/// Prefetches p[ahead], which may lie after the array's end: so an address, not a pointer. Locality 3 brings it into
/// the L1 cache, 2 into L2. Always inlined: GCC may drop the call of a function that does nothing else.
template <int locality = 3, class T> [[gnu::always_inline]] inline void prefetch(const T* p, int64_t ahead) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(p) + sizeof(T) * static_cast<uintptr_t>(ahead);
  __builtin_prefetch(reinterpret_cast<const void*>(address), 0, locality);
}

/// For an array that is read once, from memory and in order: the hardware prefetcher stops at the end of a page. With it
/// rows of 16-bit weights are read a fifth faster, rows of floats by 3 %.
template <class T> [[gnu::always_inline]] inline void prefetch_next_page(const T* p) {
  prefetch(p, 4096 / static_cast<int64_t>(sizeof(T)));
}

/// Stores a whole register past the caches; its size must divide the address.
template <class V> inline void stream_store(void* to, V v) {
  V& memory = *static_cast<V*>(__builtin_assume_aligned(to, sizeof(V)));
#if defined(__x86_64__) && HEED_VECTOR_BYTES == 16
  __asm__ volatile("movntps %1, %0" : "=m"(memory) : "x"(v));
#elif defined(__x86_64__)
  __asm__ volatile("vmovntps %1, %0" : "=m"(memory) : "v"(v));
#else
  memory = v;
#endif
}

/// Elements from p up to the first address that stream_store takes.
template <class T> inline int64_t until_aligned(const T* p) {
  const auto past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(p) % sizeof(Vec<T>) / sizeof(T));
  return past ? lanes<T> - past : 0;
}

/// A whole register of a result that is stored past the caches.
struct Streamed {};

/// How a part of a result is stored: a whole register, where `streamed`, past the caches.
template <bool streamed> inline auto stored(Full whole) {
  if constexpr (streamed) return Streamed{};
  else return whole;
}
template <bool> inline Part stored(Part part) { return part; }

/// A streamed result is computed from memory too. 2 KiB ahead = latency x bandwidth.
template <class T> inline Vec<T> load(const T* p, Streamed, T = {}) {
  prefetch(p, 2048 / static_cast<int64_t>(sizeof(T)));
  return load(p);
}

/// For alternating loads of two arrays: the hardware prefetcher follows both; explicit prefetches make it a tenth
/// slower.
inline Full without_asking(Streamed) { return {}; }
inline Part without_asking(Part part) { return part; }

template <class T> inline void store(T* p, Vec<T> v, Streamed) { stream_store(p, v); }

/// for_lanes whose body stores to y + i, past the caches.
template <class T, class Body> inline void for_lanes_streamed(const T* y, int64_t n, Body body) {
  const int64_t first = until_aligned(y);
  int64_t i = 0;
  // What comes before the first whole register, then what comes after the last.
  for (int64_t part = first < n ? first : n; i < n; part = n - i) {
    if (part > 0) body(i, Part{part});
    for (i += part; i + lanes<T> <= n; i += lanes<T>) body(i, Streamed{});
  }
}

}  // namespace
}  // namespace heed::core
