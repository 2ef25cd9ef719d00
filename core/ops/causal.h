// The causal rule, for every path that attention takes: the last query sees every key, each earlier query one key
// fewer. With as many queries as keys, query i sees keys j <= i. With fewer, as when a cache holds the past,
// the queries are the newest positions.
#pragma once

#include <algorithm>
#include <cstdint>

#include <heed/core/array.h>

namespace heed::core {

/// How many keys query i sees: keys 0 … keys_seen - 1.
inline int64_t keys_seen(int64_t i, int64_t queries, int64_t keys) {
  return std::clamp<int64_t>(i + 1 + keys - queries, 0, keys);
}

/// The first query that sees key j.
inline int64_t first_to_see(int64_t j, int64_t queries, int64_t keys) {
  return std::max<int64_t>(0, j + queries - keys);
}

/// Boolean (queries, keys): true where the query sees the key.
Array causal_mask(int64_t queries, int64_t keys);

}  // namespace heed::core
