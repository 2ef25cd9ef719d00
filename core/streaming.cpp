#include <heed/core/streaming.h>

#include <fstream>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace heed::core {

namespace {

// Linux gives the size of the cache that processor 0 shares, as in "32768K".
int64_t size_from_linux() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index3/size");
  int64_t size = 0;
  char unit = ' ';
  file >> size >> unit;
  return unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : 0;
}

// The C library may give the sum over all caches.
int64_t size_from_system() {
#ifdef _SC_LEVEL3_CACHE_SIZE
  return sysconf(_SC_LEVEL3_CACHE_SIZE);
#else
  return 0;
#endif
}

}  // namespace

int64_t last_cache_size() {
  static const int64_t bytes = [] {
    for (const int64_t size : {size_from_linux(), size_from_system()})
      if (size > 0) return size;
    return int64_t{32} << 20;
  }();
  return bytes;
}

}  // namespace heed::core
