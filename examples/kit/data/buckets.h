// Batches of sequences of similar length, so that little of what is computed is padding.
//
//     Generator generator(seed);
//     for (const Ids& batch : kit::bucket_batches(lengths, {.max_tokens = 4096}, generator)) …
//
// A padded batch is a rectangle: the length of its longest sequence times its number of sequences. With
// max_tokens the rectangles, and so time and memory per step, are of similar size: a batch has many short
// sequences or few long ones.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/core/random.h>
#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

struct BucketOptions {
  int64_t max_tokens = 0;  // per batch, padding included; 0: no limit
  int64_t max_batch = 0;   // sequences per batch; 0: no limit
  int64_t pool = 0;        // sequences sorted together; 0: all of them
  bool shuffle = true;     // otherwise from short to long
};

/// Indices 0 … n-1 of the lengths in batches, each once. Shuffled: sequences of equal length are
/// assigned to batches at random, and the batches are in random order; a smaller pool mixes more and pads
/// more. Two permutations are drawn from the generator (none without shuffle). O(n log n).
///
/// Throws Error without a limit, or for a sequence that is longer than max_tokens.
std::vector<Ids> bucket_batches(const Ids& lengths, const BucketOptions& options, Generator& generator);

/// The fraction of the batches' rectangles that is padding: 0 … 1.
double padding_share(const Ids& lengths, const std::vector<Ids>& batches);

}  // namespace heed::kit
