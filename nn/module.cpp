#include <heed/nn/module.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <typeinfo>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include <heed/autograd/node.h>
#include <heed/nn/clone.h>

namespace heed::nn {

void Visitor::operator()(const std::string& name, Tensor& tensor) {
  if (tensor.defined()) on_tensor(prefix_ + name, tensor);
}

void Visitor::operator()(const std::string& name, Module& module) {
  const std::string outer = prefix_;
  on_module(prefix_ + name, module);
  prefix_ += name + ".";
  module.visit(*this);
  prefix_ = outer;
}

namespace {

// A visitor made of two functions.
template <class OnTensor, class OnModule>
struct Visit final : Visitor {
  OnTensor tensor;
  OnModule module;
  Visit(OnTensor t, OnModule m) : tensor(std::move(t)), module(std::move(m)) {}
  void on_tensor(const std::string& path, Tensor& x) override { tensor(path, x); }
  void on_module(const std::string& path, Module& m) override { module(path, m); }
};

constexpr auto nothing = [](const std::string&, auto&) {};

template <class OnTensor, class OnModule = decltype(nothing)>
void walk(const Module& m, OnTensor on_tensor, OnModule on_module = nothing) {
  Visit<OnTensor, OnModule> v(std::move(on_tensor), std::move(on_module));
  const_cast<Module&>(m).visit(v);  // visit() only names members; who changes them says so below
}

// How many letters to change, add or drop to turn a into b (Levenshtein 1966).
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j)
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
  }
  return row.back();
}

std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
  std::string best;
  size_t distance = name.size() / 3 + 1;
  for (const std::string& candidate : candidates)
    if (const size_t d = edit_distance(name, candidate); d < distance) best = candidate, distance = d;
  return best;
}

bool same_array(const Tensor& a, const Tensor& b) {
  const core::Array &x = a.array(), &y = b.array();
  return x.storage() == y.storage() && x.offset() == y.offset() && x.dtype() == y.dtype() &&
         x.shape() == y.shape() && x.strides() == y.strides();
}

// Replaces every tensor by make(tensor); what was one tensor before is one afterwards.
template <class Make>
void replace_tensors(Module& m, Make make) {
  std::map<const void*, Tensor> done;  // by node, or by bytes for what has no node
  walk(m, [&](const std::string&, Tensor& x) {
    const void* key = x.node().get();
    if (!key) key = x.array().storage().bytes() + x.array().offset() * int64_t(size_of(x.dtype()));
    Tensor& fresh = done[key];
    if (!fresh.defined()) {
      const NoGrad no_history;
      fresh = make(x.detach());
      if (x.node()) {
        fresh = parameter(fresh);
        fresh.requires_grad(x.requires_grad());
      }
    }
    x = fresh;
  });
}

}  // namespace

const Tensor* StateDict::find(const std::string& name) const {
  for (const NamedTensor& entry : *this)
    if (entry.name == name) return &entry.tensor;
  return nullptr;
}

std::vector<NamedTensor> Module::named_parameters() const {
  std::vector<NamedTensor> found;
  std::set<const Node*> seen;
  walk(*this, [&](const std::string& path, Tensor& x) {
    if (x.requires_grad() && seen.insert(x.node().get()).second) found.push_back({path, x});
  });
  return found;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> found;
  for (NamedTensor& entry : named_parameters()) found.push_back(std::move(entry.tensor));
  return found;
}

int64_t Module::num_parameters() const {
  int64_t n = 0;
  for (const Tensor& p : parameters()) n += p.numel();
  return n;
}

StateDict Module::state_dict() const {
  StateDict state;
  walk(*this, [&](const std::string& path, Tensor& x) { state.push_back({path, x.detach()}); });
  return state;
}

LoadResult Module::load_state_dict(const StateDict& state, const LoadOptions& options) {
  LoadResult result;
  std::vector<std::string> ours, theirs;
  std::string problems;
  StateDict mine = state_dict();
  for (const NamedTensor& entry : mine) ours.push_back(entry.name);
  for (const NamedTensor& entry : state) theirs.push_back(entry.name);
  auto suggest = [](const std::string& name, const std::vector<std::string>& among) {
    const std::string near = nearest(name, among);
    return near.empty() ? "" : " (did you mean " + near + "?)";
  };
  for (const std::string& name : theirs)
    if (!mine.find(name)) result.unexpected.push_back(name);
  // A tied tensor has several names; files hold it under one of them.
  auto is_there = [&](const NamedTensor& wanted) {
    return std::any_of(mine.begin(), mine.end(), [&](const NamedTensor& entry) {
      return same_array(entry.tensor, wanted.tensor) && state.find(entry.name);
    });
  };
  for (const NamedTensor& entry : mine) {
    const Tensor* const source = state.find(entry.name);
    if (!source) {
      if (!is_there(entry)) result.missing.push_back(entry.name);
      continue;
    }
    if (source->shape() != entry.tensor.shape())
      problems += cat("\n  ", entry.name, ": has shape ", source->shape(), " in the state, ", entry.tensor.shape(),
                      " in the module");
  }
  if (options.strict) {
    for (const std::string& name : result.missing)
      problems += "\n  " + name + ": missing from the state" + suggest(name, result.unexpected);
    for (const std::string& name : result.unexpected)
      problems += "\n  " + name + ": unexpected, the module has no such tensor" + suggest(name, result.missing);
  }
  check(problems.empty(), "load_state_dict: ", class_name(*this), ": the state does not fit:", problems,
        "\nload with {.strict = false} to skip names that are on one side only");
  const NoGrad no_history;
  for (NamedTensor& entry : mine)
    if (const Tensor* const source = state.find(entry.name)) entry.tensor.copy_(*source);
  return result;
}

void Module::train(bool on) {
  training = on;
  walk(*this, nothing, [on](const std::string&, Module& m) { m.training = on; });
}

void Module::requires_grad(bool wanted) {
  walk(*this, [wanted](const std::string&, Tensor& x) { if (x.node()) x.requires_grad(wanted); });
}

void Module::zero_grad() {
  for (Tensor& p : parameters()) p.zero_grad();
}

void Module::to(Dtype dtype) {
  replace_tensors(*this, [dtype](const Tensor& x) { return is_floating(x.dtype()) ? x.to(dtype) : x; });
}

void unshare(Module& m) {
  replace_tensors(m, [](const Tensor& x) { return x.clone(); });
}

std::vector<NamedModule> named_modules(const Module& m) {
  std::vector<NamedModule> found{{"", &m}};
  walk(m, nothing, [&](const std::string& path, Module& inner) { found.push_back({path, &inner}); });
  return found;
}

std::string class_name(const Module& m) {
  std::string name = typeid(m).name();
#if __has_include(<cxxabi.h>)
  int status = 0;
  if (char* const readable = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status)) {
    name = readable;
    std::free(readable);
  }
#endif
  const size_t arguments = std::min(name.find('<'), name.size());  // a template's argument list keeps its namespaces
  const size_t colon = name.rfind("::", arguments);
  return colon == std::string::npos ? name : name.substr(colon + 2);
}

std::string Scope::describe(const core::ScopeFrame& innermost) {
  const core::ScopeFrame* outermost = &innermost;
  while (outermost->outer) outermost = outermost->outer;
  const Module& model = *static_cast<const Module*>(outermost->module);
  // The innermost frame that the outermost module knows by name; a user's module without visit()
  // lines in between only makes the path coarser.
  for (const core::ScopeFrame* frame = &innermost; frame != outermost; frame = frame->outer) {
    std::string path;
    walk(model, nothing, [&](const std::string& at, Module& m) {
      if (path.empty() && &m == frame->module) path = at;
    });
    if (!path.empty()) return path;
  }
  return class_name(model);
}

}  // namespace heed::nn
