// FNV-1a over bytes: a fingerprint for exact comparisons with recorded results.
#pragma once

#include <cstddef>
#include <cstdint>

#include <heed/core/array.h>

namespace heed::test {

inline uint64_t fnv1a(const void* bytes, size_t count) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < count; ++i) hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3;
  return hash;
}

/// The hash of a contiguous array's elements.
inline uint64_t fnv1a(const core::Array& x) {
  const size_t width = size_of(x.dtype());
  return fnv1a(x.storage().bytes() + static_cast<size_t>(x.offset()) * width, static_cast<size_t>(x.numel()) * width);
}

}  // namespace heed::test
