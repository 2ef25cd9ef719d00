// Storage: reference-counted memory, aligned to 64 bytes, reused after it is freed.
//
// A training step asks for the same sizes again and again; returning freed blocks to the
// operating system would cost more than most ops. So small blocks are kept in free lists by size
// class, and large ones are cut from free spans (spans.h).
// The count is atomic: handles to one storage may live on several threads. Access to its bytes is
// not synchronised.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace heed::core {

/// True while the process has one thread, if the system can tell: counting then needs no atomic
/// instruction, which costs as much as four additions.
inline bool only_thread() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded;
#else
  return false;
#endif
}

/// A handle; copying it shares the bytes.
class Storage {
 public:
  Storage() = default;
  explicit Storage(size_t bytes);                                             // not initialised; throws MemoryError
  static Storage try_make(size_t bytes) { return Storage(allocate(bytes)); }  // empty if memory cannot be allocated
  Storage(const Storage& other) : block_(other.block_) { retain(); }
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Storage& operator=(Storage other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Storage() { release(); }

  explicit operator bool() const { return block_ != nullptr; }
  bool operator==(const Storage& other) const { return block_ == other.block_; }
  std::byte* bytes() const { return reinterpret_cast<std::byte*>(block_) + header_size; }
  size_t size() const { return block_ ? block_->size : 0; }
  int64_t use_count() const { return block_ ? block_->count.load(std::memory_order_relaxed) : 0; }

  /// Grows by one with each change in place, so that autograd can tell (autograd/keep.h).
  uint32_t version() const { return block_ ? block_->version : 0; }
  void bump_version() { ++block_->version; }

 private:
  static constexpr size_t header_size = 64;
  struct Block {
    std::atomic<int64_t> count;
    size_t size;
    uint32_t version;
    uint32_t size_class;
    Block* next;  // in a free list
  };
  static_assert(sizeof(Block) <= header_size);

  void retain() {
    if (block_) add_to_count(1, std::memory_order_relaxed);
  }
  void release() {
    if (block_ && add_to_count(-1, std::memory_order_acq_rel) == 0) free(block_);
  }
  int64_t add_to_count(int64_t change, std::memory_order order) {
    if (!only_thread()) return block_->count.fetch_add(change, order) + change;
    const int64_t count = use_count() + change;
    block_->count.store(count, std::memory_order_relaxed);
    return count;
  }
  explicit Storage(Block* block) : block_(block) {}
  static Block* allocate(size_t bytes);  // null if memory cannot be allocated
  static void free(Block* block);
  friend struct BlockPool;  // storage.cpp

  Block* block_ = nullptr;
};

/// Bytes as handed out: a request is rounded up to its size class or to whole pages, by an eighth at most.
struct MemoryStats {
  int64_t in_use;    // bytes in live storages
  int64_t peak;      // highest in_use since the start or the last reset_peak_memory()
  int64_t reserved;  // in_use and the free memory that is kept
};
MemoryStats memory_stats();
void reset_peak_memory();

/// Gives the calling thread's free lists and the shared ones back to the operating system.
void release_memory();

}  // namespace heed::core
