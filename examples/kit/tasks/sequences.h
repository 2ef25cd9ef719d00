// Tasks on sequences: examples made by a rule, and their split into training and test.
//
//     const kit::TaskData data(make_sorting(6, 3), {.test = 300, .seed = 1});
//     for (int64_t step = 0; step < steps; ++step) learn(kit::collate(data.batch(step, 64)));
//
// A batch is a function of the seed and the step alone, so a resumed run needs only its step.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/examples/kit/data/vocabulary.h>

namespace heed::kit {

/// A target of this value does not count.
inline constexpr int64_t ignored = -100;

struct Example {
  Ids source = {};  // what an encoder reads; empty for a model without one
  Ids input = {};   // tokens in …
  Ids target = {};  // … and the wanted output, position by position

  bool operator==(const Example&) const = default;
};

/// Random numbers: a function of (seed, stream) and of how many were drawn, so there is no state to save.
class Dice {
 public:
  Dice(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

  int64_t below(int64_t n);                    // uniform on 0 … n-1, to a precision of n 2⁻³²
  int64_t between(int64_t low, int64_t high);  // uniform on low … high
  double uniform();                            // on [0, 1)
  bool chance(double probability) { return uniform() < probability; }
  Ids several(int64_t count, int64_t low, int64_t high);    // independent, each on low … high
  Ids different(int64_t count, int64_t low, int64_t high);  // without repetition, in random order

 private:
  uint64_t seed_, stream_, taken_ = 0;
};

using MakeExample = std::function<Example(Dice&)>;

struct SplitOptions {
  int64_t training = 0;  // training examples, used again in each epoch; 0: new ones at every step
  int64_t test = 1000;
  int64_t hash_split = 0;  // n > 0: one in n, chosen by its hash, is for testing
  uint64_t seed = 0;
};

class TaskData {
 public:
  std::vector<Example> training, test;  // disjoint; training is empty if each step draws new examples

  /// Draws the examples. Without hash_split the test examples are all different; with it they may repeat,
  /// for rules with few examples. Throws Error if fewer different ones are found than wanted.
  TaskData(MakeExample make, const SplitOptions& options);

  /// Takes each example of a list once, shuffled: the first `training_count` for training, the others for
  /// testing. Throws Error if none would be left for either.
  TaskData(std::vector<Example> all, int64_t training_count, uint64_t seed);

  /// The examples of a step: new ones, or the next of an epoch over `training` in random order. If
  /// `size` does not divide an epoch, the rest of the epoch is skipped. For one thread.
  std::vector<Example> batch(int64_t step, int64_t size) const;

  /// Some training examples, for measuring: from `training`, or drawn as a step would.
  std::vector<Example> sample_training(int64_t count) const;

 private:
  Example draw(Dice& dice) const;
  bool is_for_test(const Example& example) const;

  MakeExample make_;
  SplitOptions options_;
  std::set<std::string> test_keys_;
  mutable Ids order_;  // of the latest epoch
  mutable int64_t order_epoch_ = -1;
};

/// Each example once, in the order of its first appearance: no example may be in both training and test.
std::vector<Example> distinct(std::vector<Example> examples);

/// The bytes that identify an example: its source and input.
std::string example_key(const Example& example);

/// FNV-1a of a text.
uint64_t text_hash(const std::string& text);

/// Examples as the rows of tensors, shorter ones padded at their ends.
struct SequenceBatch {
  Tensor source;                                       // (B, S) i64, or undefined
  std::optional<std::vector<int64_t>> source_lengths;  // (B), if they differ
  Tensor input, target;                                // (B, L) i64; padded with 0 and `ignored`

  int64_t tokens() const { return input.numel() + (source.defined() ? source.numel() : 0); }
};
SequenceBatch collate(const std::vector<Example>& examples);

}  // namespace heed::kit
