#include <heed/core/storage.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <heed/core/pool.h>

namespace heed::core {
namespace {

// Size classes: eight to each power of two (64, 72, 80, …, 128, 144, …), so rounding a request up
// costs at most an eighth. Class and capacity follow from the three bits after the leading one.
constexpr size_t smallest = 64;
constexpr size_t largest = size_t{1} << 46;
constexpr uint32_t class_count = 8 * (46 - 6) + 1;

uint32_t class_of(size_t bytes) {
  if (bytes <= smallest) return 0;
  const int shift = std::bit_width(bytes - 1) - 4;
  const size_t eighths = ((bytes - 1) >> shift) + 1;  // 9 … 16 eighths of the power of two below
  return static_cast<uint32_t>(8 * (shift - 3) + static_cast<int>(eighths) - 8);
}

size_t capacity_of(uint32_t size_class) {
  return smallest / 8 * (8 + size_class % 8) << size_class / 8;
}

// From this size on, blocks begin at a huge page, which makes fresh memory several times faster to
// touch, and are mapped one by one, so that what is freed leaves no holes.
constexpr size_t huge_page = size_t{2} << 20;

#ifdef __linux__
constexpr bool maps_large = reuse_memory;

void* map_large(size_t bytes) {
  const size_t room = bytes + huge_page;
  void* const memory = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  auto* const first = static_cast<std::byte*>(memory);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t before = (huge_page - reinterpret_cast<uintptr_t>(first) % huge_page) % huge_page;
  const size_t end = (before + bytes + page - 1) / page * page;  // what lies outside goes back
  if (before > 0) munmap(first, before);
  if (end < room) munmap(first + end, room - end);
#ifdef MADV_HUGEPAGE
  madvise(first + before, bytes & ~(huge_page - 1), MADV_HUGEPAGE);  // advice only: failure changes nothing
#endif
  return first + before;
}

void unmap_large(void* memory, size_t bytes) { munmap(memory, bytes); }
#else
constexpr bool maps_large = false;
void* map_large(size_t) { return nullptr; }
void unmap_large(void*, size_t) {}
#endif

void* allocate_from_system(size_t bytes) {
  return maps_large && bytes >= huge_page ? map_large(bytes) : ::operator new(bytes, std::align_val_t{64});
}

void free_to_system(void* memory, size_t bytes) {
  if (maps_large && bytes >= huge_page) return unmap_large(memory, bytes);
  ::operator delete(memory, std::align_val_t{64});
}

std::atomic<int64_t> in_use{0}, peak{0}, reserved{0};

// Small blocks are many: each thread sums its own up and reports them in portions, so that `peak`
// may lack 64 KiB a thread. (One that nobody will ask at its end, or that has ended, reports each.)
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
  if (unreported >= portion || unreported <= -portion) [[unlikely]] report_in_use();
}

}  // namespace

// Two levels of free lists. Each thread has its own, reached without a lock; what overflows goes to
// one shared set behind a mutex, where every thread finds it.
struct BlockPool {
  using Block = Storage::Block;

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
    int64_t bytes = 0;
  };

  // The thread's lists are plain data, so that they may be reached at any time, also by the
  // destructors of other thread-local and static objects. Only the Janitor has a destructor, and
  // after it has run, blocks go to the shared lists.
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
    static Shared& lists = *new Shared;
    return lists;
  }

  // A thread keeps up to 4 MiB of each class, and two blocks of the large ones.
  static bool has_room(const FreeList& list, size_t capacity) {
    return list.count < 2 || (static_cast<size_t>(list.count) + 1) * capacity <= size_t{4} << 20;
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

  // The shared lists hold no more than the peak of what was in use: enough for a training step to
  // find everything it freed, and a bound on what changing sizes can leave behind.
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
    const size_t capacity = reuse_memory ? capacity_of(block->size_class) : block->size;
    reserved.fetch_sub(static_cast<int64_t>(capacity), std::memory_order_relaxed);
    free_to_system(block, Storage::header_size + capacity);
  }

  static void empty_local() {
    for (FreeList& list : local.lists) {
      while (Block* block = list.pop()) give_to_shared(block);
    }
  }

  /// Gives free blocks back, the largest first, until at most `limit` bytes are reserved.
  static void shrink_to(int64_t limit) {
    Shared& s = shared();
    const std::lock_guard lock(s.mutex);
    const auto above = [&] { return reserved.load(std::memory_order_relaxed) > limit; };
    for (uint32_t i = class_count; i-- > 0 && above();) {
      while (above()) {
        Block* block = local.lists[i].pop();
        if (!block && (block = s.lists[i].pop())) s.bytes -= static_cast<int64_t>(capacity_of(i));
        if (!block) break;
        give_to_system(block);
      }
    }
  }

  // Before a large block is asked for, free blocks of other sizes go back, as far as they are more
  // than a sixteenth of the peak: an optimizer's state does not come on top of all activations. In a
  // steady training step nothing is asked for, and nothing goes back.
  static void make_room(size_t capacity) {
    if (capacity < (size_t{1} << 20)) return;
    report_in_use();
    const auto wanted = static_cast<int64_t>(capacity);
    const int64_t highest = std::max(peak.load(std::memory_order_relaxed), in_use.load(std::memory_order_relaxed) + wanted);
    shrink_to(highest + highest / 16 - wanted);
  }
};

thread_local constinit BlockPool::Local BlockPool::local = {};

Storage::Storage(size_t bytes) : block_(allocate(bytes)) {}

Storage::Block* Storage::allocate(size_t bytes) {
  if (bytes > largest) throw std::bad_alloc();
  const uint32_t size_class = class_of(bytes);
  const size_t capacity = reuse_memory ? capacity_of(size_class) : bytes;
  Block* block = reuse_memory ? BlockPool::find(size_class) : nullptr;
  if (!block) {
    if (reuse_memory) BlockPool::make_room(capacity);
    void* memory = nullptr;
    try {
      memory = allocate_from_system(header_size + capacity);
    } catch (const std::bad_alloc&) {
      BlockPool::shrink_to(0);  // perhaps the room is in blocks of other sizes
      memory = allocate_from_system(header_size + capacity);
    }
    reserved.fetch_add(static_cast<int64_t>(capacity), std::memory_order_relaxed);
    block = ::new (memory) Block;
    block->size_class = size_class;
  }
  block->count.store(1, std::memory_order_relaxed);
  block->size = bytes;
  block->version = 0;
  count_in_use(static_cast<int64_t>(capacity));
  return block;
}

void Storage::free(Block* block) {
  const size_t capacity = reuse_memory ? capacity_of(block->size_class) : block->size;
  count_in_use(-static_cast<int64_t>(capacity));
  if (!reuse_memory) return BlockPool::give_to_system(block);
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

void release_memory() { BlockPool::shrink_to(0); }

}  // namespace heed::core
