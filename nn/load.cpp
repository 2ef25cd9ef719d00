#include <heed/nn/load.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include <heed/core/number.h>
#include <heed/core/problems.h>
#include <heed/core/text.h>
#include <heed/nn/clone.h>

namespace heed::nn {

namespace {

const std::byte* first_byte(const Tensor& x) {
  return x.array().storage().bytes() + x.array().offset() * static_cast<int64_t>(size_of(x.dtype()));
}

// What a state holds for one tensor of the module, which may have several names.
struct Target {
  Tensor tensor;
  std::string first_name;  // the first name under which the state has it
  Tensor source;           // empty if the state has it under no name
};

struct Judge {
  const Module& module;
  const StateDict& state;
  LoadResult result;
  Problems problems;
  Problems dtypes;  // those of them that a DtypeError says
  std::vector<Target> targets;

  void run(const LoadOptions& options) {
    const StateDict mine = module.state_dict();
    std::map<std::string, const Tensor*> theirs;
    for (const NamedTensor& entry : state)
      if (!theirs.emplace(entry.name, &entry.tensor).second)
        problems.add(readable(entry.name), ": is named twice in the state");

    std::set<const void*> storages;
    for (const NamedTensor& entry : mine) storages.insert(entry.tensor.array().storage().bytes());
    std::map<const void*, size_t> seen;  // by first byte; a tensor without bytes is its own
    std::vector<std::pair<std::string, size_t>> absent;
    std::set<std::string> known;
    for (const NamedTensor& entry : mine) {
      known.insert(entry.name);
      const void* const key = entry.tensor.numel() > 0 ? static_cast<const void*>(first_byte(entry.tensor)) : nullptr;
      size_t at = targets.size();
      if (const auto tied = key ? seen.find(key) : seen.end();
          tied != seen.end() && targets[tied->second].tensor.shape() == entry.tensor.shape())
        at = tied->second;
      if (at == targets.size()) {
        targets.push_back({entry.tensor, "", Tensor()});
        if (key) seen.emplace(key, at);
      }
      const auto found = theirs.find(entry.name);
      if (found == theirs.end()) absent.emplace_back(entry.name, at);
      else take(targets[at], entry.name, *found->second, storages);
    }
    for (const auto& [name, at] : absent)
      if (targets[at].first_name.empty()) result.missing.push_back(name);
    for (const NamedTensor& entry : state)
      if (!known.count(entry.name)) result.unexpected.push_back(entry.name);
    if (options.strict) compare_names();
    const bool names_differ = options.strict && !(result.missing.empty() && result.unexpected.empty());
    const bool none_fits = names_differ && !state.empty() && result.unexpected.size() == state.size();
    check<DtypeError>(dtypes.empty() || !problems.empty(), "load_state_dict: ", class_name(module),
                      ": the state does not fit:", dtypes.text());
    check(problems.empty(), "load_state_dict: ", class_name(module), ": the state does not fit:", problems.text(),
          dtypes.text(),
          none_fits ? "\nnone of its names occurs in the module: is it another model's, or do its names have a prefix, "
                      "as those of "
                      "save_checkpoint() do (load_checkpoint() removes it)?"
          : names_differ ? "\nload with {.strict = false} to skip names that are on one side only"
                         : "");
  }

  void take(Target& target, const std::string& name, const Tensor& source, const std::set<const void*>& storages) {
    const bool first = target.first_name.empty();
    if (first) target.first_name = name;
    const Shape &wanted = target.tensor.shape(), &given = source.shape();
    const Dtype dtype = target.tensor.dtype();
    if (!source.defined()) return problems.add(name, ": is an empty Tensor in the state");
    if (given != wanted) {
      const bool transposed = given.rank() == 2 && wanted.rank() == 2 && given[0] == wanted[1] && given[1] == wanted[0];
      return problems.add(name, ": has shape ", given, " in the state, ", wanted, " in the module",
                          transposed ? ": transposed: load x.transpose(0, 1)" : "");
    }
    if (is_floating(source.dtype()) && !is_floating(dtype))
      return dtypes.add(name, ": is ", source.dtype(), " in the state, ", dtype,
                        " in the module: would lose its fractions");
    if (!is_floating(source.dtype()) && is_floating(dtype))
      return dtypes.add(name, ": is ", source.dtype(), " in the state, ", dtype,
                        " in the module: weights have fractions: are these quantised, or indices? If they are meant, "
                        "convert them with to(",
                        dtype == Dtype::f64 ? "Dtype::f64" : "Dtype::f32", ")");
    if (const auto beyond = beyond_range(source, dtype))
      return dtypes.add(name, ": is ", source.dtype(), " in the state and has an element ", *beyond, ", which ", dtype,
                        " in the module cannot hold: make the module wider with to(Dtype::f64)");
    Tensor x = source.detach().to(dtype);
    if (first || !target.source.defined()) {
      // Elements of the module itself are copied, because they may be overwritten before they are read.
      target.source = storages.count(x.array().storage().bytes()) ? x.clone() : x;
    } else if (!same_bits(target.source, x)) {
      problems.add(target.first_name, " and ", name,
                   ": are one tensor in the module, but differ in the state: make them equal, or leave one out");
    }
  }

  void compare_names() {
    for (const std::string& name : result.missing)
      problems.add(name, ": missing from the state", problems.full() ? "" : suggestion(name, result.unexpected));
    for (const std::string& name : result.unexpected)
      problems.add(readable(name), ": unexpected, the module has no such tensor",
                   problems.full() ? "" : suggestion(name, result.missing));
  }
};

}  // namespace

std::string suggestion(const std::string& name, const std::vector<std::string>& candidates) {
  constexpr size_t longest = 200, most = 1000;
  if (name.size() > longest || candidates.size() > most) return "";
  std::string best;
  size_t distance = name.size() / 3 + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest) continue;
    if (const size_t d = edit_distance(name, candidate); d < distance) best = candidate, distance = d;
  }
  return best.empty() ? "" : " (did you mean " + readable(best) + "?)";
}

std::optional<double> beyond_range(const Tensor& x, Dtype dtype) {
  if (x.dtype() != Dtype::f64 || dtype != Dtype::f32) return std::nullopt;
  const Tensor row = x.detach().contiguous();
  const auto* const first = row.array().data<double>();
  const auto* const end = first + row.numel();
  const auto* const found = std::find_if(first, end, [](double value) { return !core::fits<float>(value); });
  return found == end ? std::nullopt : std::optional(*found);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  if (a.numel() == 0 || (first_byte(a) == first_byte(b) && a.array().strides() == b.array().strides())) return true;
  const Tensor x = a.contiguous(), y = b.contiguous();
  return std::memcmp(first_byte(x), first_byte(y), static_cast<size_t>(x.numel()) * size_of(x.dtype())) == 0;
}

std::function<void()> prepare_load(Module& m, const StateDict& state, const LoadOptions& options, LoadResult* result) {
  Judge judge{m, state, {}, {}, {}, {}};
  judge.run(options);
  if (result) *result = std::move(judge.result);
  return [targets = std::make_shared<std::vector<Target>>(std::move(judge.targets))] {
    const NoGrad no_history;
    for (Target& target : *targets)
      if (target.source.defined()) target.tensor.copy_(target.source);
  };
}

}  // namespace heed::nn
