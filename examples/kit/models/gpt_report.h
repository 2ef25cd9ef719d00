// What a run of char_gpt shows beside its loss: models that only count, and where the heads look.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include <heed/examples/kit/data/corpus.h>
#include <heed/nn/models/gpt.h>

namespace heed::kit {

/// Losses of models that only count, in nats per token of the validation text (data/metrics.h).
struct CountingLosses {
  double uniform, unigram;
  std::optional<double> bigram;  // counts of all pairs: not for a vocabulary above 4096

  CountingLosses(const Corpus& corpus, int64_t vocabulary);
};

/// A table: the model's losses, and those of counting. `unit` is what a token is: "character", or "token".
void print_losses(std::ostream& out, double validation, double training, const CountingLosses& counting,
                  const Corpus& corpus, const std::string& unit);

/// A plot of the losses that a run has logged in `metrics`, in this unit.
void save_gpt_losses(const std::filesystem::path& file, const std::filesystem::path& metrics,
                     const CountingLosses& counting, const std::string& unit);

/// A page that shows what every head attends to while the model reads `ids`, of which at most 48 are taken; and the
/// picture of insides.h.
void save_gpt_attention(const std::filesystem::path& file, const std::filesystem::path& insides, nn::GPT& model,
                        const Tokeniser& tokeniser, const Ids& ids);

}  // namespace heed::kit
