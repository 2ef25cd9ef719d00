#include <heed/core/memory/spans.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <new>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace heed::core {
namespace {

// Fresh memory is several times faster to touch in huge pages than in plain ones.
constexpr size_t huge_page = size_t{2} << 20;

#if __has_include(<sys/mman.h>)
size_t page_size() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// From the end of a wider mapping, aligned: the system puts the next mapping below, and the two can be joined.
std::byte* fetch(size_t bytes) {
  void* const memory = mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  auto* const room = static_cast<std::byte*>(memory);
  const size_t after = reinterpret_cast<uintptr_t>(room) % huge_page, before = huge_page - after;
  munmap(room, before);
  if (after > 0) munmap(room + before + bytes, after);
#ifdef MADV_HUGEPAGE
  madvise(room + before, bytes, MADV_HUGEPAGE);  // advice only: failure changes nothing
#endif
  return room + before;
}

bool give_back(void* memory, size_t bytes) { return munmap(memory, bytes) == 0; }
#else
size_t page_size() { return 4096; }

std::byte* fetch(size_t bytes) { return static_cast<std::byte*>(::operator new(bytes, std::align_val_t{huge_page})); }

bool give_back(void*, size_t) { return false; }  // memory fetched in one piece can be returned in one piece only
#endif

}  // namespace

size_t Spans::round_up(size_t bytes) { return (bytes + page_size() - 1) / page_size() * page_size(); }

void* Spans::take(size_t bytes) {
  keep_room();
  auto best = free_.end();
  for (auto span = free_.begin(); span != free_.end(); ++span) {
    if (span->bytes() >= bytes && (best == free_.end() || span->bytes() < best->bytes())) best = span;
  }
  if (best == free_.end()) return nullptr;
  ++taken_;
  std::byte* const memory = best->begin;
  best->begin += bytes;
  if (best->bytes() == 0) free_.erase(best);
  return memory;
}

void Spans::give(void* memory, size_t bytes) noexcept {
  --taken_;
  auto* const begin = static_cast<std::byte*>(memory);
  join({begin, begin + bytes});
}

size_t Spans::grow(size_t bytes) {
  keep_room();
  bytes = (bytes + huge_page - 1) / huge_page * huge_page;
  std::byte* const pages = fetch(bytes);
  join({pages, pages + bytes});
  return bytes;
}

size_t Spans::shrink(size_t bytes) {
  size_t gone = 0;
  while (gone < bytes && !free_.empty()) {
    const auto largest = std::max_element(free_.begin(), free_.end(),
                                          [](const Span& a, const Span& b) { return a.bytes() < b.bytes(); });
    if (!give_back(largest->begin, largest->bytes())) break;
    gone += largest->bytes();
    free_.erase(largest);
  }
  return gone;
}

/// join() must not allocate, so room is reserved here: every span handed out may come back as an entry of its own.
void Spans::keep_room() {
  const size_t most = free_.size() + taken_ + 1;
  if (most > free_.capacity()) free_.reserve(2 * most);
}

void Spans::join(Span span) noexcept {
  const auto after = std::lower_bound(free_.begin(), free_.end(), span.begin,
                                      [](const Span& s, const std::byte* place) { return s.begin < place; });
  const bool meets_after = after != free_.end() && span.end == after->begin;
  if (after != free_.begin() && std::prev(after)->end == span.begin) {
    std::prev(after)->end = meets_after ? after->end : span.end;
    if (meets_after) free_.erase(after);
  } else if (meets_after) {
    after->begin = span.begin;
  } else {
    free_.insert(after, span);
  }
}

}  // namespace heed::core
