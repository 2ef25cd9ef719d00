// A published model is a folder: weights, configuration, tokeniser. Or a single file with the configuration inside.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <heed/core/files/safetensors.h>
#include <heed/examples/kit/tokens/tokeniser.h>

namespace heed::kit {

/// What --model names: a folder as Hugging Face's hub has them, or a file of weights.
struct ModelFiles {
  std::filesystem::path weights;  // model.safetensors, or model.safetensors.index.json of a model in several files
  std::filesystem::path folder;   // of the weights

  /// Throws IoError if there is nothing, UsageError if a folder has no weights.
  explicit ModelFiles(const std::filesystem::path& model);

  /// The configuration: "config" of the weights' metadata, else config.json beside them; "" if there is neither.
  std::string config(const core::SafeTensors& tensors) const;

  /// Where it came from, for messages.
  std::string config_source(const core::SafeTensors& tensors) const;

  /// The tokeniser: `given` if it is not empty, else "tokeniser" of the metadata, else the files of one in the folder.
  std::unique_ptr<Tokeniser> tokeniser(const core::SafeTensors& tensors, const std::filesystem::path& given) const;
};

/// Throws UsageError if the tokeniser has tokens that a model with this vocabulary does not know.
void check_tokens_fit(const Tokeniser& tokeniser, int64_t vocabulary);

}  // namespace heed::kit
