// The results of several translators side by side: a table, curves of their losses, their alignments.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/translation/alignment.h>
#include <heed/examples/kit/translation/translation_score.h>

namespace heed::kit {

struct TranslationResults {
  std::string table;
  std::vector<LossCurve> losses;
  Figure heat;  // alignments, a panel for each model
  AttentionPage page;
  Json::Object exact_match, bleu, loss, parameters, steps, seconds, d2l_sentences;  // by model

  TranslationResults();

  /// Adds a row to the table, and to the objects.
  void add(const std::string& model, int64_t size, int64_t step, double time, const TranslationScore& score);

  /// Prints an alignment, and adds it to the pictures; nothing if there is no attention.
  void add(const AlignedSentence& aligned, const std::string& model);

  /// A plot of the losses so far.
  void save_losses(const std::filesystem::path& file, const std::string& task) const;
};

}  // namespace heed::kit
