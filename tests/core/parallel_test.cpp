#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#ifndef _WIN32
#include <pthread.h>
#endif

#include <heed/core/error.h>
#include <heed/core/parallel.h>

#include "support/catch.h"

using heed::core::parallel_for;

namespace {

struct Threads {
  int before = heed::num_threads();
  explicit Threads(int n) { heed::set_num_threads(n); }
  ~Threads() { heed::set_num_threads(before); }
};

using Chunks = std::set<std::pair<int64_t, int64_t>>;

Chunks chunks_of(int64_t n, int64_t grain) {
  Chunks seen;
  std::mutex mutex;
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    REQUIRE(seen.insert({begin, end}).second);
  });
  return seen;
}

}  // namespace

TEST_CASE("parallel_for: chunks cover the range and do not depend on the number of threads") {
  for (const auto& [n, grain] : {std::pair{0, 4}, {1, 4}, {4, 4}, {5, 4}, {1000, 7}, {63, 1}}) {
    Chunks expected;
    for (int64_t i = 0; i < n; i += grain) expected.insert({i, std::min<int64_t>(i + grain, n)});
    for (int threads : {1, 2, 3, 7}) {
      const Threads scope(threads);
      CAPTURE(n, grain, threads);
      REQUIRE(chunks_of(n, grain) == expected);
    }
  }
}

TEST_CASE("parallel_for: work is seen by the caller when the call returns") {
  const Threads scope(4);
  std::vector<int> y(10000);
  for (int round = 1; round <= 300; ++round) {
    parallel_for(10000, 100, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[static_cast<size_t>(i)] += 1;
    });
    if (round % 100 == 0) std::this_thread::yield();
  }
  for (int v : y) REQUIRE(v == 300);
}

TEST_CASE("parallel_for: calls within calls run on the calling thread") {
  const Threads scope(3);
  std::atomic<int> strangers{0}, calls{0};
  parallel_for(8, 1, [&](int64_t, int64_t) {
    const auto self = std::this_thread::get_id();
    parallel_for(10, 2, [&](int64_t begin, int64_t end) {
      calls += static_cast<int>(end - begin);
      if (std::this_thread::get_id() != self) ++strangers;
    });
  });
  REQUIRE(calls == 80);
  REQUIRE(strangers == 0);
}

TEST_CASE("parallel_for: the first chunk's exception is rethrown, and the pool lives on") {
  for (int threads : {1, 2, 5}) {
    const Threads scope(threads);
    for (int round = 0; round < 50; ++round) {
      REQUIRE_THROWS_WITH(parallel_for(100, 1,
                                       [](int64_t i, int64_t) {
                                         if (i >= 10) throw std::runtime_error("chunk " + std::to_string(i));
                                       }),
                          "chunk 10");
    }
    REQUIRE(chunks_of(6, 2).size() == 3);
  }
}

TEST_CASE("parallel_for: several user threads may call at once") {
  const Threads scope(3);
  std::vector<std::thread> users;
  std::atomic<int64_t> total{0};
  for (int u = 0; u < 4; ++u) {
    users.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        parallel_for(64, 4, [&](int64_t begin, int64_t end) { total += end - begin; });
      }
    });
  }
  for (std::thread& user : users) user.join();
  REQUIRE(total == 4 * 200 * 64);
}

#ifdef __GLIBC__
namespace {

// While it lives, no thread can be started: none has room for the stack that it would get.
struct NoNewThreads {
  pthread_attr_t before;
  NoNewThreads() {
    pthread_attr_t huge;
    REQUIRE(pthread_getattr_default_np(&before) == 0);
    REQUIRE(pthread_getattr_default_np(&huge) == 0);
    REQUIRE(pthread_attr_setstacksize(&huge, size_t{1} << 47) == 0);
    REQUIRE(pthread_setattr_default_np(&huge) == 0);
    pthread_attr_destroy(&huge);
  }
  ~NoNewThreads() {
    pthread_setattr_default_np(&before);
    pthread_attr_destroy(&before);
  }
};

}  // namespace

TEST_CASE("parallel_for: threads that cannot be started are done without") {
  const Threads scope(3);
  {
    const NoNewThreads refused;
    REQUIRE_THROWS_AS(std::thread([] {}), std::system_error);
    heed::set_num_threads(4);
    REQUIRE(chunks_of(100, 7).size() == 15);
    REQUIRE(heed::num_threads() == 1);
    REQUIRE(chunks_of(100, 7).size() == 15);
  }
  heed::set_num_threads(4);
  REQUIRE(chunks_of(100, 7).size() == 15);
  REQUIRE(heed::num_threads() == 4);
}
#endif

TEST_CASE("set_num_threads: may be called on several threads while others compute") {
  const Threads scope(2);
  std::atomic<int64_t> total{0};
  std::vector<std::thread> users;
  for (int u = 0; u < 4; ++u) {
    users.emplace_back([&, u] {
      for (int round = 0; round < 100; ++round) {
        if (round % 10 == u) heed::set_num_threads(1 + (round + u) % 4);
        parallel_for(64, 4, [&](int64_t begin, int64_t end) { total += end - begin; });
        if (heed::num_threads() < 1) total = -1000000;
      }
    });
  }
  for (std::thread& user : users) user.join();
  REQUIRE(total == 4 * 100 * 64);
}

TEST_CASE("set_num_threads: is what num_threads returns, nonsense is refused") {
  const Threads scope(5);
  REQUIRE(heed::num_threads() == 5);
  heed::set_num_threads(1);
  REQUIRE(heed::num_threads() == 1);
  for (int n : {0, -1, 1025}) {
    REQUIRE_THROWS_WITH(heed::set_num_threads(n), "set_num_threads: " + std::to_string(n) +
                                                      ": must be in 1 … 1024: the caller counts as one thread");
  }
  REQUIRE_THROWS_WITH(parallel_for(2, 1, [](int64_t, int64_t) { heed::set_num_threads(2); }),
                      "set_num_threads: 2: called inside parallel work: call it between operations");
  REQUIRE(heed::num_threads() == 1);
}

TEST_CASE("HEED_NUM_THREADS: sets the default, nonsense is refused by name") {
  REQUIRE(heed::core::default_threads(nullptr) >= 1);
  REQUIRE(heed::core::default_threads("") == heed::core::default_threads(nullptr));
  REQUIRE(heed::core::default_threads("1") == 1);
  REQUIRE(heed::core::default_threads("1024") == 1024);
  for (const char* text : {"0", "-2", "1025", "two", "2 ", "99999999999999999999"}) {
    REQUIRE_THROWS_WITH(heed::core::default_threads(text),
                        "HEED_NUM_THREADS: \"" + std::string(text) +
                            "\": not a whole number from 1 to 1024: set it to a thread count, or unset it");
  }
  REQUIRE_THROWS_WITH(
      heed::core::default_threads("\x1b[2J"),
      "HEED_NUM_THREADS: \"\\x1b[2J\": not a whole number from 1 to 1024: set it to a thread count, or unset it");
}
