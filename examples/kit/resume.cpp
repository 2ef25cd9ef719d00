#include <heed/examples/kit/resume.h>

#include <algorithm>

#include <heed/core/ops/ops.h>
#include <heed/core/text.h>

namespace heed::kit {
namespace {

std::string option_of(const Trait& trait) {
  std::string name = "--" + trait.key;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace

Traits option_traits(const Cli& cli, const std::vector<std::string>& options) {
  Traits traits;
  for (const std::string& option : options) {
    std::string key = option;
    std::replace(key.begin(), key.end(), '-', '_');
    traits.push_back({key, cli.value(option)});
  }
  return traits;
}

std::map<std::string, std::string> metadata_of(const Traits& traits) {
  std::map<std::string, std::string> metadata;
  for (const Trait& trait : traits) metadata[trait.key] = trait.value;
  return metadata;
}

void check_same_run(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                    const Traits& traits) {
  std::string differs, wanted;
  bool options = false;
  for (const Trait& trait : traits) {
    const auto was = metadata.find(trait.key);
    check<UsageError>(was != metadata.end() || metadata.count("config") == 0, "--resume ", readable(file.string()),
                      ": is a model, for --load: give the run's state, checkpoint.safetensors beside it");
    check<UsageError>(was != metadata.end(), "--resume ", readable(file.string()), ": has no entry ", quote(trait.key),
                      ": is not a checkpoint of this program: give one that it made");
    if (was->second == trait.value || (trait.made_by_options && options)) continue;
    differs += differs.empty() ? "" : ", ";
    if (trait.thing.empty()) {
      const std::string value = quote(was->second);  // a file's text
      differs += option_of(trait) + ' ' + value.substr(1, value.size() - 2) + " (here " + trait.value + ')';
      options = true;
    } else {
      differs += "another " + trait.thing;
      wanted += "the " + trait.thing + (trait.given_by.empty() ? " " : " (" + trait.given_by + ") ");
    }
  }
  if (differs.empty()) return;
  if (options) wanted += wanted.empty() ? "the options " : "and the options ";
  fail<UsageError>("--resume ", readable(file.string()), ": was made with ", differs, ": give ", wanted,
                   "that it was made with");
}

void check_weights(const nn::StateDict& state, const std::string& file, const std::string& prefix) {
  for (const nn::NamedTensor& entry : state)
    check<FormatError>(
        !entry.name.starts_with(prefix) || !is_floating(entry.tensor.dtype()) || core::all_finite(entry.tensor.array()),
        quote(file), ": ", readable(entry.name), " ", entry.tensor.shape(), weights_not_finite);
}

void check_steps_left(int64_t taken, int64_t steps) {
  check<UsageError>(taken <= steps, "--steps ", steps, ": the checkpoint is already at step ", taken,
                    ": give at least as many");
}

}  // namespace heed::kit
