// Spans: large memory, cut to size, and joined again where neighbours are free.
//
//   | used |     free     | used |  free  | used |              addresses →
//                                | taken|f|             a request takes from the smallest that holds it
//
// Small blocks come in few sizes, and one free list per size serves them (storage.cpp).
// Large blocks come in many: with free lists, a block of the wrong size would be returned to the
// system, and fetching a page from there costs more than most ops on it.
#pragma once

#include <cstddef>
#include <vector>

namespace heed::core {

/// The free spans, in the order of their addresses. Not thread-safe: callers that share it hold a lock.
class Spans {
 public:
  /// Spans are whole pages.
  static size_t round_up(size_t bytes);

  /// Cuts `bytes` from the smallest span that holds them; null if none does. O(spans), like all functions here.
  void* take(size_t bytes);
  /// Returns what take() gave.
  void give(void* memory, size_t bytes) noexcept;

  /// Fetches at least `bytes` from the system; returns how many. Throws std::bad_alloc.
  size_t grow(size_t bytes);
  /// Returns free spans to the system, the largest first, until `bytes` are returned or none is left;
  /// gives how many bytes were returned.
  size_t shrink(size_t bytes);

 private:
  struct Span {
    std::byte* begin;
    std::byte* end;
    size_t bytes() const { return static_cast<size_t>(end - begin); }
  };
  void keep_room();
  void join(Span span) noexcept;

  std::vector<Span> free_;
  size_t taken_ = 0;
};

}  // namespace heed::core
