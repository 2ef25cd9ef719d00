// Large memory cut from spans: against a plain record of which byte belongs to whom.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <heed/core/memory/spans.h>

#include "support/catch.h"

using heed::core::Spans;

namespace {

constexpr size_t huge_page = size_t{2} << 20;

struct Taken {
  std::byte* begin;
  size_t bytes;
  unsigned char mark;
};

bool intact(const Taken& t) {
  for (size_t i = 0; i < t.bytes; i += 1021)
    if (static_cast<unsigned char>(t.begin[i]) != t.mark) return false;
  return static_cast<unsigned char>(t.begin[t.bytes - 1]) == t.mark;
}

}  // namespace

TEST_CASE("spans: nothing is there before it is fetched, and what is fetched is whole huge pages") {
  Spans spans;
  const size_t page = Spans::round_up(1);
  CHECK(Spans::round_up(page) == page);
  CHECK(Spans::round_up(page + 1) == 2 * page);
  CHECK(spans.take(page) == nullptr);
  CHECK(spans.shrink(1) == 0);
  REQUIRE(spans.grow(page) == huge_page);
  void* const all = spans.take(huge_page);
  REQUIRE(all);
  CHECK(reinterpret_cast<uintptr_t>(all) % huge_page == 0);
  CHECK(spans.take(page) == nullptr);
  spans.give(all, huge_page);
  CHECK(spans.shrink(1) == huge_page);
  CHECK(spans.take(page) == nullptr);
}

TEST_CASE("spans: the smallest that holds a request is cut, and free neighbours are one again") {
  Spans spans;
  const size_t page = Spans::round_up(1);
  spans.grow(huge_page);
  // | a: 8 | b: 1 | c: 3 | d: 1 | the rest, taken |
  std::byte* const a = static_cast<std::byte*>(spans.take(8 * page));
  void* const b = spans.take(page);
  void* const c = spans.take(3 * page);
  void* const d = spans.take(page);
  const size_t rest_bytes = huge_page - 13 * page;
  void* const rest = spans.take(rest_bytes);
  REQUIRE(rest);
  spans.give(a, 8 * page);
  spans.give(c, 3 * page);
  CHECK(spans.take(9 * page) == nullptr);  // eleven are free, in two parts
  CHECK(spans.take(2 * page) == c);
  CHECK(spans.take(2 * page) == a);  // one page is left of c
  spans.give(c, 2 * page);
  spans.give(a, 2 * page);
  spans.give(b, page);  // joins the two
  void* const joined = spans.take(12 * page);
  CHECK(joined == a);
  spans.give(joined, 12 * page);
  spans.give(rest, rest_bytes);
  spans.give(d, page);
  CHECK(spans.take(huge_page) == a);
  spans.give(a, huge_page);
  CHECK(spans.shrink(SIZE_MAX) == huge_page);
}

TEST_CASE("spans: the largest are returned first, and no more of them than requested") {
  Spans spans;
  std::vector<std::byte*> blocks;
  const std::vector<size_t> pages = {1, 3, 2};
  for (size_t n : pages) {
    spans.grow(n * huge_page);
    blocks.push_back(static_cast<std::byte*>(spans.take(n * huge_page)));
    REQUIRE(blocks.back());
  }
  // Whether or not two of them lie side by side, a page in use between them keeps them apart.
  const size_t page = Spans::round_up(1);
  for (size_t i = 0; i < pages.size(); ++i) spans.give(blocks[i] + page, pages[i] * huge_page - page);
  CHECK(spans.shrink(huge_page) == 3 * huge_page - page);
  CHECK(spans.take(2 * huge_page - page) == blocks[2] + page);
  spans.give(blocks[2] + page, 2 * huge_page - page);
  CHECK(spans.shrink(SIZE_MAX) == 3 * huge_page - 2 * page);
}

TEST_CASE("spans: what is taken overlaps nothing and stays as it was written") {
  std::mt19937 draw(7);
  Spans spans;
  std::vector<Taken> taken;
  size_t fetched = 0, gone = 0, used = 0, peak = 0;
  for (int round = 0; round < 4000; ++round) {
    if (taken.empty() || draw() % 5 < (round / 500 % 2 ? 2u : 3u)) {
      const size_t bytes = Spans::round_up(1 + draw() % (draw() % 8 ? 100'000 : 3'000'000));
      void* memory = spans.take(bytes);
      if (!memory) {
        fetched += spans.grow(bytes);
        memory = spans.take(bytes);
      }
      REQUIRE(memory);
      taken.push_back({static_cast<std::byte*>(memory), bytes, static_cast<unsigned char>(round)});
      std::memset(memory, round, bytes);
      used += bytes;
      peak = std::max(peak, used);
    } else {
      const size_t i = draw() % taken.size();
      REQUIRE(intact(taken[i]));
      spans.give(taken[i].begin, taken[i].bytes);
      used -= taken[i].bytes;
      taken[i] = taken.back();
      taken.pop_back();
    }
    if (round % 700 == 699) gone += spans.shrink(huge_page);
  }
  for (const Taken& t : taken) {
    REQUIRE(intact(t));
    spans.give(t.begin, t.bytes);
  }
  CHECK(peak > 4 * huge_page);
  CHECK(fetched >= peak);
  gone += spans.shrink(SIZE_MAX);
  CHECK(gone == fetched);
  CHECK(spans.take(Spans::round_up(1)) == nullptr);
}
