#include <heed/nn/checkpoint.h>

#include <algorithm>

#include <heed/autograd/elementwise.h>
#include <heed/core/safetensors.h>
#include <heed/core/text.h>

namespace heed::nn {

const std::string& Checkpoint::get(const std::string& key) const {
  const auto entry = metadata.find(key);
  check<FormatError>(entry != metadata.end(), "checkpoint: no metadata entry ", quote(key),
                     ": the file was not written by the program that reads it");
  return entry->second;
}

void save(const std::filesystem::path& file, const StateDict& state,
          const std::map<std::string, std::string>& metadata) {
  std::map<std::string, core::Array> arrays;
  for (const NamedTensor& entry : state)
    check(arrays.emplace(entry.name, entry.tensor.array()).second, "save: ", quote(file.string()),
          ": two tensors are named ", quote(entry.name), ": names must differ");
  core::save_safetensors(file.string(), arrays, metadata);
}

Checkpoint load(const std::filesystem::path& file) {
  const core::SafeTensors tensors = core::load_safetensors(file.string());
  Checkpoint checkpoint;
  checkpoint.metadata = tensors.metadata();
  checkpoint.source = file.string();
  for (const std::string& name : tensors.names())
    checkpoint.state.push_back({name, Tensor(tensors.at(name))});
  return checkpoint;
}

StateDict average(const std::vector<StateDict>& states) {
  check(!states.empty(), "average: no states: give one at least");
  const NoGrad no_history;
  std::vector<std::map<std::string, const Tensor*>> by_name;  // they may be a stranger's, and have a million names
  for (const StateDict& state : states)
    for (by_name.emplace_back(); const NamedTensor& entry : state) by_name.back().emplace(entry.name, &entry.tensor);
  const auto same_names = [&](const auto& tensors) { return tensors.size() == by_name.back().size(); };
  check(std::all_of(by_name.begin(), by_name.end(), same_names), "average: states of ", by_name.front().size(), " … ",
        by_name.back().size(), " names: not all states have the same names: they must be of one model");
  StateDict mean;
  for (const NamedTensor& entry : states.back()) {
    if (!is_floating(entry.tensor.dtype())) {
      mean.push_back(entry);
      continue;
    }
    Tensor sum;
    for (const auto& tensors : by_name) {
      const auto found = tensors.find(entry.name);
      check(found != tensors.end(), "average: ", quote(entry.name),
            ": not all states have the same names: they must be of one model");
      const Tensor& x = *found->second;
      check<ShapeError>(x.shape() == entry.tensor.shape(), "average: ", quote(entry.name), " ",
                        x.shape(), " and ", entry.tensor.shape(), ": shapes must be equal");
      sum = sum.defined() ? sum + x.to(Dtype::f64) : x.to(Dtype::f64);
    }
    mean.push_back(
        {entry.name, (sum / static_cast<double>(states.size())).to(entry.tensor.dtype())});
  }
  return mean;
}

}  // namespace heed::nn
