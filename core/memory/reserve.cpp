#include <heed/core/memory/reserve.h>

#include <atomic>
#include <cstdlib>

namespace heed::core {
namespace {

constexpr size_t reserve_bytes = 32 << 10;
std::atomic<void*> reserve{nullptr};

}  // namespace

void keep_reserve() noexcept {
  if (reserve.load(std::memory_order_relaxed)) return;
  void* const fresh = std::malloc(reserve_bytes);
  void* none = nullptr;
  if (!reserve.compare_exchange_strong(none, fresh)) std::free(fresh);  // another thread was faster
}

void free_reserve() noexcept { std::free(reserve.exchange(nullptr)); }

}  // namespace heed::core
