// A GPT and its tokeniser in one file, or in a folder: what char_gpt writes, and what Hugging Face's hub has of GPT-2.
#pragma once

#include <filesystem>
#include <string>

#include <heed/examples/kit/models/model_files.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/pretrained.h>

namespace heed::kit {

struct LoadedGPT {
  nn::GPT model;
  FoundTokeniser tokeniser;
  int64_t parameters;  // counted before 16-bit weights replaced some
};

/// `model` is a file or a folder (model_files.h); `tokenizer` a file of tokens, if they are not there. Throws UsageError
/// if tokens and model do not belong together. A GPT-2 without a configuration is read by its shapes.
/// `option` named the model: it begins messages.
LoadedGPT load_gpt(const std::filesystem::path& model, const std::filesystem::path& tokenizer = {},
                   const nn::PretrainedOptions& options = {}, const std::string& option = "--model");

/// The weights, with configuration and tokeniser in the metadata: load_gpt() needs nothing else.
void save_gpt(const std::filesystem::path& file, const nn::GPT& model, const Tokeniser& tokeniser);

}  // namespace heed::kit
