// How each translator is trained: the published settings of its task, or measured ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace heed::kit {

/// The tasks of the example `translate`.
enum class TaskKind : uint8_t {
  numbers,   // French and English number words
  tutorial,  // PyTorch's tutorial: short sentences about persons
  d2l        // "Dive into Deep Learning", older edition: 600 short sentences
};

struct TranslationRecipe {
  int64_t steps = 0;  // of training; 0: `passes` over the examples
  int64_t passes = 0;
  int64_t batch = 64;          // sentences per step
  double lr = 0;               // peak learning rate (Adam)
  int64_t warmup = 0;          // steps up to it
  bool decay = false;          // then linearly to 0; otherwise constant
  double clip = 1;             // largest norm of the gradient
  double teacher_forcing = 1;  // fraction of batches in which the decoder is given the true words

  int64_t width = 64;  // of embeddings and states
  int64_t layers = 1;
  double dropout = 0;                   // of embedded words; in a Transformer of every sublayer
  double layer_dropout = 0;             // between recurrent layers
  double attention_dropout = 0;         // of Bahdanau's weights
  bool bidirectional = false;           // recurrent models: the encoder also reads backwards
  bool norm_first = false;              // Transformer
  int64_t heads = 4, feed_forward = 0;  // Transformer; 0: four times the width
  bool xavier = false;                  // initialise matrices except embeddings as Glorot & Bengio 2010

  /// What lr is multiplied by: rises linearly over the warm-up, then, with decay, falls linearly to 0 at the last step.
  double rate(int64_t step) const;
};

/// Throws Error unless `model` is "bahdanau", "transformer", "location" or "none".
void check_translator(const std::string& model);

/// The recipe of one of these models; throws Error for another name.
TranslationRecipe translation_recipe(TaskKind task, const std::string& model);

}  // namespace heed::kit
