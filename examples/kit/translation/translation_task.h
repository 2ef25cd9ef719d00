// What a translator is trained on: sentences of two languages, and the vocabularies of both.
//
//     const TranslationTask task = number_task({.train_size = 1000}, {});
//     TrainingOrder order(1000, 64, seed);
//     const TranslationBatch batch = make_batch(task, task.training, order.examples(step));
//
// A sentence ends in <eos> on both sides; a decoder is given <sos> and the words so far. Each
// language has a WordVocab, which the translation tutorial calls Lang.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/examples/kit/data/batches.h>
#include <heed/examples/kit/data/vocabulary.h>
#include <heed/examples/kit/translation/number_words.h>
#include <heed/examples/kit/translation/sentence_pairs.h>

namespace heed::kit {

struct Translation {
  Words source, target;
};

struct TaskOptions {
  bool to_english = true;    // from French; else from English to French
  int64_t train_size = 0;    // 0: all that are left
  int64_t test_size = 2000;  // none of these is trained on
  int64_t min_freq = 1;      // rarer words are <unk>
  uint64_t seed = 0;         // of the random draw
};

struct TranslationTask {
  std::string name;  // "French number words to English"
  std::vector<Translation> training, test;
  int64_t repeated = 0;                  // pairs of a file left out since an earlier one is the same
  int64_t also_tested = 0;               // … since their source sentence is in the test
  bool tests_training = false;           // the test pairs are the training pairs
  WordVocab source, target;              // of the training sentences
  std::string (*written)(const Words&);  // the target's words as they are written
  int64_t source_steps, target_steps;    // of the longest sentence, <eos> included

  TranslationTask(std::string name, std::vector<Translation> training, std::vector<Translation> test,
                  std::string (*written)(const Words&), int64_t min_freq = 1);

  /// Identifies the training sentences in a checkpoint.
  std::string hash() const;
};

/// Numbers below a million, each at most once, in words without hyphens. The test numbers depend
/// only on seed and test_size; train_size 0 is 30,000. Throws Error unless both fit below a million
/// and are > 0.
TranslationTask number_task(TaskOptions options, const FrenchNumbers& french);

/// The pairs of a file whose first language is English. tutorial: repeated pairs are dropped; test_size of
/// the rest, but at most a tenth, are drawn for the test, and no pair with the source sentence of one of
/// these is trained on; with 0 the test pairs are the training pairs. d2l: the first train_size pairs, which
/// are also the test pairs.
/// Throws as read_sentence_pairs, and Error where nothing is left to train on.
TranslationTask pair_task(const std::filesystem::path& file, Preparation preparation, TaskOptions options);

/// Sentences as rows, padded with <pad>.
struct TranslationBatch {
  Padded source;                 // (B, S)
  std::vector<int64_t> lengths;  // (B) of the source, <eos> included
  Tensor input;                  // (B, T)  <sos> w₁ … w_{T-1}: what the decoder is given
  Tensor target;                 // (B, T)  w₁ … w_{T-1} <eos>; WordVocab::pad does not count
};

/// The sentences at these positions. Throws ShapeError for no sentence.
TranslationBatch make_batch(const TranslationTask& task, const std::vector<Translation>& sentences,
                            const Ids& positions);

/// A source sentence as a batch of one, when there is no target yet.
TranslationBatch source_batch(const TranslationTask& task, const Words& source);

/// Which examples a step (from 0) trains on: each pass over all n has another order, and the last
/// batch of a pass holds the remaining examples. A function of (seed, step), so a run can resume anywhere.
class TrainingOrder {
 public:
  TrainingOrder(int64_t n, int64_t batch, uint64_t seed) : n_(n), batch_(batch), seed_(seed) {}
  Ids examples(int64_t step);
  int64_t steps_in_pass() const { return (n_ + batch_ - 1) / batch_; }

 private:
  int64_t n_, batch_;
  uint64_t seed_;
  int64_t pass_ = -1;  // the pass whose order is kept
  Ids order_;
};

}  // namespace heed::kit
