// Measures of a translator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/translation/translators.h>

namespace heed::kit {

struct TranslationScore {
  double exact_match = 0;      // fraction of sentences that are right to the letter
  double bleu = 0;             // of the corpus (metrics.h)
  double loss = 0;             // nats per word, given the right words before it; <eos> is a word
  std::vector<Words> written;  // per sentence
};

/// On the task's test sentences, or the first `limit` of them, in evaluation; the model is set back to
/// training afterwards.
TranslationScore score_translator(Translator& model, const TranslationTask& task, const SearchSettings& search,
                                  int64_t limit = INT64_MAX);

/// The score's `loss` on the first `limit` test sentences, without decoding.
double validation_loss(Translator& model, const TranslationTask& task, int64_t limit);

/// The words that the model writes for one sentence.
Words translate_words(Translator& model, const TranslationTask& task, const Words& source,
                      const SearchSettings& search);

/// The same, with the attention weights. Both sides then end in "<eos>".
AlignedSentence align_words(Translator& model, const TranslationTask& task, const Words& source,
                            const SearchSettings& search);

/// The four English sentences by which "Dive into Deep Learning" judges a model that writes French.
struct JudgedSentence {
  Words source, written;
  double bleu;  // k = 2
};
std::vector<JudgedSentence> judge_by_d2l(Translator& model, const TranslationTask& task, const SearchSettings& search);

}  // namespace heed::kit
