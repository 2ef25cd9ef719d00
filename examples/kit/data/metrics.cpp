#include <heed/examples/kit/data/metrics.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <span>

#include <heed/core/error.h>

namespace heed::kit {
namespace {

/// How often each sequence of n words occurs.
std::map<Words, int64_t> ngrams(const Words& words, size_t n) {
  std::map<Words, int64_t> counts;
  for (size_t i = 0; i + n <= words.size(); ++i) ++counts[Words(words.begin() + i, words.begin() + i + n)];
  return counts;
}

/// The number of n-grams of the candidate that the reference also has, each counted at most as often as there.
int64_t matches(const Words& candidate, const Words& reference, size_t n) {
  const auto wanted = ngrams(reference, n);
  int64_t found = 0;
  for (const auto& [gram, count] : ngrams(candidate, n)) {
    const auto there = wanted.find(gram);
    if (there != wanted.end()) found += std::min(count, there->second);
  }
  return found;
}

int64_t windows(const Words& words, size_t n) {
  return std::max<int64_t>(0, static_cast<int64_t>(words.size()) - static_cast<int64_t>(n) + 1);
}

double brevity(double candidate, double reference) { return std::exp(std::min(0.0, 1 - reference / candidate)); }

void check_vocabulary(const char* op, const Ids& training, const Ids& validation, int64_t vocabulary) {
  check(!validation.empty() && !training.empty(), op, ": ", training.size(), " training and ", validation.size(),
        " validation symbols: there must be at least one of each");
  for (const Ids* ids : {&training, &validation})
    for (const int64_t id : *ids)
      check<IndexError>(id >= 0 && id < vocabulary, op, ": id ", id, ": is not in 0 … ", vocabulary - 1);
}

}  // namespace

double perplexity(double nats) { return std::exp(nats); }

double bits_per_character(double nats) { return nats / std::numbers::ln2; }

double accuracy(const Ids& predicted, const Ids& targets, int64_t ignored) {
  check<ShapeError>(predicted.size() == targets.size(), "accuracy: ", predicted.size(), " predictions for ",
                    targets.size(), " targets: give one for each");
  int64_t right = 0, counted = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] == ignored) continue;
    right += predicted[i] == targets[i];
    ++counted;
  }
  return static_cast<double>(right) / static_cast<double>(counted);  // NaN if no position counts
}

double bleu(const Words& candidate, const Words& reference, int k) {
  if (candidate.empty()) return 0;
  double score = brevity(static_cast<double>(candidate.size()), static_cast<double>(reference.size()));
  for (int n = 1; n <= std::min(k, static_cast<int>(candidate.size())); ++n) {
    const double precision =
        static_cast<double>(matches(candidate, reference, n)) / static_cast<double>(windows(candidate, n));
    score *= std::pow(precision, std::pow(0.5, n));
  }
  return score;
}

double corpus_bleu(const std::vector<Words>& candidates, const std::vector<Words>& references) {
  check<ShapeError>(candidates.size() == references.size(), "corpus_bleu: ", candidates.size(), " candidates for ",
                    references.size(), " references: give one for each");
  double log_precisions = 0, candidate_words = 0, reference_words = 0;
  for (size_t n = 1; n <= 4; ++n) {
    int64_t found = 0, all = 0;
    for (size_t i = 0; i < candidates.size(); ++i) {
      found += matches(candidates[i], references[i], n);
      all += windows(candidates[i], n);
    }
    if (found == 0) return 0;
    log_precisions += std::log(static_cast<double>(found) / static_cast<double>(all)) / 4;
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    candidate_words += static_cast<double>(candidates[i].size());
    reference_words += static_cast<double>(references[i].size());
  }
  return brevity(candidate_words, reference_words) * std::exp(log_precisions);
}

double uniform_nats(int64_t vocabulary) { return std::log(static_cast<double>(vocabulary)); }

double unigram_nats(const Ids& training, const Ids& validation, int64_t vocabulary) {
  check_vocabulary("unigram", training, validation, vocabulary);
  std::vector<double> counts(static_cast<size_t>(vocabulary), 1.0);
  for (const int64_t id : training) ++counts[id];
  const double total = static_cast<double>(training.size()) + static_cast<double>(vocabulary);
  double nats = 0;
  for (const int64_t id : validation) nats -= std::log(counts[id] / total);
  return nats / static_cast<double>(validation.size());
}

double bigram_nats(const Ids& training, const Ids& validation, int64_t vocabulary) {
  check_vocabulary("bigram", training, validation, vocabulary);
  const auto V = static_cast<size_t>(vocabulary);
  std::vector<double> counts(V * V, 1.0), totals(V, static_cast<double>(V));
  for (size_t i = 1; i < training.size(); ++i) {
    ++counts[training[i - 1] * V + training[i]];
    ++totals[training[i - 1]];
  }
  double nats = 0;
  int64_t before = training.back();
  for (const int64_t id : validation) {
    nats -= std::log(counts[before * V + id] / totals[before]);
    before = id;
  }
  return nats / static_cast<double>(validation.size());
}

}  // namespace heed::kit
