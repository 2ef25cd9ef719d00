#include <heed/examples/kit/models/model_files.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {

namespace fs = std::filesystem;

ModelFiles::ModelFiles(const fs::path& model, std::string option_)
    : weights(model), folder(model.parent_path()), option(std::move(option_)) {
  if (!fs::is_directory(model)) return;
  folder = model;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"})
    if (fs::exists(weights = folder / name)) return;
  throw UsageError(
      cat(option, ": ", quote(model.string()),
          ": has neither model.safetensors nor model.safetensors.index.json: give a folder with one of them, "
          "or the file of the weights itself"));
}

core::SafeTensors ModelFiles::open() const {
  core::SafeTensors tensors = core::open_safetensors(weights.string());
  const std::vector<std::string> names = tensors.names();
  const bool run = std::any_of(names.begin(), names.end(), [](const auto& n) { return n.starts_with("optimizer."); });
  if (!run) return tensors;
  const fs::path model = folder / "model.safetensors";
  fail<UsageError>(option, ": ", quote(weights.string()), ": is the state of a run, for --resume: ",
                   fs::exists(model) ? cat("give its model: ", quote(model.string()))
                                     : "resume the run: when it ends or is stopped it writes model.safetensors");
}

std::string ModelFiles::config(const core::SafeTensors& tensors) const {
  if (const auto inside = tensors.metadata().find("config"); inside != tensors.metadata().end()) return inside->second;
  const fs::path file = folder / "config.json";
  return fs::exists(file) ? core::read_file(file.string(), 10'000'000) : "";
}

std::string ModelFiles::config_source(const core::SafeTensors& tensors) const {
  return tensors.metadata().count("config") ? weights.string() + ": config" : (folder / "config.json").string();
}

FoundTokeniser ModelFiles::tokeniser(const core::SafeTensors& tensors, const fs::path& given) const {
  const auto inside = tensors.metadata().find("tokeniser");
  if (!given.empty() || inside == tensors.metadata().end()) return find_tokeniser(folder, given);
  return {parse_tokeniser(inside->second, weights.string() + ": tokeniser"), weights.string()};
}

FoundTokeniser find_tokeniser(const fs::path& folder, const fs::path& given, const std::vector<std::string>& names) {
  if (!given.empty() && !fs::is_directory(given)) return {load_tokeniser(given), given.string()};
  const fs::path searched = !given.empty() ? given : folder.empty() ? fs::path(".") : folder;
  const fs::path found = tokeniser_in(searched, names);
  check<UsageError>(!found.empty(), "--tokenizer: ", given.empty() ? "is missing, and beside the model, in " : "",
                    quote(searched.string()), given.empty() ? "," : ":", " there is none of ", joined(names),
                    ": give the file of the model's tokens");
  return {load_tokeniser(found), found.string()};
}

void check_tokens_fit(const Tokeniser& tokeniser, int64_t vocabulary, const std::string& source) {
  check<UsageError>(tokeniser.size() <= vocabulary, "--tokenizer: ", quote(source), ": has ", tokeniser.size(),
                    " tokens, the model has ", vocabulary,
                    ": they do not belong together: give the file of the model's tokens");
}

}  // namespace heed::kit
