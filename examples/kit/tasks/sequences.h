// Tasks on sequences: examples made by a rule, and their split into training and test.
//
//     const kit::TaskData data(make_sorting(6, 3), {.test = 300, .seed = 1});
//     for (int64_t step = 0; step < steps; ++step) learn(kit::collate(data.batch(step, 64)));
//
// A batch is a function of the seed and the step alone, so a resumed run needs nothing but its step.
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
  Ids source = {};  // what an encoder reads; empty where one model reads everything
  Ids input = {};   // tokens in …
  Ids target = {};  // … and, position by position, what is to come out

  bool operator==(const Example&) const = default;
};

/// Random numbers as a function of (seed, stream) and how many were taken; nothing to save.
class Dice {
 public:
  Dice(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}

  int64_t below(int64_t n);                    // uniform on 0 … n-1, to a precision of n 2⁻³²
  int64_t between(int64_t low, int64_t high);  // uniform on low … high
  double uniform();                            // on [0, 1)
  bool chance(double probability) { return uniform() < probability; }
  Ids several(int64_t count, int64_t low, int64_t high);    // independent, each on low … high
  Ids different(int64_t count, int64_t low, int64_t high);  // no two alike, in random order

 private:
  uint64_t seed_, stream_, taken_ = 0;
};

using MakeExample = std::function<Example(Dice&)>;

struct SplitOptions {
  int64_t training = 0;  // examples to train on, over and over; 0: new ones in every step
  int64_t test = 1000;
  int64_t hash_split = 0;  // n > 0: one in n, by its hash, is for testing
  uint64_t seed = 0;
};

class TaskData {
 public:
  std::vector<Example> training, test;  // disjoint; training is empty where examples are drawn anew

  /// Draws. Without hash_split the test examples are all different; with it they may repeat, as where
  /// there are few. Throws Error where fewer different ones are found than wanted.
  TaskData(MakeExample make, const SplitOptions& options);

  /// All there are, once each and shuffled: the first `training_count` to train on, the others for
  /// testing. Throws Error where none would be left for either.
  TaskData(std::vector<Example> all, int64_t training_count, uint64_t seed);

  /// The examples of a step: new ones, or the next of an epoch over `training` in random order. Where
  /// `size` is no divisor of an epoch, what is left of it is skipped. For one thread.
  std::vector<Example> batch(int64_t step, int64_t size) const;

  /// Some examples to train on, for measuring: of `training`, or drawn as a step would.
  std::vector<Example> sample_training(int64_t count) const;

 private:
  Example draw(Dice& dice) const;
  bool is_for_test(const Example& example) const;

  MakeExample make_;
  SplitOptions options_;
  std::set<std::string> test_keys_;
  mutable Ids order_;  // of the epoch that was asked for last
  mutable int64_t order_epoch_ = -1;
};

/// Each example once, in the order of its first appearance: what is learnt must not be tested.
std::vector<Example> distinct(std::vector<Example> examples);

/// What tells two examples apart, as bytes: source and input.
std::string example_key(const Example& example);

/// FNV-1a of a text.
uint64_t text_hash(const std::string& text);

/// Examples as the rows of tensors, shorter ones filled up at their ends.
struct SequenceBatch {
  Tensor source;                                       // (B, S) i64, or undefined
  std::optional<std::vector<int64_t>> source_lengths;  // (B), where they differ
  Tensor input, target;                                // (B, L) i64; filled up with 0 and `ignored`

  int64_t tokens() const { return input.numel() + (source.defined() ? source.numel() : 0); }
};
SequenceBatch collate(const std::vector<Example>& examples);

}  // namespace heed::kit
