// Batches of sequences of similar length, so that little of what is computed is padding.
//
//     Generator generator(seed);
//     for (const Ids& batch : kit::bucket_batches(lengths, {.max_tokens = 4096}, generator)) …
//
// A padded batch is a rectangle: its longest sequence times the number of its sequences. With
// max_tokens the rectangles, and so the time and memory of a step, are alike; the short sequences
// come many at a time, the long ones few.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/core/random.h>
#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

struct BucketOptions {
  int64_t max_tokens = 0;  // in a batch, with its padding; 0: no limit
  int64_t max_batch = 0;   // sequences in a batch; 0: no limit
  int64_t pool = 0;        // sequences that are sorted together; 0: all of them
  bool shuffle = true;     // else from short to long
};

/// Indices 0 … n-1 of the lengths in batches, each once. Shuffled: sequences of one length fall
/// into batches at random, and the batches come in random order; a smaller pool mixes more and pads
/// more. Two permutations are drawn from the generator (none without shuffle). O(n log n).
///
/// Throws Error without a limit, or for a sequence that is longer than max_tokens.
std::vector<Ids> bucket_batches(const Ids& lengths, const BucketOptions& options, Generator& generator);

/// The share of the batches' rectangles that is padding: 0 … 1.
double padding_share(const Ids& lengths, const std::vector<Ids>& batches);

}  // namespace heed::kit
