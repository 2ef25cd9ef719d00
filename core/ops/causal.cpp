#include <heed/core/ops/causal.h>

#include <heed/core/op_name.h>

namespace heed::core {

Array causal_mask(int64_t queries, int64_t keys) {
  const OpName at("causal_mask");
  Array mask(Shape{queries, keys}, Dtype::boolean);
  bool* const sees = mask.data<bool>();
  for (int64_t i = 0; i < queries; ++i) {
    const int64_t seen = keys_seen(i, queries, keys);
    std::fill_n(sees + i * keys, seen, true);
    std::fill_n(sees + i * keys + seen, keys - seen, false);
  }
  return mask;
}

}  // namespace heed::core
