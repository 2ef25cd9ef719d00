#include <heed/core/memory/pool.h>

#include <array>
#include <cstdint>
#include <new>

#include <heed/core/error.h>
#include <heed/core/memory/reserve.h>
#include <heed/core/memory/storage.h>
#include <heed/core/op_name.h>

namespace heed::core {
namespace {

constexpr size_t step = 64;  // between sizes
constexpr size_t largest_pooled = 1024;
constexpr int64_t most_kept = 4096;  // blocks per list, so that a large freed graph is returned to the system

struct FreeBlock {
  FreeBlock* next;
};

// Plain data, so that it may be reached at any time, also by the destructors of static objects.
struct Lists {
  std::array<FreeBlock*, largest_pooled / step> first;
  std::array<int64_t, largest_pooled / step> count;
  enum class State : uint8_t { fresh, open, closed } state;
};
thread_local constinit Lists lists = {};

struct Janitor {
  ~Janitor() {
    for (FreeBlock*& first : lists.first) {
      while (first) {
        FreeBlock* const next = first->next;
        ::operator delete(first);
        first = next;
      }
    }
    lists.state = Lists::State::closed;
  }
};

bool open_lists() {
  if (lists.state == Lists::State::fresh) {
    static thread_local Janitor janitor;
    static_cast<void>(&janitor);  // named, so it is made now and cleans up when the thread ends
    lists.state = Lists::State::open;
  }
  return lists.state == Lists::State::open;
}

constexpr size_t list_of(size_t bytes) { return bytes == 0 ? 0 : (bytes - 1) / step; }

[[noreturn]] void fail_memory(size_t bytes) {
  free_reserve();
  fail<MemoryError>(OpName::current(), ": ", bytes, " bytes of bookkeeping cannot be allocated; ",
                    memory_stats().in_use,
                    " are in use by arrays: use smaller sizes, or drop what is no longer needed");
}

[[gnu::noinline]] void* from_system(size_t bytes) {
  keep_reserve();
  try {
    if (!reuse_memory || bytes > largest_pooled) return ::operator new(bytes);
    open_lists();  // while there is memory: if registering the Janitor failed, the program would end
    return ::operator new((list_of(bytes) + 1) * step);
  } catch (const std::bad_alloc&) { fail_memory(bytes); }
}

[[gnu::noinline]] void ask_test(size_t bytes) {
  try {
    refuse_memory();
  } catch (const std::bad_alloc&) { fail_memory(bytes); }
}

}  // namespace

void* pool_allocate(size_t bytes) {
  if (refuse_memory) [[unlikely]]
    ask_test(bytes);
  if (!reuse_memory || bytes > largest_pooled) return from_system(bytes);
  const size_t i = list_of(bytes);
  FreeBlock* const block = lists.first[i];
  if (!block) return from_system(bytes);
  lists.first[i] = block->next;
  --lists.count[i];
  return block;
}

void pool_free(void* block, size_t bytes) noexcept {
  if (!reuse_memory || bytes > largest_pooled) return ::operator delete(block);
  const size_t i = list_of(bytes);
  if (lists.count[i] >= most_kept || !open_lists()) return ::operator delete(block);
  lists.first[i] = ::new (block) FreeBlock{lists.first[i]};
  ++lists.count[i];
}

}  // namespace heed::core
