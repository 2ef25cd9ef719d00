// Whether a model's sizes can be those of its file, judged before the model is made: a few bytes of a header or of a
// config.json must not fill the memory.
#pragma once

#include <string>

#include <heed/core/files/safetensors.h>
#include <heed/nn/models/bert.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>

namespace heed::kit {

/// How many elements all tensors of a file have.
double elements_of(const core::SafeTensors& tensors);

/// Throws FormatError, naming `source`, if the matrices of such a model have more elements than its file, or its context
/// is out of proportion: a Llama has tables of rotations for all positions.
void check_size(const nn::GPTOptions& options, double elements, const std::string& source);
void check_size(const nn::LlamaOptions& options, double elements, const std::string& source);
void check_size(const nn::BertOptions& options, double elements, const std::string& source);

/// Throws UsageError, naming the option, if heads do not divide the width, or training with `accumulate` batches per step
/// would need more memory than the machine has.
void check_training(const nn::GPTOptions& options, int64_t batch, int64_t accumulate);

}  // namespace heed::kit
