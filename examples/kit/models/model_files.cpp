#include <heed/examples/kit/models/model_files.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/resume.h>

namespace heed::kit {

namespace fs = std::filesystem;

namespace {

// Whether one of the floating elements, stored little-endian, is NaN or infinite: all bits of its exponent are set, and
// in every type these are among its two highest bytes.
bool has_nonfinite(std::string_view bytes, const std::string& dtype) {
  const size_t width = dtype == "F64" ? 8 : dtype == "F32" ? 4 : 2;
  const unsigned exponent = dtype == "F64" ? 0x7ff0u : dtype == "F16" ? 0x7c00u : 0x7f80u;
  bool found = false;
  for (size_t end = width; end <= bytes.size(); end += width) {
    const unsigned high = static_cast<unsigned char>(bytes[end - 1]), low = static_cast<unsigned char>(bytes[end - 2]);
    found |= ((high << 8 | low) & exponent) == exponent;
  }
  return found;
}

bool is_floating_type(const std::string& dtype) {
  return dtype == "F16" || dtype == "BF16" || dtype == "F32" || dtype == "F64";
}

}  // namespace

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

void load_weights(nn::Module& model, const core::SafeTensors& tensors, const std::string& source,
                  const nn::Renames& table, nn::PretrainedOptions options) {
  options.advise_rows = false;
  nn::load_pretrained(model, tensors, table, options);
  for (const nn::Origin& origin : nn::renamed_tensors(tensors.names(), table))
    for (const std::string& name : origin.parts)
      check<FormatError>(
          !is_floating_type(tensors.file_dtype(name)) || !has_nonfinite(tensors.bytes(name), tensors.file_dtype(name)),
          quote(source), ": ", readable(name), " ", tensors.shape(name), weights_not_finite);
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
