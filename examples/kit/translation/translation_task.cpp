#include <heed/examples/kit/translation/translation_task.h>

#include <algorithm>
#include <set>
#include <utility>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/core/random.h>
#include <heed/core/text.h>

namespace heed::kit {
namespace {

using Side = Words Translation::*;

constexpr int64_t numbers_below_a_million = 1'000'000;

std::vector<Words> one_side(const std::vector<Translation>& pairs, Side side) {
  std::vector<Words> sentences;
  sentences.reserve(pairs.size());
  for (const Translation& pair : pairs) sentences.push_back(pair.*side);
  return sentences;
}

int64_t longest(const std::vector<Translation>& pairs, Side side) {
  size_t words = 0;
  for (const Translation& pair : pairs) words = std::max(words, (pair.*side).size());
  return static_cast<int64_t>(words) + 1;
}

Ids shuffled(int64_t n, Generator& generator) {
  const std::vector<double> order = randperm(n, generator).to_vector();
  return {order.begin(), order.end()};
}

Ids with_end(Ids ids) {
  ids.push_back(WordVocab::eos);
  return ids;
}

/// Each pair once, in the order of its first appearance.
std::vector<SentencePair> distinct(std::vector<SentencePair> pairs) {
  std::set<std::pair<Words, Words>> seen;
  std::erase_if(pairs, [&](const SentencePair& p) { return !seen.emplace(p.first, p.second).second; });
  return pairs;
}

std::string join_traditional(const Words& words) { return join_french_number(words); }
std::string join_reformed(const Words& words) { return join_french_number(words, Hyphens::reform_1990); }

}  // namespace

TranslationTask::TranslationTask(std::string name_, std::vector<Translation> training_, std::vector<Translation> test_,
                                 std::string (*written_)(const Words&), int64_t min_freq)
    : name(std::move(name_)),
      training(std::move(training_)),
      test(std::move(test_)),
      source(one_side(training, &Translation::source), min_freq),
      target(one_side(training, &Translation::target), min_freq),
      written(written_),
      source_steps(std::max(longest(training, &Translation::source), longest(test, &Translation::source))),
      target_steps(std::max(longest(training, &Translation::target), longest(test, &Translation::target))) {}

std::string TranslationTask::hash() const {
  uint64_t h = 14695981039346656037ull;  // FNV-1a
  for (const Translation& pair : training)
    for (const Words* side : {&pair.source, &pair.target})
      for (const char c : join_words(*side) + '\n') h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return std::to_string(h);
}

TranslationTask number_task(TaskOptions options, const FrenchNumbers& french) {
  if (options.train_size == 0) options.train_size = 30'000;
  check(options.train_size > 0 && options.test_size > 0 &&
            options.train_size <= numbers_below_a_million - options.test_size,
        "number_task: ", options.train_size, " numbers to train on and ", options.test_size,
        " to test with: there are ", numbers_below_a_million, ": give two numbers that fit");
  Generator draw(options.seed);
  const Ids order = shuffled(numbers_below_a_million, draw);
  std::vector<Translation> test, training;
  for (int64_t i = 0; i < options.test_size + options.train_size; ++i) {
    const int64_t n = order[static_cast<size_t>(i)];
    Words in_french = split_number(french_number(n, french));
    Words in_english = split_number(english_number(n));
    if (!options.to_english) std::swap(in_french, in_english);
    (i < options.test_size ? test : training).push_back({std::move(in_french), std::move(in_english)});
  }
  const auto write_french = french.hyphens == Hyphens::traditional ? join_traditional : join_reformed;
  return {options.to_english ? "French number words to English" : "English number words to French", std::move(training),
          std::move(test), options.to_english ? join_english_number : write_french, options.min_freq};
}

TranslationTask pair_task(const std::filesystem::path& file, Preparation preparation, TaskOptions options) {
  const bool first_ones = preparation == Preparation::d2l;
  std::vector<SentencePair> pairs = read_sentence_pairs(file, preparation, first_ones ? options.train_size : 0);
  check<FormatError>(!pairs.empty(), "pair_task: ", readable(file.string()),
                     ": no pair is left after the filter: give more pairs, or prepare them in another way");
  const size_t listed = pairs.size();
  if (!first_ones) pairs = distinct(std::move(pairs));
  const auto n = static_cast<int64_t>(pairs.size());
  const int64_t tests = first_ones ? 0 : std::min(options.test_size, n / 10);
  const int64_t limit = options.train_size == 0 ? n : options.train_size;
  Generator draw(options.seed);
  const Ids order = shuffled(n, draw);
  std::vector<Translation> test, training;
  std::set<Words> tested;
  int64_t also_tested = 0;
  for (int64_t i = 0; i < n && static_cast<int64_t>(training.size()) < limit; ++i) {
    auto& [first, second] = pairs[static_cast<size_t>(first_ones ? i : order[static_cast<size_t>(i)])];
    if (options.to_english) std::swap(first, second);
    if (i < tests) {
      tested.insert(first);
      test.push_back({std::move(first), std::move(second)});
    } else if (tested.count(first) > 0) {
      ++also_tested;
    } else {
      training.push_back({std::move(first), std::move(second)});
    }
  }
  check<FormatError>(!training.empty(), "pair_task: ", readable(file.string()),
                     ": the test has every source sentence: give pairs of more sentences");
  const bool tests_training = test.empty();
  if (tests_training) test = training;
  TranslationTask task(options.to_english ? "French to English" : "English to French", std::move(training),
                       std::move(test), join_words, options.min_freq);
  task.repeated = static_cast<int64_t>(listed) - n;
  task.also_tested = also_tested;
  task.tests_training = tests_training;
  return task;
}

TranslationBatch make_batch(const TranslationTask& task, const std::vector<Translation>& sentences,
                            const Ids& positions) {
  std::vector<Ids> source, input, target;
  std::vector<int64_t> lengths;
  for (const int64_t i : positions) {
    const Translation& pair = sentences.at(static_cast<size_t>(i));
    source.push_back(with_end(task.source.encode(pair.source)));
    lengths.push_back(static_cast<int64_t>(source.back().size()));
    input.push_back(task.target.encode(pair.target));
    target.push_back(with_end(input.back()));
    input.back().insert(input.back().begin(), WordVocab::sos);
  }
  return {pad(source, WordVocab::pad), lengths, pad(input, WordVocab::pad).ids, pad(target, WordVocab::pad).ids};
}

TranslationBatch source_batch(const TranslationTask& task, const Words& source) {
  return make_batch(task, {{source, {}}}, {0});
}

Ids TrainingOrder::examples(int64_t step) {
  const int64_t pass = step / steps_in_pass(), first = step % steps_in_pass() * batch_;
  if (pass != pass_) {
    Generator order(seed_);
    order.set_counter(static_cast<uint64_t>(pass * ((n_ + 1) / 2)));  // an order uses n/2 counters (random.h)
    order_ = shuffled(n_, order);
    pass_ = pass;
  }
  return {order_.begin() + first, order_.begin() + std::min(first + batch_, n_)};
}

}  // namespace heed::kit
