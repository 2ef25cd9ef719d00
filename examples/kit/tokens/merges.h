// Merges of neighbours, the heart of every byte-pair encoding: of all neighbours that the table has, those of the
// lowest rank become one (of several, the leftmost), until there are none (Sennrich et al. 2016).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heed::kit {

struct Merge {
  int32_t left, right, joined;  // ids
  uint32_t rank;
};

class MergeTable {
 public:
  MergeTable() = default;

  /// Of merges of the same two ids, the last one counts. REQUIRES: ids are in 0 … ids-1, ranks below no_rank
  MergeTable(std::vector<Merge> merges, size_t ids);

  /// Null if these two do not merge. O(log of the merges with this left id): a file cannot make it slower.
  const Merge* find(int32_t left, int32_t right) const;

  /// Merges neighbours as long as any can be. O(n log n).
  void apply(std::vector<int32_t>& symbols) const;

  /// In the order of left and right.
  const std::vector<Merge>& merges() const { return merges_; }

 private:
  static constexpr uint32_t no_rank = UINT32_MAX;
  uint32_t rank(int32_t left, int32_t right) const;
  void apply_to_few(std::vector<int32_t>& symbols) const;
  void apply_to_many(std::vector<int32_t>& symbols) const;

  std::vector<Merge> merges_;
  std::vector<uint32_t> first_;  // of each left id, and one past the last
};

}  // namespace heed::kit
