#include <heed/examples/kit/data/buckets.h>

#include <algorithm>
#include <numeric>

#include <heed/core/error.h>

namespace heed::kit {
namespace {

Ids random_order(size_t n, Generator& generator) {
  const core::Array order = core::randperm(static_cast<int64_t>(n), generator);
  return Ids(order.data<int64_t>(), order.data<int64_t>() + n);
}

int64_t length_of(const Ids& lengths, int64_t i) { return lengths[static_cast<size_t>(i)]; }

// The length of the longest sequence times the number of sequences.
int64_t rectangle(const Ids& lengths, const Ids& batch) {
  int64_t longest = 0;
  for (const int64_t i : batch) longest = std::max(longest, length_of(lengths, i));
  return longest * static_cast<int64_t>(batch.size());
}

}  // namespace

std::vector<Ids> bucket_batches(const Ids& lengths, const BucketOptions& o, Generator& generator) {
  check(o.max_tokens >= 0 && o.max_batch >= 0 && o.max_tokens + o.max_batch > 0,
        "bucket_batches: max_tokens = ", o.max_tokens, ", max_batch = ", o.max_batch, ": give one of them, or both");
  check(o.pool >= 0, "bucket_batches: pool = ", o.pool, ": must be 0 or more");
  for (size_t i = 0; i < lengths.size(); ++i)
    check(lengths[i] >= 0 && (o.max_tokens == 0 || lengths[i] <= o.max_tokens),
          "bucket_batches: max_tokens = ", o.max_tokens, ": sequence ", i, " has ", lengths[i],
          " tokens: shorten it, leave it out, or allow more");

  Ids order(lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  if (o.shuffle) order = random_order(lengths.size(), generator);
  const auto n = static_cast<int64_t>(order.size()), pool = o.pool > 0 ? o.pool : n;
  const auto shorter = [&](int64_t a, int64_t b) { return length_of(lengths, a) < length_of(lengths, b); };
  std::vector<Ids> batches;
  for (int64_t begin = 0; begin < n; begin += pool) {
    const auto first = order.begin() + begin, last = order.begin() + std::min(n, begin + pool);
    std::stable_sort(first, last, shorter);  // equal lengths stay in random order
    Ids batch;
    for (auto i = first; i != last; ++i) {  // *i is the longest so far
      const auto size = static_cast<int64_t>(batch.size()) + 1;
      const bool full =
          (o.max_batch > 0 && size > o.max_batch) || (o.max_tokens > 0 && size * length_of(lengths, *i) > o.max_tokens);
      if (full && !batch.empty()) {
        batches.push_back(batch);
        batch.clear();
      }
      batch.push_back(*i);
    }
    batches.push_back(batch);
  }
  if (!o.shuffle) return batches;
  std::vector<Ids> shuffled;
  for (const int64_t i : random_order(batches.size(), generator)) shuffled.push_back(batches[static_cast<size_t>(i)]);
  return shuffled;
}

double padding_share(const Ids& lengths, const std::vector<Ids>& batches) {
  int64_t tokens = 0, positions = 0;
  for (const Ids& batch : batches) {
    positions += rectangle(lengths, batch);
    for (const int64_t i : batch) tokens += length_of(lengths, i);
  }
  return positions == 0 ? 0.0 : 1.0 - static_cast<double>(tokens) / static_cast<double>(positions);
}

}  // namespace heed::kit
