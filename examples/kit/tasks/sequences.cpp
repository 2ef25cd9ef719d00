#include <heed/examples/kit/tasks/sequences.h>

#include <algorithm>
#include <numeric>
#include <set>

#include <heed/autograd/ops/create.h>
#include <heed/core/error.h>
#include <heed/core/random.h>
#include <heed/examples/kit/data/batches.h>

namespace heed::kit {
namespace {

// Streams of dice: those of the steps start at 0, the others far from it. The seed is changed because
// dropout, too, draws its bits by (seed, call).
constexpr uint64_t test_stream = uint64_t{1} << 62, training_stream = test_stream + 1, order_stream = uint64_t{1} << 61,
                   dice_seed = 0x7461736b;

/// Whether its hash assigns an example to the test: one in n. (The low bits of FNV mix too little.)
bool hashed_to_test(const std::string& key, int64_t n) {
  return (text_hash(key) >> 32) % static_cast<uint64_t>(n) == 0;
}

/// The numbers 0 … n-1 in random order (Fisher & Yates).
Ids drawn_order(int64_t n, Dice& dice) {
  Ids order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(dice.below(static_cast<int64_t>(i)))]);
  return order;
}

}  // namespace

int64_t Dice::below(int64_t n) {
  const uint64_t word = core::word_at(seed_ ^ dice_seed, stream_, taken_++);
  return static_cast<int64_t>((word * static_cast<uint64_t>(n)) >> 32);
}

int64_t Dice::between(int64_t low, int64_t high) { return low + below(high - low + 1); }

double Dice::uniform() { return core::uniform_at(seed_ ^ dice_seed, stream_, taken_++); }

Ids Dice::several(int64_t count, int64_t low, int64_t high) {
  Ids numbers(static_cast<size_t>(count));
  for (int64_t& number : numbers) number = between(low, high);
  return numbers;
}

Ids Dice::different(int64_t count, int64_t low, int64_t high) {
  Ids all(static_cast<size_t>(high - low + 1));
  std::iota(all.begin(), all.end(), low);
  check(count <= high - low + 1, "different: ", count, " numbers of ", low, " … ", high,
        ": there are not as many: ask for fewer");
  for (int64_t i = 0; i < count; ++i)
    std::swap(all[static_cast<size_t>(i)], all[static_cast<size_t>(between(i, high - low))]);
  all.resize(static_cast<size_t>(count));
  return all;
}

TaskData::TaskData(MakeExample make, const SplitOptions& options) : make_(std::move(make)), options_(options) {
  Dice dice(options.seed, test_stream);
  for (int64_t tries = 0; static_cast<int64_t>(test.size()) < options.test; ++tries) {
    check(tries < 100 * (options.test + 10), "task data: ", test.size(), " different examples found, ", options.test,
          " wanted for testing: there are too few: make the sequences longer");
    const Example example = make_(dice);
    const std::string key = example_key(example);
    if (options.hash_split > 0 ? hashed_to_test(key, options.hash_split) : test_keys_.insert(key).second)
      test.push_back(example);
  }
  Dice more(options.seed, training_stream);
  for (int64_t i = 0; i < options.training; ++i) training.push_back(draw(more));
}

TaskData::TaskData(std::vector<Example> all, int64_t training_count, uint64_t seed) : options_{.seed = seed} {
  all = distinct(std::move(all));
  const auto n = static_cast<int64_t>(all.size());
  check(n > 1, "task data: ", n, " different examples: one to train on and one to test with are needed");
  check(0 < training_count && training_count < n, "task data: ", training_count, " of ", n,
        " examples to train on: some must be left for testing: give 1 to ", n - 1);
  Dice dice(seed, training_stream);
  for (const int64_t i : drawn_order(n, dice)) {
    auto& part = static_cast<int64_t>(training.size()) < training_count ? training : test;
    part.push_back(std::move(all[static_cast<size_t>(i)]));
  }
}

bool TaskData::is_for_test(const Example& example) const {
  const std::string key = example_key(example);
  return options_.hash_split > 0 ? hashed_to_test(key, options_.hash_split) : test_keys_.count(key) > 0;
}

Example TaskData::draw(Dice& dice) const {
  for (int tries = 0; tries < 10000; ++tries) {
    Example example = make_(dice);
    if (!is_for_test(example)) return example;
  }
  fail(
      "task data: every example drawn is one of the test's: none is left to train on: make the test "
      "smaller or the sequences longer");
}

std::vector<Example> TaskData::batch(int64_t step, int64_t size) const {
  std::vector<Example> examples;
  if (training.empty()) {
    Dice dice(options_.seed, static_cast<uint64_t>(step));
    for (int64_t i = 0; i < size; ++i) examples.push_back(draw(dice));
    return examples;
  }
  const auto n = static_cast<int64_t>(training.size());
  size = std::min(size, n);
  const int64_t steps = n / size, epoch = step / steps;
  if (epoch != order_epoch_) {
    Dice dice(options_.seed, order_stream + static_cast<uint64_t>(epoch));
    order_ = drawn_order(n, dice);
    order_epoch_ = epoch;
  }
  for (int64_t i = (step % steps) * size; i < (step % steps + 1) * size; ++i)
    examples.push_back(training[static_cast<size_t>(order_[static_cast<size_t>(i)])]);
  return examples;
}

std::vector<Example> TaskData::sample_training(int64_t count) const {
  if (training.empty()) {
    std::vector<Example> examples;
    Dice dice(options_.seed, training_stream);
    for (int64_t i = 0; i < count; ++i) examples.push_back(draw(dice));
    return examples;
  }
  return {training.begin(), training.begin() + std::min(count, static_cast<int64_t>(training.size()))};
}

std::vector<Example> distinct(std::vector<Example> examples) {
  std::set<std::string> seen;
  std::erase_if(examples, [&](const Example& e) { return !seen.insert(example_key(e)).second; });
  return examples;
}

std::string example_key(const Example& example) {
  std::string key;
  for (const int64_t id : example.source) key += std::to_string(id) + ' ';
  key += '|';
  for (const int64_t id : example.input) key += std::to_string(id) + ' ';
  return key;
}

uint64_t text_hash(const std::string& text) {
  uint64_t hash = 14695981039346656037ull;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ull;
  return hash;
}

SequenceBatch collate(const std::vector<Example>& examples) {
  std::vector<Ids> sources, inputs, targets;
  for (const Example& example : examples) {
    sources.push_back(example.source);
    inputs.push_back(example.input);
    targets.push_back(example.target);
  }
  SequenceBatch batch;
  batch.input = pad(inputs, 0).ids;
  batch.target = pad(targets, ignored).ids;
  if (sources[0].empty()) return batch;
  batch.source = pad(sources, 0).ids;
  std::vector<int64_t> lengths;
  for (const Ids& source : sources) lengths.push_back(static_cast<int64_t>(source.size()));
  if (std::any_of(lengths.begin(), lengths.end(), [&](int64_t n) { return n != lengths[0]; }))
    batch.source_lengths = lengths;
  return batch;
}

}  // namespace heed::kit
