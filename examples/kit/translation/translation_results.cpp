#include <heed/examples/kit/translation/translation_results.h>

#include <iostream>

#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/terminal_plot.h>

namespace heed::kit {

TranslationResults::TranslationResults()
    : table(fit("model", 12) + " exact match     BLEU    nats/word  parameters   steps   seconds\n") {
  heat.note =
      "Each row is a written word: its dark cells are the words that it was read from. What a row lacks up to 1 "
      "is given to positions after the sentence.";
  page.note =
      "Queries (left, rows) look at keys (right, columns): each word written at the words read. Below \"attention\" "
      "are "
      "the other models and, of a Transformer, the attention within each sentence.";
}

void TranslationResults::add(const std::string& model, int64_t size, int64_t step, double time,
                             const TranslationScore& score) {
  table += fit(model, 12) + right(fixed(100 * score.exact_match, 2) + " %", 12) + right(fixed(score.bleu, 4), 9) +
           right(fixed(score.loss, 4), 13) + right(std::to_string(size), 12) + right(std::to_string(step), 8) +
           right(fixed(time, 1), 10) + '\n';
  exact_match.emplace_back(model, score.exact_match);
  bleu.emplace_back(model, score.bleu);
  loss.emplace_back(model, score.loss);
  parameters.emplace_back(model, size);
  steps.emplace_back(model, step);
  seconds.emplace_back(model, time);
}

void TranslationResults::add(const AlignedSentence& aligned, const std::string& model) {
  if (aligned.weights.empty()) return;
  std::cout << terminal_heat_map(alignment_map(aligned, {}), false, picture_width()) << '\n';
  heat.panels.push_back(alignment_map(aligned, model));
  for (const AttentionSet& set : attention_sets(aligned, model)) page.sets.push_back(set);
}

void TranslationResults::save_losses(const std::filesystem::path& file, const std::string& task) const {
  Plot plot = loss_plot(losses);
  plot.y_label = "nats per word";
  save_svg(file, {.title = "translate: " + task,
                  .note = "Validation (dashed) that stays above training: the model knows its examples by heart.",
                  .panels = {plot}});
}

}  // namespace heed::kit
