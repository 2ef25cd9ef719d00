#include <heed/nn/checkpoint.h>

#include <algorithm>

#include <heed/autograd/ops/elementwise.h>
#include <heed/core/files/safetensors.h>
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
  for (const std::string& name : tensors.names()) checkpoint.state.push_back({name, Tensor(tensors.at(name))});
  return checkpoint;
}

StateDict average(const std::vector<StateDict>& states) {
  check(!states.empty(), "average: no states: pass at least one");
  const NoGrad no_history;
  std::vector<std::map<std::string, const Tensor*>> by_name;  // a foreign state may have a million names
  for (const StateDict& state : states)
    for (by_name.emplace_back(); const NamedTensor& entry : state) by_name.back().emplace(entry.name, &entry.tensor);
  const auto shorter = [](const StateDict& a, const StateDict& b) { return a.size() < b.size(); };
  StateDict mean;
  for (const NamedTensor& entry : *std::max_element(states.begin(), states.end(), shorter)) {
    Tensor sum;
    for (const auto& tensors : by_name) {
      const auto found = tensors.find(entry.name);
      check(found != tensors.end() && tensors.size() == by_name.back().size(), "average: ", quote(entry.name),
            ": not all states have the same names: they must be of one model");
      const Tensor& x = *found->second;
      check<ShapeError>(x.shape() == entry.tensor.shape(), "average: ", quote(entry.name), " ", entry.tensor.shape(),
                        " and ", x.shape(), ": shapes must be equal");
      sum = sum.defined() ? sum + x.to(Dtype::f64) : x.to(Dtype::f64);
    }
    const Tensor& last = *by_name.back().at(entry.name);
    mean.push_back(
        {entry.name, is_floating(last.dtype()) ? (sum / static_cast<double>(states.size())).to(last.dtype()) : last});
  }
  return mean;
}

}  // namespace heed::nn
