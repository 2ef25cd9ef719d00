#include <heed/core/parallel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include <heed/core/error.h>
#include <heed/core/op_name.h>
#include <heed/core/streaming.h>
#include <heed/core/text.h>

#ifdef __linux__
#include <sched.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#endif

namespace heed {
namespace core {
namespace {

constexpr int max_threads = 1024;

// An idle worker spins this long before it sleeps. Handing work to a spinning
// thread takes a fraction of a microsecond, waking a sleeping one about fifty microseconds.
constexpr auto spin_time = std::chrono::microseconds(50);

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
  __asm__ __volatile__("yield");
#endif
}

// True on workers, and on a caller while it takes part: nested calls run serially.
thread_local bool inside_parallel = false;

struct InsideParallel {
  bool before = inside_parallel;
  InsideParallel() { inside_parallel = true; }
  ~InsideParallel() { inside_parallel = before; }
};

// One parallel_for, on its caller's stack. Chunks are handed out in order.
struct Job {
  int64_t n, grain;
  ChunkFn body;
  void* context;
  const char* op = OpName::current();  // for what a worker throws
  Watch* const caller_watch = watch;   // null on the workers
  std::atomic<int64_t> next{0};
  std::mutex failure_mutex;
  int64_t failed_chunk = -1;
  std::exception_ptr failure;

  int64_t chunks() const { return (n - 1) / grain + 1; }

  void work() {
    const InsideParallel inside;
    const OpName named(op);
    const int64_t begun = caller_watch ? caller_watch->now() : 0;
    const int64_t count = chunks();
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      try {
        body(context, i * grain, i + 1 < count ? (i + 1) * grain : n);
      } catch (...) {
        // Every earlier chunk has been handed out already, so the exception of the first failing chunk
        // is the one kept, whatever the timing.
        next.store(count, std::memory_order_relaxed);
        const std::lock_guard lock(failure_mutex);
        if (failed_chunk < 0 || i < failed_chunk) failed_chunk = i, failure = std::current_exception();
      }
    }
    fence_streams();
    if (caller_watch) caller_watch->part_ends(begun);
  }
};

int processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

class Pool {
 public:
  /// `parents`: a pool whose threads exist in the parent process only. It is left untouched, because its
  /// locks may be held by threads that do not exist here.
  explicit Pool(Pool* parents = nullptr)
      : size_(parents ? parents->size_.load(std::memory_order_relaxed) : 0), parents_(parents) {}
  ~Pool() { stop(); }

  int size() {
    int n = size_.load(std::memory_order_relaxed);
    if (n == 0) {
      const std::lock_guard lock(in_use_);
      n = size_.load(std::memory_order_relaxed);
      if (n == 0) size_.store(n = default_threads(std::getenv("HEED_NUM_THREADS")), std::memory_order_relaxed);
    }
    return n;
  }

  void resize(int n) {
    const std::lock_guard lock(in_use_);
    if (n == size_.load(std::memory_order_relaxed)) return;
    stop();  // the next run starts as many as are needed
    size_.store(n, std::memory_order_relaxed);
  }

  /// False, with nothing done, when another thread's job is running.
  bool run(Job& job) {
    const std::unique_lock lock(in_use_, std::try_to_lock);
    if (!lock) return false;
    start();
    job_.store(&job);
    generation_.fetch_add(1);
    if (sleepers_.load() > 0) {
      { const std::lock_guard wake(sleep_mutex_); }
      awake_.notify_all();
    }
    job.work();
    // From here on no worker can find the job; wait for those that already have it.
    job_.store(nullptr);
    for (int turn = 0; busy_.load() > 0; ++turn) turn < 1000 ? relax() : std::this_thread::yield();
    return true;
  }

 private:
  void start() {
    const int wanted = size_.load(std::memory_order_relaxed) - 1;
    try {
      while (static_cast<int>(workers_.size()) < wanted)
        workers_.emplace_back([this, seen = generation_.load()]() mutable { serve(seen); });
      return;
    } catch (const std::system_error&) {  // a limit of threads or of memory
    } catch (const std::bad_alloc&) {}
    size_.store(static_cast<int>(workers_.size()) + 1, std::memory_order_relaxed);
  }

  void stop() {
    stopping_ = true;
    generation_.fetch_add(1);
    { const std::lock_guard wake(sleep_mutex_); }
    awake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
  }

  void serve(uint64_t seen) {
    while (true) {
      seen = wait_for_work(seen);
      if (stopping_) return;
      // Announced before the job is read: run() returns only when busy_ is 0 after the job was
      // taken away, so a job that is found here stays alive until busy_ falls again.
      busy_.fetch_add(1);
      if (Job* job = job_.load()) job->work();
      busy_.fetch_sub(1);
    }
  }

  uint64_t wait_for_work(uint64_t seen) {
    const auto deadline = std::chrono::steady_clock::now() + spin_time;
    do {
      for (int i = 0; i < 32; ++i) {
        if (const uint64_t now = generation_.load(); now != seen) return now;
        relax();
      }
    } while (std::chrono::steady_clock::now() < deadline);
    // run() increments generation_ and then reads sleepers_; here the order is reversed. All
    // four are sequentially consistent, so one of the two sees the other.
    std::unique_lock lock(sleep_mutex_);
    sleepers_.fetch_add(1);
    awake_.wait(lock, [&] { return generation_.load() != seen; });
    sleepers_.fetch_sub(1);
    return generation_.load();
  }

  std::mutex in_use_;  // held while a job runs or the pool changes
  std::vector<std::thread> workers_;
  std::atomic<int> size_;  // 0: not determined yet
  std::atomic<Job*> job_{nullptr};
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<int> sleepers_{0};
  std::mutex sleep_mutex_;
  std::condition_variable awake_;
  [[maybe_unused]] Pool* const parents_;  // only so that leak checkers find it
};

std::atomic<bool> pool_ended{false};
std::atomic<Pool*> current_pool{nullptr};
std::atomic<Pool*> parents_pool{
    nullptr};  // whose threads cannot be joined here; kept so that leak checkers find it, and its parents

struct PoolOwner {
  PoolOwner() {
    current_pool = new Pool;
#ifndef _WIN32
    pthread_atfork(nullptr, nullptr, [] {
      if (pool_ended) return;
      parents_pool = current_pool.load();
      current_pool = new Pool(parents_pool);
    });
#endif
  }
  ~PoolOwner() {
    pool_ended = true;
    delete current_pool.load();
  }
};

Pool& pool() {
  static const PoolOwner owner;
  return *current_pool.load(std::memory_order_relaxed);
}

}  // namespace

int default_threads(const char* text) {
  if (!text || *text == 0) return std::min(processors(), max_threads);
  const std::optional<int64_t> n = parse_int(text);
  check(n && *n >= 1 && *n <= max_threads, "HEED_NUM_THREADS: ", quote(text), ": not a whole number from 1 to ",
        max_threads, ": set it to a thread count, or unset it");
  return static_cast<int>(*n);
}

void parallel_chunks(int64_t n, int64_t grain, ChunkFn body, void* context) {
  grain = std::max<int64_t>(grain, 1);
  if (!inside_parallel && !pool_ended && pool().size() > 1) {
    Job job;
    job.n = n, job.grain = grain, job.body = body, job.context = context;
    if (pool().run(job)) {
      if (job.failure) std::rethrow_exception(job.failure);
      return;
    }
  }
  const InsideParallel inside;
  for (int64_t i = 0; i < n; i += grain) body(context, i, std::min(i + grain, n));
  fence_streams();
}

}  // namespace core

void set_num_threads(int n) {
  check(n >= 1 && n <= core::max_threads, "set_num_threads: ", n, ": must be in 1 … ", core::max_threads,
        ": the caller counts as one thread");
  check(!core::inside_parallel, "set_num_threads: ", n, ": called inside parallel work: call it between operations");
  core::pool().resize(n);
}

int num_threads() { return core::pool().size(); }

}  // namespace heed
