#include <heed/nn/module.h>

#include <algorithm>
#include <map>
#include <set>
#include <typeinfo>

#include <heed/autograd/leaf.h>
#include <heed/core/text.h>
#include <heed/nn/clone.h>
#include <heed/nn/forward_hooks.h>
#include <heed/nn/load.h>

namespace heed::nn {

// Not fail(): it would add the path of the running module, which is found by a walk like this one.
void Visitor::enter(const std::string& name) {
  const std::string path = prefix_ + name;
  if (name.empty() || name.find('.') != std::string::npos)
    throw Error(cat("visit: ", quote(name),
                    name.empty() ? ": is empty" : ": has a dot, which divides a module from its members",
                    ": give the member a name such as \"weight\", and modules inside a visit() of their own"));
  if (!names_.insert(path).second)
    throw Error(cat("visit: ", readable(path), ": is named twice: give each member a name of its own"));
}

void Visitor::operator()(const std::string& name, Tensor& tensor) {
  enter(name);
  if (!tensor.defined()) return;
  on_tensor(prefix_ + name, tensor);
  if (tensor.node() && tensor.is_leaf()) static_cast<Leaf&>(*tensor.node()).named = true;
}

void Visitor::operator()(const std::string& name, Module& module) {
  const std::string outer = prefix_;
  enter(name);
  on_module(prefix_ + name, module);
  prefix_ += name + ".";
  module.visit(*this);
  prefix_ = outer;
}

namespace {

// A visitor from two functions.
template <class OnTensor, class OnModule> struct Visit final : Visitor {
  OnTensor tensor;
  OnModule module;
  bool all_wanted = false;  // a tensor that cannot be had is an Error
  Visit(OnTensor t, OnModule m) : tensor(std::move(t)), module(std::move(m)) {}
  void on_tensor(const std::string& path, Tensor& x) override { tensor(path, x); }
  void on_module(const std::string& path, Module& m) override { module(path, m); }
  void on_left_out(const std::string& path) override {
    if (all_wanted)
      throw Error(cat("state_dict: ", path,
                      ": is compact: its values can be used, but not saved or replaced: load the "
                      "model again, without making it compact"));
  }
};

constexpr auto nothing = [](const std::string&, auto&) {};

template <class OnTensor, class OnModule = decltype(nothing)>
void walk(const Module& m, OnTensor on_tensor, OnModule on_module = nothing) {
  Visit<OnTensor, OnModule> v(std::move(on_tensor), std::move(on_module));
  const_cast<Module&>(m).visit(v);  // visit() only names members; functions that change them are below
}

// Replaces every tensor by make(tensor); tied tensors stay tied.
template <class Make> void replace_tensors(Module& m, Make make) {
  std::map<const void*, Tensor> done;  // by node, or by bytes for a tensor without a node
  walk(m, [&](const std::string&, Tensor& x) {
    const void* key = x.node().get();
    if (!key) key = x.array().storage().bytes() + x.array().offset() * int64_t(size_of(x.dtype()));
    Tensor& fresh = done[key];
    if (!fresh.defined()) {
      const NoGrad no_history;
      fresh = make(x.detach());
      if (fresh.array().storage() == x.array().storage()) {  // not converted: keep the tensor itself
        fresh = x;
      } else if (x.node()) {
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
  Visit v([&](const std::string& path, Tensor& x) { state.push_back({path, x.detach()}); }, nothing);
  v.all_wanted = true;
  const_cast<Module&>(*this).visit(v);
  return state;
}

LoadResult Module::load_state_dict(const StateDict& state, const LoadOptions& options) {
  LoadResult result;
  prepare_load(*this, state, options, &result)();
  return result;
}

void Module::train(bool on) {
  training = on;
  walk(*this, nothing, [on](const std::string&, Module& m) { m.training = on; });
}

void Module::requires_grad(bool wanted) {
  walk(*this, [wanted](const std::string&, Tensor& x) {
    if (x.node()) x.requires_grad(wanted);
  });
}

void Module::zero_grad() {
  for (Tensor& p : parameters()) p.zero_grad();
}

void Module::to(Dtype dtype) {
  replace_tensors(*this, [dtype](const Tensor& x) { return is_floating(x.dtype()) ? x.to(dtype) : x; });
}

void Module::apply(const std::function<void(const std::string& path, Module& m)>& function) {
  std::vector<std::pair<std::string, Module*>> open;  // each inside the one before it
  const auto close = [&](const std::string& next) {   // those that do not contain the next one
    while (!open.empty() && !next.starts_with(open.back().first + ".")) {
      const auto [path, m] = open.back();
      open.pop_back();
      function(path, *m);
    }
  };
  walk(*this, nothing, [&](const std::string& path, Module& m) {
    close(path);
    open.emplace_back(path, &m);
  });
  close("");
  function("", *this);
}

void unshare(Module& m) {
  replace_tensors(m, [](const Tensor& x) { return x.clone(); });
  m.apply([](const std::string&, Module& inner) {
    if (inner.forward_hooks) inner.forward_hooks = std::make_shared<ForwardHooks>(*inner.forward_hooks);
  });
}

std::vector<NamedModule> named_modules(const Module& m) {
  std::vector<NamedModule> found{{"", &m}};
  walk(m, nothing, [&](const std::string& path, Module& inner) { found.push_back({path, &inner}); });
  return found;
}

std::string class_name(const Module& m) { return core::class_name(typeid(m)); }

std::string Scope::describe(const core::ScopeFrame& innermost) {
  const core::ScopeFrame* outermost = &innermost;
  while (outermost->outer && outermost->outer->describe == describe) outermost = outermost->outer;
  const Module& model = *static_cast<const Module*>(outermost->module);
  // (A derivative rule may be running around it, as when a layer is recomputed.)
  // The innermost frame that the outermost module knows by name; a user's module without a complete visit()
  // in between only makes the path coarser.
  for (const core::ScopeFrame* frame = &innermost; frame != outermost; frame = frame->outer) {
    std::string path;
    try {
      walk(model, nothing, [&](const std::string& at, Module& m) {
        if (path.empty() && &m == frame->module) path = at;
      });
    } catch (const Error&) {}  // a wrong visit() must not hide the actual error
    if (path.empty()) continue;
    const bool only_a_number = path[0] >= '0' && path[0] <= '9';  // "Sequential.0", not "0"
    if (!only_a_number) return path;
    const std::string name = class_name(model);
    return name.substr(0, name.find('<')) + "." + path;
  }
  return class_name(model);
}

}  // namespace heed::nn
