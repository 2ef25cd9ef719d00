// Spans: large memory, cut to measure, and joined again where neighbours are free.
//
//   | used |     free     | used |  free  | used |              addresses →
//                                | taken|f|             a request takes from the smallest that holds it
//
// Small blocks come in few sizes, and a list of free ones for each size serves them (storage.cpp).
// Large ones come in many: what lies free in another size than the one asked for would go back to the
// system, and a page fetched from there costs more than most ops on it.
#pragma once

#include <cstddef>
#include <vector>

namespace heed::core {

/// The free spans, in the order of their addresses. Not guarded: whoever shares it holds a lock.
class Spans {
 public:
  /// Spans are whole pages.
  static size_t round_up(size_t bytes);

  /// Cuts so many bytes from the smallest span that holds them; null if none does. O(spans), as all here.
  void* take(size_t bytes);
  /// What take() gave is free again.
  void give(void* memory, size_t bytes) noexcept;

  /// Fetches room for `bytes` from the system; what was fetched. Throws std::bad_alloc.
  size_t grow(size_t bytes);
  /// Gives free spans back to the system, the largest first, until `bytes` have gone or none is left;
  /// what has gone.
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
