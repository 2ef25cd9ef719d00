#include <heed/examples/kit/tokens/merges.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>

#include <heed/core/error.h>

namespace heed::kit {

MergeTable::MergeTable(std::vector<Merge> merges, size_t ids) : first_(ids + 1) {
  const auto pair_of = [](const Merge& m) { return std::pair(m.left, m.right); };
  std::stable_sort(merges.begin(), merges.end(),
                   [&](const Merge& a, const Merge& b) { return pair_of(a) < pair_of(b); });
  for (const Merge& m : merges) {
    if (!merges_.empty() && pair_of(merges_.back()) == pair_of(m)) merges_.back() = m;
    else merges_.push_back(m);
  }
  for (const Merge& m : merges_) ++first_[static_cast<size_t>(m.left) + 1];
  for (size_t id = 0; id < ids; ++id) first_[id + 1] += first_[id];
}

const Merge* MergeTable::find(int32_t left, int32_t right) const {
  const auto begin = merges_.begin() + first_[static_cast<size_t>(left)];
  const auto end = merges_.begin() + first_[static_cast<size_t>(left) + 1];
  const auto found = std::lower_bound(begin, end, right, [](const Merge& m, int32_t id) { return m.right < id; });
  return found != end && found->right == right ? &*found : nullptr;
}

uint32_t MergeTable::rank(int32_t left, int32_t right) const {
  const Merge* merge = find(left, right);
  return merge == nullptr ? no_rank : merge->rank;
}

void MergeTable::apply(std::vector<int32_t>& symbols) const {
  check(symbols.size() < no_rank, "tokeniser: a piece of ", symbols.size(),
        " bytes: is too long: encode the text in parts");
  if (symbols.size() <= 40) apply_to_few(symbols);
  else apply_to_many(symbols);
}

// Words are short: looking at all ranks for the lowest is faster than keeping them in order.
void MergeTable::apply_to_few(std::vector<int32_t>& symbols) const {
  uint32_t ranks[41];
  size_t n = symbols.size();
  if (n < 2) return;
  for (size_t i = 0; i + 1 < n; ++i) ranks[i] = rank(symbols[i], symbols[i + 1]);
  while (n > 1) {
    const auto i = static_cast<size_t>(std::min_element(ranks, ranks + n - 1) - ranks);
    if (ranks[i] == no_rank) break;
    symbols[i] = find(symbols[i], symbols[i + 1])->joined;
    std::copy(symbols.begin() + static_cast<ptrdiff_t>(i) + 2, symbols.begin() + static_cast<ptrdiff_t>(n),
              symbols.begin() + static_cast<ptrdiff_t>(i) + 1);
    std::copy(ranks + i + 1, ranks + n - 1, ranks + i);
    --n;
    if (i + 1 < n) ranks[i] = rank(symbols[i], symbols[i + 1]);
    if (i > 0) ranks[i - 1] = rank(symbols[i - 1], symbols[i]);
  }
  symbols.resize(n);
}

// A list of what is left, and a queue of (rank, position). An entry whose rank is no longer that of its position is old.
void MergeTable::apply_to_many(std::vector<int32_t>& symbols) const {
  const auto n = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> before(n), after(n), ranks(n, no_rank);
  std::vector<uint64_t> entries;
  const auto entry = [](uint32_t rank, uint32_t position) { return uint64_t{rank} << 32 | position; };
  for (uint32_t i = 0; i < n; ++i) {
    before[i] = i - 1, after[i] = i + 1;
    if (i + 1 < n) ranks[i] = rank(symbols[i], symbols[i + 1]);
    if (ranks[i] != no_rank) entries.push_back(entry(ranks[i], i));
  }
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue({}, std::move(entries));
  const auto look_again = [&](uint32_t i) {
    ranks[i] = after[i] < n ? rank(symbols[i], symbols[after[i]]) : no_rank;
    if (ranks[i] != no_rank) queue.push(entry(ranks[i], i));
  };
  while (!queue.empty()) {
    const auto [lowest, i] = std::pair(static_cast<uint32_t>(queue.top() >> 32), static_cast<uint32_t>(queue.top()));
    queue.pop();
    if (ranks[i] != lowest) continue;
    const uint32_t gone = after[i];
    symbols[i] = find(symbols[i], symbols[gone])->joined;
    symbols[gone] = -1;
    ranks[gone] = no_rank;
    after[i] = after[gone];
    if (after[i] < n) before[after[i]] = i;
    look_again(i);
    if (i > 0) look_again(before[i]);
  }
  std::erase(symbols, -1);
}

}  // namespace heed::kit
