// FNV-1a over bytes: a fingerprint for exact comparisons with recorded results.
#pragma once

#include <cstddef>
#include <cstdint>

#include <heed/core/array.h>

namespace heed::test {

inline uint64_t fnv1a(const void* bytes, size_t count) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < count; ++i)
    hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3;
  return hash;
}

/// Of the numbers of a contiguous array.
inline uint64_t fnv1a(const core::Array& x) {
  return fnv1a(x.data<char>(), static_cast<size_t>(x.numel()) * size_of(x.dtype()));
}

}  // namespace heed::test
