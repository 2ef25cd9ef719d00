#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sys/resource.h>
#endif

#include <heed/core/error.h>
#include <heed/core/memory/storage.h>

#include "support/catch.h"
#include "support/sanitizer.h"

using heed::core::memory_stats;
using heed::core::release_memory;
using heed::core::reset_peak_memory;
using heed::core::Storage;

// storage.cpp reuses nothing under AddressSanitizer.
constexpr bool reuse = !heed::test::address_sanitizer;

TEST_CASE("storage: bytes are aligned, writable to the last, and of the asked size") {
  for (size_t bytes : {0, 1, 63, 64, 65, 80, 81, 100, 1000, 4096, 65537, 1 << 20, (2 << 20) - 64, 5 << 20}) {
    const Storage s(bytes);
    CAPTURE(bytes);
    REQUIRE(s);
    REQUIRE(s.size() == bytes);
    REQUIRE(reinterpret_cast<uintptr_t>(s.bytes()) % 64 == 0);
    std::memset(s.bytes(), 0x5a, bytes);
    REQUIRE(memory_stats().in_use >= static_cast<int64_t>(bytes));
  }
}

TEST_CASE("storage: rounding up costs at most an eighth") {
  if (!reuse) return;
  for (size_t bytes = 64; bytes < (size_t{1} << 24); bytes += 1 + bytes / 7) {
    const int64_t before = memory_stats().in_use;
    const Storage s(bytes);
    const auto taken = static_cast<size_t>(memory_stats().in_use - before);
    CAPTURE(bytes, taken);
    REQUIRE(taken >= bytes);
    REQUIRE(taken <= bytes + bytes / 8 + 1);
  }
}

TEST_CASE("storage: handles share, count and version the bytes") {
  Storage a(16);
  REQUIRE(a.use_count() == 1);
  Storage b = a;
  REQUIRE(a.use_count() == 2);
  REQUIRE(a == b);
  b.bump_version();
  REQUIRE(a.version() == 1);
  const Storage c = std::move(b);
  REQUIRE(!b);
  REQUIRE(c.use_count() == 2);
  a = Storage(8);
  REQUIRE(c.use_count() == 1);
  REQUIRE(a.version() == 0);
  REQUIRE(!(a == c));
  const Storage none;
  REQUIRE(none.use_count() == 0);
  REQUIRE(none.size() == 0);
}

TEST_CASE("storage: a freed block is handed out again") {
  if (!reuse) return;
  for (size_t bytes : {size_t{40}, size_t{5000}, size_t{9} << 20}) {
    const std::byte* first = nullptr;
    {
      Storage s(bytes);
      s.bump_version();
      first = s.bytes();
    }
    const Storage again(bytes);
    REQUIRE(again.bytes() == first);
    REQUIRE(again.version() == 0);
  }
}

TEST_CASE("storage: statistics follow what lives, the peak, and what is kept") {
  release_memory();
  const int64_t base = memory_stats().in_use;
  reset_peak_memory();
  REQUIRE(memory_stats().peak == base);
  int64_t taken = 0;
  {
    const Storage s(1 << 20);
    taken = memory_stats().in_use - base;
    REQUIRE(taken >= 1 << 20);
    REQUIRE(taken <= (1 << 20) * 9 / 8);
  }
  REQUIRE(memory_stats().in_use == base);
  REQUIRE(memory_stats().peak == base + taken);
  REQUIRE(memory_stats().reserved >= memory_stats().in_use + (reuse ? taken : 0));
  const int64_t kept = memory_stats().reserved;
  release_memory();
  REQUIRE(memory_stats().reserved <= kept - (reuse ? taken : 0));
  reset_peak_memory();
  REQUIRE(memory_stats().peak == base);
}

// What may be reserved: the peak, what is free because sizes do not fit, and blocks that threads keep.
static int64_t most_reserved() {
  return memory_stats().peak + std::max(memory_stats().peak / 8, int64_t{48} << 20) + (int64_t{2} << 20);
}

TEST_CASE("storage: what is kept stays near the peak of what was used") {
  release_memory();
  reset_peak_memory();
  for (size_t bytes = 1 << 20; bytes < (size_t{64} << 20); bytes += bytes / 3) {
    std::vector<Storage> several;
    for (int i = 0; i < 4; ++i) several.emplace_back(bytes);
  }
  REQUIRE(memory_stats().reserved <= most_reserved());
  release_memory();
}

#ifdef __linux__
TEST_CASE("storage: large blocks that come and go in the same way again and again come to fetch no page") {
  if (!reuse || heed::test::thread_sanitizer) return;
  const auto faults = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  for (unsigned seed = 0; seed < 3; ++seed) {
    CAPTURE(seed);
    release_memory();
    reset_peak_memory();
    const auto step = [&] {
      std::mt19937 draw(seed);
      std::vector<Storage> living;
      for (int i = 0; i < 300; ++i) {  // mostly asked for, as in a forward; then mostly freed
        if (living.empty() || draw() % 8 < (i < 150 ? 6u : 3u))
          living.emplace_back((300 << 10) + draw() % (draw() % 4 ? 4 << 20 : 12 << 20));
        else living.erase(living.begin() + draw() % living.size());
      }
    };
    for (int i = 0; i < 60; ++i) step();
    const auto before = faults();
    for (int i = 0; i < 10; ++i) step();
    CHECK(faults() - before < 10);  // fewer than one per step
    CHECK(memory_stats().reserved <= most_reserved());
  }
  release_memory();
}
#endif

TEST_CASE("storage: an impossible size throws and leaves everything usable") {
  REQUIRE_THROWS_AS(Storage(SIZE_MAX), heed::MemoryError);
  REQUIRE_THROWS_AS(Storage(SIZE_MAX / 2), heed::MemoryError);
  REQUIRE_FALSE(Storage::try_make(SIZE_MAX));
  REQUIRE(Storage(10));
}

TEST_CASE("storage: blocks may be freed on another thread, and threads may end first") {
  std::vector<Storage> made_elsewhere;
  const int64_t at_first = memory_stats().in_use;
  std::thread([&] {
    for (int i = 0; i < 200; ++i) made_elsewhere.emplace_back(100 + 37 * i);
  }).join();
  REQUIRE(memory_stats().in_use > at_first + 200 * 100);
  for (size_t i = 0; i < made_elsewhere.size(); ++i) {
    std::memset(made_elsewhere[i].bytes(), 1, made_elsewhere[i].size());
  }
  std::thread([gone = std::move(made_elsewhere)]() mutable { gone.clear(); }).join();
  REQUIRE(made_elsewhere.empty());
  REQUIRE(memory_stats().in_use == at_first);

  const int64_t before = memory_stats().in_use;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      std::vector<Storage> mine;
      for (int i = 0; i < 2000; ++i) {
        mine.emplace_back(static_cast<size_t>(50 + (i * 7919 + t) % 3000));
        std::memset(mine.back().bytes(), t, mine.back().size());
        if (i % 3 == 0) mine.erase(mine.begin() + static_cast<int64_t>(mine.size() / 2));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(memory_stats().in_use == before);
}

namespace {
// Destroyed after the thread's free lists: made before their first use on that thread.
thread_local Storage outlives_the_lists;
}  // namespace

TEST_CASE("storage: thread-local handles may outlive the thread's free lists") {
  const int64_t before = memory_stats().in_use;
  std::thread([] {
    outlives_the_lists = Storage();  // constructs the thread_local first, so it is destroyed last
    { const Storage opens_the_lists(64); }
    outlives_the_lists = Storage(64);
  }).join();
  REQUIRE(memory_stats().in_use == before);
}
