// Fuzz targets for models: their files and configurations. Nothing is made that the bytes do not hold.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include <heed/core/memory/storage.h>
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/models/llama2c.h>
#include <heed/examples/kit/models/model_size.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/nn/models/config.h>

#include "targets.h"

namespace heed::fuzz {

/// A model of llama2.c: read whole, or refused; its weights take no more memory than the file has bytes for.
inline void llama2c_model(std::string_view bytes) {
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("heed-fuzz-model-" + std::to_string(::getpid()) + ".bin")).string();
  std::remove(path.c_str());  // replaced, never shortened while it is mapped
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    const nn::Llama llama = kit::load_llama2c(path);
    require(static_cast<size_t>(llama.num_parameters()) <= bytes.size(), "weights that the file does not have");
    if (bytes[3] != 'k')  // version 0 is all f32
      require(4 * static_cast<size_t>(llama.num_parameters()) <= bytes.size(), "weights that the file does not have");
  } catch (const Error& error) { require_harmless(error); }
  std::remove(path.c_str());
}

/// A GPT in one file, with its configuration and tokens or without: loaded whole, or refused.
inline void gpt_model(std::string_view bytes) {
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("heed-fuzz-gpt-" + std::to_string(::getpid()) + ".safetensors"))
          .string();
  static const std::string letters = path + ".json";  // tokens for a file that has none
  if (!std::filesystem::exists(letters)) std::ofstream(letters) << kit::CharTokeniser("ab").to_text();
  std::remove(path.c_str());  // replaced, never shortened while it is mapped
  std::ofstream(path, std::ios::binary) << bytes;
  for (const bool inside : {true, false}) {
    try {
      const kit::LoadedGPT gpt = kit::load_gpt(path, inside ? "" : letters, {.keep_16_bit = inside});
      require(static_cast<size_t>(gpt.parameters) <= bytes.size(), "weights that the file does not have");
      require(gpt.tokeniser->size() <= gpt.model.options.vocab, "tokens that the model does not know");
    } catch (const Error& error) { require_harmless(error); }
  }
  std::remove(path.c_str());
  std::remove(letters.c_str());
}

/// A configuration: refused, or the same when it is written and read again. Sizes that a small file cannot have are
/// refused before a model is made.
inline void model_config(std::string_view bytes) {
  const auto check_one = [&](auto read) {
    std::string written;
    try {
      const auto options = read(bytes, "fuzz");
      written = nn::to_config(options);
      kit::check_size(options, static_cast<double>(bytes.size()), "fuzz");
    } catch (const FormatError& error) { require_harmless(error); }
    if (written.empty()) return;
    try {
      require(nn::to_config(read(written, "again")) == written, "a configuration changed");
    } catch (const FormatError&) { require(false, "a configuration that was written cannot be read"); }
  };
  check_one([](std::string_view json, const char* source) { return nn::gpt_config(json, source); });
  check_one([](std::string_view json, const char* source) { return nn::llama_config(json, source); });
  check_one([](std::string_view json, const char* source) { return nn::bert_config(json, source); });
}

}  // namespace heed::fuzz
