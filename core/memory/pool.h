// Pool: small blocks, reused as soon as they are freed, without a lock.
//
// Recording an op makes a node and its reference count, and backward drops both: hundreds of bytes,
// millions of times. Each thread keeps what it frees in lists by size, and asks the system only when
// a list is empty. A block may be freed on a thread other than the one that allocated it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <utility>

#include <heed/core/sanitizer.h>

namespace heed::core {

/// For tests of running out of memory: if set, it is called before each allocation
/// here and in storage.cpp, and may throw std::bad_alloc. Set it only while no other thread works.
inline void (*refuse_memory)() = nullptr;

/// Any size; those up to 1 KiB are pooled. Aligned as operator new. Throws MemoryError.
void* pool_allocate(size_t bytes);
void pool_free(void* block, size_t bytes) noexcept;  // bytes: as asked for

/// The pool for standard containers and std::shared_ptr.
template <class T> struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U> PoolAllocator(const PoolAllocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(pool_allocate(n * sizeof(T))); }
  void deallocate(T* block, size_t n) noexcept { pool_free(block, n * sizeof(T)); }
  template <class U> bool operator==(const PoolAllocator<U>&) const { return true; }
};

template <class Key, class Value, class Order = std::less<Key>>
using PooledMap = std::map<Key, Value, Order, PoolAllocator<std::pair<const Key, Value>>>;

/// Derived classes are allocated from the pool.
struct Pooled {
  static void* operator new(size_t bytes) { return pool_allocate(bytes); }
  static void operator delete(void* object, size_t bytes) { pool_free(object, bytes); }
};

}  // namespace heed::core
