// Four translators with one interface, so that they can be compared. Their layers are those of
// nn/recurrent/seq2seq.h, nn/recurrent/attention_decoders.h and nn/models/seq2seq_transformer.h, under the
// names "encoder." and "decoder.", or the Transformer's own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <heed/examples/kit/translation/alignment.h>
#include <heed/examples/kit/translation/translation_recipes.h>
#include <heed/examples/kit/translation/translation_task.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/module.h>

namespace heed::kit {

struct SearchSettings {
  int64_t beam = 1;           // 1: greedy
  double length_penalty = 0;  // of a beam (nn/models/decoding.h)
};

struct Translator : nn::Module {
  /// Logits (B, T, V) for the words of batch.target. With probability `teacher_forcing` the decoder reads
  /// batch.input, otherwise its own output; a Transformer always reads batch.input.
  virtual Tensor operator()(const TranslationBatch& batch, double teacher_forcing = 1) const = 0;

  /// The words that it writes per source, without marks. In evaluation, under NoGrad.
  virtual std::vector<Ids> translate(const TranslationBatch& batch, const SearchSettings& search) const = 0;

  /// Its attention weights while it writes the target of a batch of one. In evaluation, under NoGrad.
  virtual Alignment alignment(const TranslationBatch& batch) const = 0;

  /// The same of all its layers, within source and target too; nothing for a model without such layers.
  virtual std::vector<nn::AttentionEntry> trace(const TranslationBatch& /*batch*/) const { return {}; }
};

/// "bahdanau", "transformer", "location" (which has one layer, and weights for as many positions as the
/// task's longest source) or "none". Throws Error for another name.
std::unique_ptr<Translator> make_translator(const std::string& model, const TranslationRecipe& recipe,
                                            const TranslationTask& task);

}  // namespace heed::kit
