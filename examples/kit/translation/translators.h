// Four translators behind one interface, so that they can be compared. Their layers are those of
// nn/recurrent/seq2seq.h, nn/recurrent/attention_decoders.h and nn/models/seq2seq_transformer.h, under the names "encoder." and
// "decoder.", or the Transformer's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <heed/examples/kit/translation/alignment.h>
#include <heed/examples/kit/translation/translation_recipes.h>
#include <heed/examples/kit/translation/translation_task.h>
#include <heed/nn/module.h>

namespace heed::kit {

struct SearchSettings {
  int64_t beam = 1;           // 1: greedy
  double length_penalty = 0;  // of a beam (nn/models/decoding.h)
};

struct Translator : nn::Module {
  /// Logits (B, T, V) for the words of batch.target. With this probability the decoder reads
  /// batch.input, else what it wrote itself; a Transformer always reads the former.
  virtual Tensor operator()(const TranslationBatch& batch, double teacher_forcing = 1) const = 0;

  /// The words that it writes for each source, without marks. In evaluation, under NoGrad.
  virtual std::vector<Ids> translate(const TranslationBatch& batch, const SearchSettings& search) const = 0;

  /// Where it looks while it writes the target of a batch of one. In evaluation, under NoGrad.
  virtual Alignment alignment(const TranslationBatch& batch) const = 0;
};

/// "bahdanau", "transformer", "location" (which has one layer, and weights for as many places as the
/// task's longest source) or "none". Throws Error for another.
std::unique_ptr<Translator> make_translator(const std::string& model, const TranslationRecipe& recipe,
                                            const TranslationTask& task);

}  // namespace heed::kit
