// Module: something with parameters.
//
//     struct Linear : Module {
//       Tensor weight, bias;
//       Tensor operator()(const Tensor& x) const { const Scope scope(*this); return scope(linear(x, weight, bias)); }
//       void visit(Visitor& v) override { v("weight", weight); v("bias", bias); }
//     };
//
// visit() names the members; everything else follows from it. The tensors it names are the state dict; those
// that require grad are the parameters. Names and shapes are PyTorch's. Modules are called directly;
// there is no virtual forward, so each takes and returns what it needs.
//
// Copying a module copies handles, as with Tensor: both copies train the same weights. clone(m)
// (clone.h) makes an independent one. A parameter's node is made once: loading and initialising write through
// the handle. Only to(dtype) replaces tensors, so it must come before the optimizer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <heed/autograd/ops.h>

namespace heed::nn {

struct Module;

/// Visits the named tensors of a module and of the modules inside it, once. Undefined tensors (a bias that
/// is switched off) are skipped. A name that occurs twice, is empty or has a dot is always an Error.
class Visitor {
 public:
  virtual ~Visitor() = default;
  void operator()(const std::string& name, Tensor& tensor);
  void operator()(const std::string& name, Module& module);
  template <class M> void operator()(const std::string& name, std::vector<M>& list) {  // name.0, name.1, …
    const std::string outer = prefix_;
    enter(name);
    prefix_ += name + ".";
    for (size_t i = 0; i < list.size(); ++i) (*this)(std::to_string(i), list[i]);
    prefix_ = outer;
  }
  template <class M> void operator()(const std::string& name, std::optional<M>& maybe) {
    if (maybe) (*this)(name, *maybe);
  }
  void left_out(const std::string& name) { on_left_out(prefix_ + name); }  // there, but not to be had: compact_weight.h

 protected:
  virtual void on_tensor(const std::string& path, Tensor& tensor) = 0;
  virtual void on_module(const std::string& /*path*/, Module& /*module*/) {}
  virtual void on_left_out(const std::string& /*path*/) {}

 private:
  void enter(const std::string& name);
  std::string prefix_;  // "h.3." inside of h.3
  std::set<std::string> names_;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Names and tensors, in the order of visit(). The tensors share the module's bytes.
struct StateDict : std::vector<NamedTensor> {
  const Tensor* find(const std::string& name) const;
};

struct LoadOptions {
  bool strict = true;  // every name must occur on both sides
};

struct LoadResult {
  std::vector<std::string> missing, unexpected;
};

struct ForwardHooks;  // forward_hooks.h

struct Module {
  bool training = true;
  std::shared_ptr<ForwardHooks> forward_hooks;  // null: none

  virtual ~Module() = default;
  virtual void visit(Visitor& v) = 0;

  std::vector<Tensor> parameters() const;  // each once, however often it is tied
  std::vector<NamedTensor> named_parameters() const;
  int64_t num_parameters() const;  // their elements
  StateDict state_dict() const;
  /// Copies elements in. Throws Error listing every missing and unexpected name, every shape that differs and
  /// tied tensors that differ; then nothing is changed. One name of tied tensors is enough. Dtypes are converted where
  /// nothing is lost but digits: DtypeError for integers where weights belong, fractions for integers, 1e300 for f32.
  LoadResult load_state_dict(const StateDict& state, const LoadOptions& = {});

  void train(bool on = true);  // for this module and all inside it
  void eval() { train(false); }
  void requires_grad(bool wanted);  // false freezes
  void zero_grad();
  void to(Dtype dtype);  // ties survive
  /// Calls function(path, module) for every module inside and then for this one, whose path is "".
  void apply(const std::function<void(const std::string& path, Module& m)>& function);

 protected:
  Module() = default;
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;
};

}  // namespace heed::nn

#include <heed/nn/scope.h>  // the first line of every call
