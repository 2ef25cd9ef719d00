#include <heed/nn/pretrained.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <heed/core/text.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/load.h>
#include <heed/nn/pretrained_fit.h>

namespace heed::nn {

namespace {

// What the stars of `pattern` match in `name`; nothing if it does not match.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name ? std::optional(std::vector<std::string>()) : std::nullopt;
  if (!name.starts_with(pattern.substr(0, star))) return std::nullopt;
  const std::string_view rest = name.substr(star);
  for (size_t length = 1; length <= rest.size(); ++length) {
    auto others = match(pattern.substr(star + 1), rest.substr(length));
    if (!others) continue;
    others->insert(others->begin(), std::string(rest.substr(0, length)));
    return others;
  }
  return std::nullopt;
}

std::string fill_stars(const std::string& pattern, const std::vector<std::string>& texts) {
  std::string result;
  size_t next = 0;
  for (const char c : pattern)
    if (c != '*') result += c;
    else if (next < texts.size()) result += texts[next++];
  return result;
}

// What becomes of one name.
struct Renamed {
  std::string name;
  bool left_out = false;
  size_t part = 0, parts = 1;
  bool transpose = false;
};

Renamed apply(const std::string& name, const Renames& table) {
  Renamed target{.name = name};
  for (const Rename& rule : table) {
    for (size_t part = 0; part < rule.from.size(); ++part) {
      const auto stars = match(rule.from[part], target.name);
      if (!stars) continue;
      check(std::count(rule.to.begin(), rule.to.end(), '*') <= static_cast<int64_t>(stars->size()),
            "load_pretrained: ", quote(rule.to), " has more stars than ", quote(rule.from[part]),
            ": each must have a text to take");
      target.left_out = rule.to.empty();
      target.name = fill_stars(rule.to, *stars);
      if (rule.from.size() > 1) target.part = part, target.parts = rule.from.size();
      target.transpose = target.transpose != (rule.change == Change::transpose);
      break;
    }
    if (target.left_out) break;
  }
  return target;
}

Shape shape_in_module(const core::SafeTensors& file, const Origin& origin) {
  Shape shape = file.shape(origin.parts.front());
  for (size_t i = 1; i < origin.parts.size(); ++i) {
    const Shape& next = file.shape(origin.parts[i]);
    bool fits = next.rank() == shape.rank() && shape.rank() > 0;
    for (int axis = 1; fits && axis < shape.rank(); ++axis) fits = next[axis] == shape[axis];
    check<FormatError>(fits, "load_pretrained: ", readable(origin.parts[i]), " ", next, " after ", shape, " for ",
                       readable(origin.name), ": parts of one tensor may only differ in the first axis");
    shape[0] += next[0];
  }
  if (!origin.transpose) return shape;
  check<FormatError>(shape.rank() == 2, "load_pretrained: ", readable(origin.parts.front()), " ", shape,
                     ": only a matrix can be transposed");
  return {shape[1], shape[0]};
}

Tensor read(const core::SafeTensors& file, const Origin& origin) {
  std::vector<Tensor> parts;
  for (const std::string& name : origin.parts) parts.emplace_back(file.at(name));
  const Tensor whole = parts.size() == 1 ? parts.front() : cat(parts, 0);
  return origin.transpose ? whole.transpose(0, 1) : whole;
}

// Throws DtypeError if an element of F64 is finite, and would be infinite in f32.
void check_range(const core::SafeTensors& file, const std::string& part, const std::string& name) {
  if (file.file_dtype(part) != "F64") return;
  const auto beyond = beyond_range(Tensor(file.at(part)), Dtype::f32);
  check<DtypeError>(!beyond, "load_pretrained: ", readable(part), " for ", readable(name), ": has an element ",
                    beyond.value_or(0),
                    ", which float32 cannot hold: load it into a model that was made wider with "
                    "to(Dtype::f64)");
}

// Gives Linear and Embedding layers their 16-bit matrices as they are in the file, and removes these from the origins.
void keep_compact(Module& model, const core::SafeTensors& file, std::map<std::string, Origin>& origins) {
  std::map<const Node*, CompactWeight> tied;
  const auto keep = [&](const std::string& path, auto& layer) {
    const Node* const node = layer.weight.node().get();
    const auto found = origins.find(path + ".weight");
    if (found != origins.end() && found->second.parts.size() == 1 && !tied.count(node)) {
      const std::string& name = found->second.parts.front();
      const std::string& dtype = file.file_dtype(name);
      if (dtype != "F16" && dtype != "BF16") return;
      const auto type = dtype == "F16" ? core::CompactType::f16 : core::CompactType::bf16;
      const Shape& shape = layer.weight.shape();
      tied[node] =
          CompactWeight(found->second.transpose
                            ? core::CompactMatrix::from(read(file, found->second).array(), type)
                            : core::CompactMatrix::view(file.owner(name), file.bytes(name), shape[0], shape[1], type));
    }
    if (found != origins.end() && tied.count(node)) origins.erase(found);
  };
  for_each<Embedding>(model, keep);
  for_each<Linear>(model, keep);
  const auto replace = [&](const std::string&, auto& layer) {
    const auto found = tied.find(layer.weight.node().get());
    if (found == tied.end()) return;
    layer.compact = found->second;
    layer.weight = Tensor();
  };
  for_each<Embedding>(model, replace);
  for_each<Linear>(model, replace);
}

}  // namespace

std::vector<Origin> renamed_tensors(const std::vector<std::string>& names, const Renames& table) {
  std::map<std::string, Origin> found;
  std::set<std::pair<std::string, size_t>> taken;
  for (const std::string& name : names) {
    const Renamed target = apply(name, table);
    if (target.left_out) continue;
    Origin& origin = found[target.name];
    origin.name = target.name;
    origin.transpose = target.transpose;
    if (origin.parts.size() < target.parts) origin.parts.resize(target.parts);
    std::string& part = origin.parts[target.part];
    check<FormatError>(taken.insert({target.name, target.part}).second, "load_pretrained: ", readable(part), " and ",
                       readable(name), ": the table gives both the name ", readable(target.name));
    part = name;
  }
  std::vector<Origin> result;
  for (auto& [name, origin] : found) {
    for (size_t i = 0; i < origin.parts.size(); ++i)
      check<FormatError>(taken.count({name, i}) > 0, "load_pretrained: ", readable(name), ": part ", i + 1, " of ",
                         origin.parts.size(), " is missing from the file: the table makes one tensor of them");
    result.push_back(std::move(origin));
  }
  return result;
}

void load_pretrained(Module& model, const core::SafeTensors& file, const Renames& table,
                     const PretrainedOptions& options) {
  std::map<std::string, Origin> origins;
  std::vector<Arrival> arrivals;
  for (const Origin& origin : renamed_tensors(file.names(), table)) {
    Arrival& arrival = arrivals.emplace_back(Arrival{origin, shape_in_module(file, origin), {}});
    for (const std::string& part : origin.parts) arrival.types.push_back(file.file_dtype(part));
    origins.emplace(origin.name, origin);
  }
  check_fits(model, arrivals, options.advise_rows);

  const NoGrad no_history;
  const StateDict tensors = model.state_dict();
  std::map<const void*, const Origin*> first;  // by the module's bytes
  for (const NamedTensor& entry : tensors) {
    const auto found = origins.find(entry.name);
    if (found == origins.end() || entry.tensor.numel() == 0) continue;
    if (const Dtype dtype = entry.tensor.dtype(); dtype == Dtype::f32)
      for (const std::string& part : found->second.parts) check_range(file, part, entry.name);
    const auto [before, is_new] = first.emplace(entry.tensor.array().storage().bytes(), &found->second);
    check<FormatError>(
        is_new || same_bits(read(file, *before->second), read(file, found->second)),
        "load_pretrained: ", readable(before->second->name), " and ", readable(entry.name),
        ": are one tensor in the model, but differ in the file: make a model in which they are not tied");
  }
  if (options.keep_16_bit) keep_compact(model, file, origins);
  for (const NamedTensor& entry : tensors)
    if (const auto found = origins.find(entry.name); found != origins.end())
      Tensor(entry.tensor).copy_(read(file, found->second));
}

}  // namespace heed::nn
