// Batches of similar lengths.
#include <algorithm>
#include <vector>

#include <heed/examples/kit/data/batches.h>
#include <heed/examples/kit/data/buckets.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using heed::test::message_of;

namespace {

// 500 lengths from 1 to 60, mostly short.
kit::Ids some_lengths() {
  kit::Ids lengths;
  for (int64_t i = 0; i < 500; ++i) lengths.push_back(1 + (i * i * 7 + i) % 60 * (i % 3 + 1) / 3);
  return lengths;
}

kit::Ids sorted_union(const std::vector<kit::Ids>& batches) {
  kit::Ids all;
  for (const kit::Ids& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  std::sort(all.begin(), all.end());
  return all;
}

int64_t longest(const kit::Ids& lengths, const kit::Ids& batch) {
  int64_t most = 0;
  for (const int64_t i : batch) most = std::max(most, lengths[static_cast<size_t>(i)]);
  return most;
}

}  // namespace

TEST_CASE("kit buckets: every sequence once, within the limits, in an order given by the seed") {
  const kit::Ids lengths = some_lengths();
  kit::Ids every(500);
  for (size_t i = 0; i < 500; ++i) every[i] = static_cast<int64_t>(i);
  const std::vector<kit::BucketOptions> all_options = {{.max_tokens = 240},
                                                       {.max_tokens = 240, .max_batch = 10},
                                                       {.max_batch = 7},
                                                       {.max_tokens = 60},
                                                       {.max_tokens = 240, .pool = 64},
                                                       {.max_tokens = 240, .pool = 10000},
                                                       {.max_tokens = 240, .shuffle = false}};
  for (const kit::BucketOptions& options : all_options) {
    CAPTURE(options.max_tokens, options.max_batch, options.pool, options.shuffle);
    Generator generator(1), same(1), other(2);
    const auto batches = kit::bucket_batches(lengths, options, generator);
    CHECK(sorted_union(batches) == every);
    for (const kit::Ids& batch : batches) {
      const auto size = static_cast<int64_t>(batch.size());
      CHECK(size > 0);
      if (options.max_batch > 0) CHECK(size <= options.max_batch);
      if (options.max_tokens > 0) CHECK(longest(lengths, batch) * size <= options.max_tokens);
    }
    CHECK(batches == kit::bucket_batches(lengths, options, same));
    CHECK((batches != kit::bucket_batches(lengths, options, other)) == options.shuffle);
    const auto next = kit::bucket_batches(lengths, options, generator);  // the next epoch
    CHECK((batches != next) == options.shuffle);
    CHECK(sorted_union(next) == every);
    CHECK((generator.counter() != Generator(1).counter()) == options.shuffle);
  }
}

TEST_CASE("kit buckets: little is padding, less than in random batches") {
  const kit::Ids lengths = some_lengths();
  Generator generator(3);
  const auto random = kit::batches(500, {.batch = 16}, generator);
  const auto all = kit::bucket_batches(lengths, {.max_batch = 16}, generator);
  const auto pools = kit::bucket_batches(lengths, {.max_batch = 16, .pool = 100}, generator);
  const double at_random = kit::padding_share(lengths, random), in_pools = kit::padding_share(lengths, pools),
               sorted = kit::padding_share(lengths, all);
  CAPTURE(at_random, in_pools, sorted);
  CHECK(at_random > 0.4);
  CHECK(in_pools < 0.2);
  CHECK(sorted < 0.06);
  CHECK(sorted < in_pools);
  CHECK(kit::padding_share({2, 4}, {{0, 1}}) == 0.25);
  CHECK(kit::padding_share({2, 4}, {{0}, {1}}) == 0);
  CHECK(kit::padding_share({}, {}) == 0);
}

TEST_CASE("kit buckets: without shuffling from short to long, equal lengths in their order") {
  Generator generator(1);
  CHECK(kit::bucket_batches({5, 1, 3, 1, 5, 0}, {.max_tokens = 6, .shuffle = false}, generator) ==
        std::vector<kit::Ids>{{5, 1, 3}, {2}, {0}, {4}});
  CHECK(kit::bucket_batches({}, {.max_tokens = 6}, generator).empty());
}

TEST_CASE("kit buckets: the batches themselves come in random order") {
  Generator generator(4);
  kit::Ids lengths(200);
  for (size_t i = 0; i < 200; ++i) lengths[i] = static_cast<int64_t>(i);
  int rises = 0;
  const auto batches = kit::bucket_batches(lengths, {.max_batch = 2}, generator);
  for (size_t i = 1; i < batches.size(); ++i) rises += batches[i - 1][0] < batches[i][0];
  CHECK(rises > 30);
  CHECK(rises < 70);
}

TEST_CASE("kit buckets: error messages") {
  Generator generator(1);
  CHECK(message_of([&] { kit::bucket_batches({1}, {}, generator); }) ==
        "bucket_batches: max_tokens = 0, max_batch = 0: give one of them, or both");
  CHECK(message_of([&] { kit::bucket_batches({1}, {.max_tokens = -1, .max_batch = 4}, generator); }) ==
        "bucket_batches: max_tokens = -1, max_batch = 4: give one of them, or both");
  CHECK(message_of([&] { kit::bucket_batches({1}, {.max_batch = 4, .pool = -1}, generator); }) ==
        "bucket_batches: pool = -1: must be 0 or more");
  CHECK(message_of([&] { kit::bucket_batches({1, 9}, {.max_tokens = 8}, generator); }) ==
        "bucket_batches: max_tokens = 8: sequence 1 has 9 tokens: shorten it, leave it out, or "
        "allow more");
}
