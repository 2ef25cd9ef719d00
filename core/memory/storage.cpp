#include <heed/core/memory/storage.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>

#ifndef _WIN32
#include <pthread.h>
#endif

#include <heed/core/error.h>
#include <heed/core/memory/pool.h>
#include <heed/core/memory/reserve.h>
#include <heed/core/memory/spans.h>
#include <heed/core/op_name.h>

namespace heed::core {
namespace {

// Blocks of at least this many bytes are spans: they share pages, and a freed one can serve any other size.
constexpr size_t large = size_t{256} << 10;

// Below, size classes, eight to each power of two (64, 72, 80, …, 128, 144, …), so rounding a request
// up costs at most an eighth. Class and capacity follow from the three bits after the leading one.
constexpr size_t smallest = 64;
constexpr uint32_t class_count = 8 * (18 - 6) + 1;

constexpr uint32_t class_of(size_t bytes) {
  if (bytes <= smallest) return 0;
  const int shift = static_cast<int>(std::bit_width(bytes - 1)) - 4;
  const size_t eighths = ((bytes - 1) >> shift) + 1;  // 9 … 16 eighths of the next lower power of two
  return static_cast<uint32_t>(8 * (shift - 3) + static_cast<int>(eighths) - 8);
}
static_assert(class_of(large) == class_count - 1);

constexpr size_t capacity_of(uint32_t size_class) { return smallest / 8 * (8 + size_class % 8) << size_class / 8; }

void* allocate_from_system(size_t bytes) { return ::operator new(bytes, std::align_val_t{64}); }
void free_to_system(void* memory) { ::operator delete(memory, std::align_val_t{64}); }

std::atomic<int64_t> in_use{0}, peak{0}, reserved{0};

// Small blocks are many: each thread sums up its own and reports them in portions, so that `peak` may lack 64 KiB per
// thread. (A thread without a Janitor, or whose Janitor has run, reports every change.)
thread_local int64_t portion = 1;
thread_local int64_t unreported = 0;

void report_in_use() {
  const int64_t bytes = std::exchange(unreported, 0);
  const int64_t now = in_use.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t highest = peak.load(std::memory_order_relaxed);
  while (now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {}
}

void count_in_use(int64_t bytes) {
  unreported += bytes;
  if (unreported >= portion || unreported <= -portion) [[unlikely]]
    report_in_use();
}

}  // namespace

// Two levels of free lists. Each thread has its own, used without a lock; the overflow is moved to
// one shared set, guarded by a mutex, which serves every thread. The spans are shared too: filling
// one takes far longer than the lock.
struct BlockPool {
  using Block = Storage::Block;

  static bool is_span(size_t bytes) { return reuse_memory && bytes >= large; }

  /// The bytes that a request takes; a span includes its header.
  static size_t capacity_for(size_t bytes, uint32_t size_class) {
    if (is_span(bytes)) [[unlikely]]
      return Spans::round_up(Storage::header_size + bytes);
    return reuse_memory ? capacity_of(size_class) : bytes;
  }
  static size_t capacity_for(const Block* block) { return capacity_for(block->size, block->size_class); }

  struct FreeList {
    Block* first;
    int64_t count;

    void push(Block* block) {
      block->next = first;
      first = block;
      ++count;
    }
    Block* pop() {
      Block* block = first;
      if (block) {
        first = block->next;
        --count;
      }
      return block;
    }
  };

  struct Shared {
    std::mutex mutex;
    FreeList lists[class_count] = {};
    int64_t bytes = 0;  // in the lists
    Spans spans;
    static constexpr int64_t kept_at_first = 16 << 20;
    int64_t kept = kept_at_first;  // free bytes allowed beyond the peak; adapted by grow()
  };

  // The thread's lists are plain data, so that they may be reached at any time, also by the
  // destructors of other thread-local and static objects. Only the Janitor has a destructor;
  // after it has run, blocks are freed to the shared lists.
  enum class State : uint8_t { fresh, open, closed };
  struct Local {
    FreeList lists[class_count];
    State state;
  };
  struct Janitor {
    Janitor() { portion = 64 << 10; }
    ~Janitor() {
      portion = 1;
      report_in_use();
      empty_local();
      local.state = State::closed;
    }
  };
  static thread_local Local local;

  // Never destroyed: a static tensor may outlive everything else.
  static Shared& shared() {
    static Shared& lists = make_shared();
    return lists;
  }

  // fork() waits until the lists are consistent: a thread that holds the lock would be missing in the child.
  static Shared& make_shared() {
    static Shared* lists = new Shared;
#ifndef _WIN32
    pthread_atfork([] { lists->mutex.lock(); }, [] { lists->mutex.unlock(); }, [] { lists->mutex.unlock(); });
#endif
    return *lists;
  }

  // A thread keeps up to 4 MiB of each class.
  static bool has_room(const FreeList& list, size_t capacity) {
    return (static_cast<size_t>(list.count) + 1) * capacity <= size_t{4} << 20;
  }

  static bool is_open() {
    if (local.state == State::fresh) {
      static thread_local Janitor janitor;
      static_cast<void>(&janitor);  // named, so it is made now and cleans up when the thread ends
      local.state = State::open;
    }
    return local.state == State::open;
  }

  static Block* find(uint32_t size_class) {
    if (Block* block = local.lists[size_class].pop()) return block;
    Shared& s = shared();
    const std::lock_guard lock(s.mutex);
    Block* block = s.lists[size_class].pop();
    if (block) s.bytes -= static_cast<int64_t>(capacity_of(size_class));
    return block;
  }

  // The shared lists hold at most the peak of what was in use: enough for a training step to
  // find everything it freed, and a bound on the memory that changing sizes can strand.
  static void give_to_shared(Block* block) {
    const auto capacity = static_cast<int64_t>(capacity_of(block->size_class));
    Shared& s = shared();
    {
      const std::lock_guard lock(s.mutex);
      if (s.bytes + capacity <= peak.load(std::memory_order_relaxed)) {
        s.lists[block->size_class].push(block);
        s.bytes += capacity;
        return;
      }
    }
    give_to_system(block);
  }

  static void give_to_system(Block* block) {
    reserved.fetch_sub(static_cast<int64_t>(capacity_for(block)), std::memory_order_relaxed);
    free_to_system(block);
  }

  static void empty_local() {
    for (FreeList& list : local.lists) {
      while (Block* block = list.pop()) give_to_shared(block);
    }
  }

  /// Returns free memory to the system, the largest_allocation blocks first, until at most `limit` bytes are reserved. The
  /// caller holds the lock, here and below.
  static void shrink_to(Shared& s, int64_t limit) {
    const auto excess = [&] { return reserved.load(std::memory_order_relaxed) - limit; };
    if (excess() > 0) {
      const size_t gone = s.spans.shrink(static_cast<size_t>(excess()));
      reserved.fetch_sub(static_cast<int64_t>(gone), std::memory_order_relaxed);
    }
    for (uint32_t i = class_count; i-- > 0 && excess() > 0;) {
      while (excess() > 0) {
        Block* block = local.lists[i].pop();
        if (!block && (block = s.lists[i].pop())) s.bytes -= static_cast<int64_t>(capacity_of(i));
        if (!block) break;
        give_to_system(block);
      }
    }
  }

  // No free span is large enough, so new memory is fetched. Before that, smaller free spans are returned to the
  // system, so that `reserved` exceeds the peak by `kept` at most: an optimizer's state does not come on top of all
  // activations. If less is in use than at the peak, the memory is merely fragmented: `kept` then grows a little, so
  // that a repeating training step soon fetches nothing.
  static void grow(Shared& s, size_t bytes) {
    report_in_use();
    const auto wanted = static_cast<int64_t>(bytes);
    const int64_t highest = peak.load(std::memory_order_relaxed);
    const int64_t needed = in_use.load(std::memory_order_relaxed) + wanted;
    if (needed <= highest) s.kept = std::min(s.kept + wanted / 8, std::max(highest / 8, int64_t{48} << 20));
    shrink_to(s, std::max(highest, needed) - wanted + s.kept);
    reserved.fetch_add(static_cast<int64_t>(s.spans.grow(bytes)), std::memory_order_relaxed);
  }

  static void* take_span(size_t bytes) {
    Shared& s = shared();
    const std::lock_guard lock(s.mutex);
    void* memory = s.spans.take(bytes);
    if (memory) return memory;
    try {
      grow(s, bytes);
    } catch (const std::bad_alloc&) {
      shrink_to(s, 0);
      grow(s, bytes);
    }
    return s.spans.take(bytes);
  }

  static void give_span(void* memory, size_t bytes) {
    Shared& s = shared();
    const std::lock_guard lock(s.mutex);
    s.spans.give(memory, bytes);
  }

  static void* fetch(size_t capacity) {
    void* memory = nullptr;
    keep_reserve();
    is_open();  // while there is memory: if registering the Janitor failed, the program would end
    try {
      memory = allocate_from_system(Storage::header_size + capacity);
    } catch (const std::bad_alloc&) {
      release_memory();  // perhaps enough is free in blocks of other sizes
      memory = allocate_from_system(Storage::header_size + capacity);
    }
    reserved.fetch_add(static_cast<int64_t>(capacity), std::memory_order_relaxed);
    return memory;
  }
};

thread_local constinit BlockPool::Local BlockPool::local = {};

Storage::Storage(size_t bytes) : block_(allocate(bytes)) {
  if (!block_) [[unlikely]]
    fail<MemoryError>(OpName::current(), ": ", bytes, " bytes of work space cannot be allocated; ",
                      memory_stats().in_use, " are in use: use smaller sizes, or drop what is no longer needed");
}

Storage::Block* Storage::allocate(size_t bytes) {
  if (bytes > largest_allocation) return nullptr;
  const uint32_t size_class = class_of(bytes);
  const size_t capacity = BlockPool::capacity_for(bytes, size_class);
  Block* block = nullptr;
  try {
    if (refuse_memory) [[unlikely]]
      refuse_memory();
    if (BlockPool::is_span(bytes)) [[unlikely]] {
      block = ::new (BlockPool::take_span(capacity)) Block;
    } else {
      if (reuse_memory) block = BlockPool::find(size_class);
      if (!block) block = ::new (BlockPool::fetch(capacity)) Block;
    }
  } catch (const std::bad_alloc&) {
    free_reserve();  // the caller builds a message
    return nullptr;
  }
  block->size_class = size_class;
  block->count.store(1, std::memory_order_relaxed);
  block->size = bytes;
  block->version = 0;
  count_in_use(static_cast<int64_t>(capacity));
  return block;
}

void Storage::free(Block* block) {
  const size_t capacity = BlockPool::capacity_for(block);
  count_in_use(-static_cast<int64_t>(capacity));
  if (!reuse_memory) return BlockPool::give_to_system(block);
  if (BlockPool::is_span(block->size)) [[unlikely]]
    return BlockPool::give_span(block, capacity);
  BlockPool::FreeList& list = BlockPool::local.lists[block->size_class];
  if (BlockPool::is_open() && BlockPool::has_room(list, capacity)) return list.push(block);
  BlockPool::give_to_shared(block);
}

MemoryStats memory_stats() {
  report_in_use();
  return {in_use.load(std::memory_order_relaxed), peak.load(std::memory_order_relaxed),
          reserved.load(std::memory_order_relaxed)};
}

void reset_peak_memory() {
  report_in_use();
  peak.store(in_use.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void release_memory() {
  BlockPool::Shared& s = BlockPool::shared();
  const std::lock_guard lock(s.mutex);
  BlockPool::shrink_to(s, 0);
  s.kept = BlockPool::Shared::kept_at_first;
}

}  // namespace heed::core
