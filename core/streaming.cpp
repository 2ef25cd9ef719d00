#include <heed/core/streaming.h>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace heed::core {

int64_t last_cache_size() {
  static const int64_t bytes = [] {
    int64_t size = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
    size = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
    return size > 0 ? size : int64_t{32} << 20;
  }();
  return bytes;
}

}  // namespace heed::core
