// Does a checkpoint belong to this run? If not, one message names all differences.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <heed/examples/kit/cli.h>
#include <heed/nn/module.h>

namespace heed::kit {

/// Something that must be equal for a resumed run to be the same run.
struct Trait {
  std::string key;  // in the checkpoint's metadata: "weight_decay"
  std::string value;
  std::string thing = {};  // for a hash, what it identifies: "text"; if empty, the trait is the option --weight-decay
  bool made_by_options = false;  // the thing depends on options: if one of these differs, only the option is reported
  std::string given_by = {};     // how the thing is given: "--text"
};
using Traits = std::vector<Trait>;

/// The values of these options: "weight-decay" becomes a trait with the key "weight_decay".
Traits option_traits(const Cli& cli, const std::vector<std::string>& options);

/// The traits as entries of a checkpoint's metadata.
std::map<std::string, std::string> metadata_of(const Traits& traits);

/// Throws UsageError unless the metadata hold all traits with these values:
///     --resume F: was made with another text, --width 128 (here 64): give the text and the options
///     that it was made with
void check_same_run(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                    const Traits& traits);

/// Throws FormatError, naming tensor and file, if a tensor whose name begins with `prefix` holds NaN or infinity.
void check_weights(const nn::StateDict& state, const std::string& file, const std::string& prefix = "");

/// What is said of such a tensor, after its name and shape.
inline constexpr const char* weights_not_finite =
    ": holds NaN or infinity: the file is damaged, or its training diverged before it was saved: give an earlier or "
    "another file";

/// Throws UsageError if a resumed run has already taken more steps than it is to take in all.
void check_steps_left(int64_t taken, int64_t steps);

}  // namespace heed::kit
