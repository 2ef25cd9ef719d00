// Threads: one fixed pool, static chunks.
//
// Chunk boundaries depend on the amount of work only, never on the number of threads, so results
// have the same bits for 1, 2 or 64 threads.
//
// A child of fork() computes and exits like any process: it starts threads of its own when it
// first needs them. (A child forked inside a body of parallel_for may only exec or _exit.)
#pragma once

#include <cstdint>
#include <type_traits>

namespace heed {

/// Threads that take part in parallel work, the caller included. Default: HEED_NUM_THREADS, else
/// the number of processors this process may run on. Throws Error unless 1 <= n <= 1024.
///
/// Threads are started when they are first needed. If the system refuses some, the others do the
/// work, and num_threads() says how many there are. Both functions may be called on any thread.
void set_num_threads(int n);
int num_threads();

namespace core {
/// The default for a value of HEED_NUM_THREADS, null or empty if unset. Throws Error if it is not a number
/// in range.
int default_threads(const char* text);

/// Type-erased body; `context` outlives the call.
using ChunkFn = void (*)(void* context, int64_t begin, int64_t end);
void parallel_chunks(int64_t n, int64_t grain, ChunkFn body, void* context);

/// A grain for rows that cost the same: at most about `most` rows, a multiple of `unit`; and the number of chunks is a
/// multiple of eight if there are several, so that two, four or eight threads end together.
inline int64_t equal_grain(int64_t n, int64_t most, int64_t unit) {
  const auto ceil_div = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  if (n <= most) return n;
  const int64_t chunks = ceil_div(ceil_div(n, most), 8) * 8;
  return ceil_div(ceil_div(n, chunks), unit) * unit;
}

/// Calls body(begin, end) on [0, grain), [grain, 2 grain), … up to n, on several threads; returns
/// when all are done. Nested calls run on the calling thread. The exception of the first chunk that
/// fails is rethrown here. Serial, with no synchronisation at all, when n <= grain.
template <class Body> void parallel_for(int64_t n, int64_t grain, Body&& body) {
  if (n <= 0) return;
  if (n <= grain) return body(int64_t{0}, n);
  using B = std::remove_reference_t<Body>;
  parallel_chunks(
      n, grain, [](void* c, int64_t i, int64_t j) { (*static_cast<B*>(c))(i, j); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace core
}  // namespace heed
