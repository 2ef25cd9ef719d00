// Checkpoints: a state dict in a safetensors file, as PyTorch users exchange them.
//
//     nn::save("model.safetensors", model.state_dict());
//     model.load_state_dict(nn::load("model.safetensors").state);
//
// Files are written atomically: at any moment the old or the new one is whole. Tied tensors are
// stored once, and load_state_dict finds them for all names that the model ties. Metadata is text
// stored with the tensors: what a run needs to resume, or a vocabulary.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <heed/nn/module.h>

namespace heed::nn {

struct Checkpoint {
  StateDict state;
  std::map<std::string, std::string> metadata;
  std::string source;  // the file, for messages

  /// The metadata entry with this key. Throws FormatError if there is none.
  const std::string& get(const std::string& key) const;
};

/// Throws IoError if the file cannot be written; an old file of that name is then unchanged.
void save(const std::filesystem::path& file, const StateDict& state,
          const std::map<std::string, std::string>& metadata = {});

/// Throws IoError if the file cannot be read, FormatError if it breaks the format. Of tied
/// tensors only the one that was stored is returned.
Checkpoint load(const std::filesystem::path& file);

/// The elementwise mean of several states of one model: the last checkpoints of a run,
/// averaged, often do better than the last one (Vaswani et al. 2017, section 6.1). Integer tensors
/// are the last state's. Throws Error if there are no states, or names or shapes differ.
StateDict average(const std::vector<StateDict>& states);

}  // namespace heed::nn
