#include <heed/nn/check_module.h>

#include <map>
#include <set>
#include <string>

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/node.h>
#include <heed/nn/scope_watch.h>

namespace heed::nn {
namespace {

/// Replaces parameters, found by node, by other tensors.
struct Substitute final : Visitor {
  std::map<const Node*, Tensor> replacement;
  void on_tensor(const std::string&, Tensor& x) override {
    if (const auto found = replacement.find(x.node().get()); x.node() && found != replacement.end()) x = found->second;
  }
};

struct CountTraining final : Visitor {
  bool wanted;
  std::string first;  // the first module that train() did not reach
  explicit CountTraining(bool on) : wanted(on) {}
  void on_tensor(const std::string&, Tensor&) override {}
  void on_module(const std::string& path, Module& m) override {
    if (m.training != wanted && first.empty()) first = path;
  }
};

/// What y was computed from, with the shapes.
std::map<const Node*, Shape> leaf_shapes(const Tensor& y) {
  std::set<const Node*> seen;
  std::map<const Node*, Shape> found;
  std::vector<std::pair<const Node*, Shape>> todo{{y.node().get(), y.shape()}};
  while (!todo.empty()) {
    const auto [node, shape] = todo.back();
    todo.pop_back();
    if (!node || !seen.insert(node).second) continue;
    if (node->is_leaf()) found.emplace(node, shape);
    for (const Input& input : node->inputs) todo.emplace_back(input.node.get(), input.shape);
  }
  return found;
}

/// The layer under test, and the start of its error messages.
struct Check {
  CheckedLayer& checked;
  std::string what = "check_module: " + class_name(*checked.layer);

  Module& layer() const { return *checked.layer; }
  Tensor call(const std::vector<Tensor>& in) const { return checked.forward(layer(), in); }

  Tensor call_in_f64(const std::vector<Tensor>& in) const {
    try {
      return call(in);
    } catch (const DtypeError& error) {
      throw DtypeError(what + ": in float64: " + error.what() +
                       ": a floating tensor that visit() does not name keeps its dtype: name it in visit(), or make it "
                       "in the call with the input's dtype, as in zeros({2}, x.dtype())");
    }
  }

  void training() const {
    for (const bool on : {true, false}) {
      layer().train(on);
      CountTraining count(on);
      layer().visit(count);
      check(layer().training == on && count.first.empty(), what, ": module ", count.first,
            ": train(bool) does not reach it: name it in visit() as a module");
    }
  }

  void repeatable(const Tensor& y, const std::vector<Tensor>& in) const {
    check(
        call(in).to_vector() == y.to_vector(), what, ": output ", y.shape(),
        ": two calls in evaluation differ: nothing may be random then: call dropout only if (training), and draw other "
        "numbers from a Generator that is seeded in the call");
  }

  void graph(const Tensor& y, const std::vector<Tensor>& in) const {
    std::map<const Node*, Shape> found = leaf_shapes(y);
    for (const NamedTensor& p : layer().named_parameters())
      check(found.erase(p.tensor.node().get()) == 1, what, ": parameter ", p.name, " ", p.tensor.shape(),
            ": visit() names it, but the output does not depend on it: use it, or do not make it a parameter");
    for (const Tensor& x : in) found.erase(x.node().get());
    if (!found.empty())
      fail(what, ": a leaf of shape ", found.begin()->second,
           ": the output depends on it, but visit() does not name it: add it to visit()");
  }

  void scope(const ScopeWatch& watch) const {
    check(watch.ops > 0 && watch.outside == 0, what, ": ", watch.outside, " of ", watch.ops,
          " ops: no Scope was open: begin the call with  const Scope scope(*this);");
  }

  void state(const Tensor& y, const std::vector<Tensor>& in) const {
    const std::unique_ptr<Module> other = checked.copy(layer());
    unshare(*other);
    for (const NamedTensor& entry : other->state_dict()) {
      Tensor values = entry.tensor;
      values.fill_(0.125);
    }
    other->load_state_dict(layer().state_dict());
    check(checked.forward(*other, in).to_vector() == y.to_vector(), what, ": output ", y.shape(),
          ": differs after the state dict was loaded into a copy: name every tensor in visit()");
  }

  void examples(const Tensor& y, const std::vector<Tensor>& in) const {
    if (y.dim() == 0) return;  // a loss, say: one value for all examples
    for (const Tensor& x : in)
      check<ShapeError>(x.dim() > 0 && x.size(0) == y.size(0), what, ": input ", x.shape(), ", output ", y.shape(),
                        ": axis 0 does not count the same examples: pass {.batch_first = false}");
    for (int64_t b = 0; b < y.size(0); ++b) {
      std::vector<Tensor> one;
      for (const Tensor& x : in) one.push_back(x.slice(0, b, b + 1));
      const double apart = amax(abs(call(one) - y.slice(0, b, b + 1))).item();
      check(
          apart < 1e-12, what, ": example ", b, " of ", y.size(0), ": its output differs by ", apart,
          " when it is computed alone: examples see each other; pass {.batch_first = false} if axis 0 is not a batch");
    }
  }

  void derivatives(const std::vector<Tensor>& in) const {
    std::vector<Tensor> varied;
    GradcheckOptions options;
    for (size_t i = 0; i < in.size(); ++i) {
      if (!is_floating(in[i].dtype())) continue;
      varied.push_back(in[i].detach());
      options.names.push_back(cat("input ", i));
    }
    const size_t floating = varied.size();
    const std::vector<NamedTensor> parameters = layer().named_parameters();
    for (const NamedTensor& p : parameters) {
      varied.push_back(p.tensor.detach());
      options.names.push_back("parameter " + p.name);
    }
    if (varied.empty()) return;
    const auto output = [&](const std::vector<Tensor>& now) {
      const std::unique_ptr<Module> copy = checked.copy(layer());
      Substitute put;
      for (size_t i = 0; i < parameters.size(); ++i)
        put.replacement[parameters[i].tensor.node().get()] = now[floating + i];
      copy->visit(put);
      std::vector<Tensor> arguments = in;
      size_t next = 0;
      for (Tensor& x : arguments)
        if (is_floating(x.dtype())) x = now[next++];
      return checked.forward(*copy, arguments);
    };
    try {
      gradcheck(output, varied, options);
    } catch (const AutogradError& error) { throw AutogradError(what + ": " + error.what()); }
  }
};

}  // namespace

const Tensor& only_input(const std::vector<Tensor>& inputs) {
  check(inputs.size() == 1, "check_module: ", inputs.size(),
        " inputs: the layer is called with one: pass {x}, or say how it is called: check_module(layer, {a, b}, "
        "[](const auto& m, const auto& in) { return m(in[0], in[1]); })");
  return inputs[0];
}

void check_module(CheckedLayer checked, const std::vector<Tensor>& inputs, const ModuleCheck& options) {
  const Check c{checked};
  c.training();

  const auto leaves_of = [&](Dtype dtype) {
    std::vector<Tensor> in;
    for (const Tensor& x : inputs) in.push_back(is_floating(x.dtype()) ? parameter(x.to(dtype)) : x);
    return in;
  };
  {  // in the layer's own dtype: to(f64) would not convert a tensor that visit() does not name
    Dtype own = Dtype::f64;
    for (const NamedTensor& entry : c.layer().state_dict())
      if (is_floating(entry.tensor.dtype())) own = entry.tensor.dtype();
    const std::vector<Tensor> in = leaves_of(own);
    const ScopeWatch watch(checked.layer.get());
    const Tensor y = own == Dtype::f64 ? c.call_in_f64(in) : c.call(in);
    if (options.scope) c.scope(watch);
    c.repeatable(y, in);
    c.graph(y, in);
  }

  c.layer().to(Dtype::f64);
  const std::vector<Tensor> in = leaves_of(Dtype::f64);
  const Tensor y = c.call_in_f64(in);
  c.state(y, in);
  if (options.batch_first) c.examples(y, in);
  c.derivatives(in);
}

}  // namespace heed::nn
