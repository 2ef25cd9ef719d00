#include <heed/examples/kit/models/model_files.h>

#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>

namespace heed::kit {

namespace fs = std::filesystem;

ModelFiles::ModelFiles(const fs::path& model) : weights(model), folder(model.parent_path()) {
  if (!fs::is_directory(model)) return;
  folder = model;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"})
    if (fs::exists(weights = folder / name)) return;
  throw UsageError(
      cat("--model: ", quote(model.string()),
          ": has neither model.safetensors nor model.safetensors.index.json: give a folder with one of them, "
          "or the file of the weights itself"));
}

std::string ModelFiles::config(const core::SafeTensors& tensors) const {
  if (const auto inside = tensors.metadata().find("config"); inside != tensors.metadata().end()) return inside->second;
  const fs::path file = folder / "config.json";
  return fs::exists(file) ? core::read_file(file.string(), 10'000'000) : "";
}

std::string ModelFiles::config_source(const core::SafeTensors& tensors) const {
  return tensors.metadata().count("config") ? weights.string() + ": config" : (folder / "config.json").string();
}

std::unique_ptr<Tokeniser> ModelFiles::tokeniser(const core::SafeTensors& tensors, const fs::path& given) const {
  if (!given.empty()) return load_tokeniser(given);
  if (const auto inside = tensors.metadata().find("tokeniser"); inside != tensors.metadata().end())
    return parse_tokeniser(inside->second, weights.string() + ": tokeniser");
  return load_tokeniser(folder.empty() ? fs::path(".") : folder);
}

void check_tokens_fit(const Tokeniser& tokeniser, int64_t vocabulary) {
  check<UsageError>(tokeniser.size() <= vocabulary, "--tokenizer: has ", tokeniser.size(), " tokens, the model has ",
                    vocabulary, ": they do not belong together");
}

}  // namespace heed::kit
