// What a translator's results look like in a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/translation/translation_score.h>

namespace heed::kit {

/// How many pairs are learnt, tested and left out, and how many words there are: a few lines.
std::string task_text(const TranslationTask& task);

/// `count` test sentences drawn at random, then the first `count` wrong ones, each as
///     > input
///     = correct
///     < model
std::string samples_text(const TranslationTask& task, const TranslationScore& score, int64_t count, uint64_t seed);

/// One line per sentence: "i'm calm .   => je suis calme .   BLEU 1.000".
std::string judged_text(const std::vector<JudgedSentence>& judged);

/// The losses that "Dive into Deep Learning" prints, and what they are in heed's measure.
inline constexpr const char* d2l_losses_text =
    "The book prints a tenth of the nats per word, with dropout on: 0.021 (bahdanau), 0.030 (transformer).\n"
    "With dropout off, on the first 600 pairs of tatoeba.org, the pairs' ambiguity alone leaves 0.012;\n"
    "PyTorch reaches 0.013 and 0.019.\n";

/// How many have a BLEU of 1.
int64_t judged_right(const std::vector<JudgedSentence>& judged);

/// The published losses of the translation tutorial's longer form (practical-pytorch: 9,129 pairs,
/// one per step, width 500), each the mean over 1,000 pairs, beside those of this run. `losses` has one
/// element per step of `batch` pairs.
std::string way_points_text(const std::vector<double>& losses, int64_t batch);

}  // namespace heed::kit
