// Is a checkpoint that of this run? In words: what differs, all of it at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace heed::kit {

/// Something that must be equal for a resumed run to be the same run.
struct Trait {
  std::string key;  // in the checkpoint's metadata: "weight_decay"
  std::string value;
  std::string thing = {};        // for a hash, what it stands for: "text"; else the option --weight-decay is meant
  bool made_by_options = false;  // the thing is: where one of them differs, that is said in its place
};
using Traits = std::vector<Trait>;

/// The traits as entries of a checkpoint's metadata.
std::map<std::string, std::string> metadata_of(const Traits& traits);

/// Throws UsageError unless the metadata have all traits with these values:
///     --resume F: was made with another text, --width 128 (here 64): give the text and the options
///     that it was made with
void check_same_run(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                    const Traits& traits);

/// Throws UsageError where a run that is resumed has taken more steps than it is to take in all.
void check_steps_left(int64_t taken, int64_t steps);

}  // namespace heed::kit
