// What a translator's results look like in a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/translation/translation_score.h>

namespace heed::kit {

/// `count` test sentences drawn at random, then the first `count` wrong ones, each as
///     > input
///     = correct
///     < model
std::string samples_text(const TranslationTask& task, const TranslationScore& score, int64_t count, uint64_t seed);

/// One line per sentence: "i'm calm .   => je suis calme .   BLEU 1.000".
std::string judged_text(const std::vector<JudgedSentence>& judged);

/// How many have a BLEU of 1.
int64_t judged_right(const std::vector<JudgedSentence>& judged);

/// The published losses of the translation tutorial's longer form (practical-pytorch: 9,129 pairs,
/// one per step, width 500), each the mean over 1,000 pairs, beside those of this run. `losses` has one
/// element per step of `batch` pairs.
std::string way_points_text(const std::vector<double>& losses, int64_t batch);

}  // namespace heed::kit
