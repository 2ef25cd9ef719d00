// What each translator is trained with: the settings that its task is published or measured with.
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
  int64_t steps = 0;  // of training; where it is 0, `passes` over the examples
  int64_t passes = 0;
  int64_t batch = 64;          // sentences in a step
  double lr = 0;               // peak learning rate (Adam)
  int64_t warmup = 0;          // steps up to it
  bool decay = false;          // from there to 0 in a straight line; else it stays
  double clip = 1;             // largest norm of the gradient
  double teacher_forcing = 1;  // share of the batches in which the decoder is given the true words

  int64_t width = 64;  // of embeddings and states
  int64_t layers = 1;
  double dropout = 0;                   // of embedded words; in a Transformer everywhere
  double layer_dropout = 0;             // between recurrent layers
  double attention_dropout = 0;         // of Bahdanau's weights
  bool bidirectional = false;           // the encoder also reads from the end; recurrent models
  bool norm_first = false;              // Transformer
  int64_t heads = 4, feed_forward = 0;  // Transformer; 0: four times the width
  bool xavier = false;                  // matrices but embeddings start from Glorot & Bengio 2010
};

/// Throws Error unless it is "bahdanau", "transformer", "location" or "none".
void check_translator(const std::string& model);

/// For one of these; else throws Error.
TranslationRecipe translation_recipe(TaskKind task, const std::string& model);

}  // namespace heed::kit
