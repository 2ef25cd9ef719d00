// A published model is a folder: weights, configuration, tokeniser. Or a single file with the configuration inside.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <heed/core/files/safetensors.h>
#include <heed/examples/kit/tokens/tokeniser.h>
#include <heed/nn/pretrained.h>

namespace heed::kit {

/// A tokeniser, and where it was found.
struct FoundTokeniser {
  std::unique_ptr<Tokeniser> tokeniser;
  std::string source;  // the file, for people: "gpt2/tokenizer.json"
  const Tokeniser& operator*() const { return *tokeniser; }
  const Tokeniser* operator->() const { return tokeniser.get(); }
};

/// What --model names: a folder as Hugging Face's hub has them, or a file of weights.
struct ModelFiles {
  std::filesystem::path weights;  // model.safetensors, or model.safetensors.index.json of a model in several files
  std::filesystem::path folder;   // of the weights

  std::string option;  // that named the model, for messages

  /// Throws UsageError if a folder has no weights.
  explicit ModelFiles(const std::filesystem::path& model, std::string option = "--model");

  /// The weights. Throws IoError if there are none, FormatError if it is another kind of file, UsageError for a
  /// checkpoint of a run, which holds a model among other things.
  core::SafeTensors open() const;

  /// The configuration: "config" of the weights' metadata, else config.json beside them; "" if there is neither.
  std::string config(const core::SafeTensors& tensors) const;

  /// Where it came from, for messages.
  std::string config_source(const core::SafeTensors& tensors) const;

  /// The tokeniser: `given` if it is not empty, else "tokeniser" of the metadata, else the files of one in the folder.
  FoundTokeniser tokeniser(const core::SafeTensors& tensors, const std::filesystem::path& given) const;
};

/// nn::load_pretrained() for a program, whose users cannot change its table: messages advise none of its rows. Throws
/// FormatError, naming the tensor and `source`, if a tensor that the model takes holds NaN or infinity: said here, not in
/// the middle of a text or as a loss that is NaN.
void load_weights(nn::Module& model, const core::SafeTensors& tensors, const std::string& source,
                  const nn::Renames& table = {}, nn::PretrainedOptions options = {});

/// The tokeniser `given` or, if that is empty, the first file of such a name in the folder of the model. Throws UsageError
/// if there is none.
FoundTokeniser find_tokeniser(const std::filesystem::path& folder, const std::filesystem::path& given,
                              const std::vector<std::string>& names = tokeniser_names());

/// Throws UsageError if the tokeniser has tokens that a model with this vocabulary does not know. `source` is named in it.
void check_tokens_fit(const Tokeniser& tokeniser, int64_t vocabulary, const std::string& source);

}  // namespace heed::kit
