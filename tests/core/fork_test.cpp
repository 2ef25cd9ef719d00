// fork(): a child has one thread, whatever its parent has, and computes and exits as any process.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <heed/core/array.h>
#include <heed/core/ops/ops.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/hash.h"
#include "support/sanitizer.h"

using namespace heed;
using namespace heed::core;

namespace {

// ThreadSanitizer ends a child that starts threads: there it computes alone.
constexpr int threads_of_child = test::thread_sanitizer ? 1 : 3;

// The C library's allocator is whole in a child; AddressSanitizer's stays locked there for good when
// another thread of the parent was inside it, be it to start. There those threads only share jobs.
constexpr bool allocator_forks = !test::address_sanitizer;

// Each chunk waits for the others: fewer threads than these would never end.
void meet(int threads) {
  std::atomic<int> here{0};
  parallel_for(threads, 1, [&](int64_t, int64_t) {
    ++here;
    while (here < threads) std::this_thread::yield();
  });
}

// n threads, all of which are there.
struct Threads {
  int before = num_threads();
  explicit Threads(int n) { set_num_threads(n), meet(n); }
  ~Threads() { set_num_threads(before); }
};

// Set in a child: memory that only threads of its parent refer to is no leak there.
std::atomic<bool> leaks_are_others{false};

// The exit code of a child that runs body() and leaves as from the end of main, with all that is
// destroyed there; 128 + a signal's number where one ended it, the alarm's if it hung.
template <class Body> int run_in_child(Body&& body) {
  std::cout.flush();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(120);
    leaks_are_others = true;
    int code = 99;
    try {
      if (num_threads() > threads_of_child) set_num_threads(threads_of_child);
      code = body();
    } catch (...) {}
    std::exit(code);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Work for all threads: random numbers and a product, and the hash of what comes out.
uint64_t compute() {
  Generator generator(5);
  const Array a = randn({160, 160}, Dtype::f32, generator);
  const Array product = matmul(a, a);
  return test::fnv1a(product);
}

}  // namespace

extern "C" int __lsan_is_turned_off();  // NOLINT: LeakSanitizer asks for this name
extern "C" int __lsan_is_turned_off() { return leaks_are_others; }

TEST_CASE("fork: a child that only leaves main ends well") {
  const Threads scope(3);
  compute();
  CHECK(run_in_child([] { return 0; }) == 0);
  CHECK(run_in_child([] { return 7; }) == 7);
}

TEST_CASE("fork: a child computes what its parent computes, with threads of its own") {
  const Threads scope(3);
  const uint64_t expected = compute();
  CHECK(run_in_child([&] { return compute() == expected && num_threads() == threads_of_child ? 0 : 1; }) == 0);
  CHECK(run_in_child([&] {
          set_num_threads(std::min(2, threads_of_child));
          return compute() == expected ? 0 : 1;
        }) == 0);
  CHECK(compute() == expected);  // and the parent continues
}

TEST_CASE("fork: a child's threads take part in its work") {
  const Threads scope(2);
  compute();
  CHECK(run_in_child([] {
          meet(std::min(2, threads_of_child));
          return 0;
        }) == 0);
}

TEST_CASE("fork: a child's child is no different") {
  const Threads scope(3);
  const uint64_t expected = compute();
  CHECK(run_in_child([&] {
          const int grandchild = run_in_child([&] { return compute() == expected ? 0 : 1; });
          return grandchild == 0 && compute() == expected ? 0 : 1;
        }) == 0);
}

TEST_CASE("fork: while other threads compute and allocate") {
  const Threads scope(3);
  const uint64_t expected = compute();
  std::atomic<bool> enough{false};
  std::atomic<int> started{0};
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i)
    others.emplace_back([&] {
      for (++started; !enough;) {
        if (allocator_forks) compute();
        parallel_for(64, 1, [](int64_t, int64_t) {
          if (allocator_forks)
            for (int64_t n : {10, 1000, 200000}) full({n}, 1.0);
        });
      }
    });
  while (started < 2) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) CHECK(run_in_child([&] { return compute() == expected ? 0 : 1; }) == 0);
  enough = true;
  for (std::thread& other : others) other.join();
}
