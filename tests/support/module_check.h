// check_module: all that must hold of any layer, in one line of its test.
//
//     check_module(nn::RMSNorm(8), {randn({4, 8}, Dtype::f64)});
//
// In f64 and in evaluation: derivatives by inputs and parameters, first and second order; the
// graph's leaves are the parameters and inputs, both ways, so that a member that visit() forgot is
// found; the state dict goes out and in; train() reaches every module inside; a Scope is open while
// the layer works; and the examples of a batch do not see each other.
#pragma once

#include <map>
#include <set>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/nn/clone.h>
#include <heed/nn/module.h>
#include "support/catch.h"

namespace heed::test {

struct ModuleCheck {
  bool batch_first = true;  // axis 0 of inputs and output counts independent examples
  bool scope = true;        // false for a layer that does nothing in evaluation
};

namespace detail {

/// Puts other tensors where the parameters are, found by node.
struct Substitute final : nn::Visitor {
  std::map<const Node*, Tensor> replacement;
  void on_tensor(const std::string&, Tensor& x) override {
    if (const auto found = replacement.find(x.node().get()); x.node() && found != replacement.end())
      x = found->second;
  }
};

struct CountTraining final : nn::Visitor {
  bool wanted = true;
  int others = 0;
  void on_tensor(const std::string&, Tensor&) override {}
  void on_module(const std::string&, nn::Module& m) override { others += m.training != wanted; }
};

/// Counts the ops during which the module at `outermost` is not on the list of scopes.
struct ScopeWatch final : Observer {
  const void* outermost;
  int ops = 0, outside = 0;
  explicit ScopeWatch(const void* m) : outermost(m) { observer = this; }
  ~ScopeWatch() override { observer = nullptr; }
  void input(const Tensor&) override {}
  void gradient(const char*, const Tensor&, bool) override {}
  void output(const char*, const core::Array&) override {
    const core::ScopeFrame* frame = core::current_scope;
    while (frame && frame->module != outermost) frame = frame->outer;
    ++ops;
    outside += frame == nullptr;
  }
};

inline std::set<const Node*> leaves(const Tensor& y) {
  std::set<const Node*> seen, found;
  std::vector<const Node*> todo{y.node().get()};
  while (!todo.empty()) {
    const Node* const node = todo.back();
    todo.pop_back();
    if (!node || !seen.insert(node).second) continue;
    if (node->is_leaf()) found.insert(node);
    for (const Input& input : node->inputs) todo.push_back(input.node.get());
  }
  return found;
}

}  // namespace detail

/// `forward` is f(layer, inputs) -> Tensor.
template <class M, class F>
void check_module(const M& layer, const std::vector<Tensor>& inputs, F forward,
                  const ModuleCheck& options = {}) {
  M m = nn::clone(layer);
  m.to(Dtype::f64);
  INFO("check_module: " << nn::class_name(m));

  for (const bool on : {true, false}) {
    m.train(on);
    detail::CountTraining count;
    count.wanted = on;
    m.visit(count);
    CHECK(m.training == on);
    CHECK(count.others == 0);
  }

  std::vector<Tensor> in;
  for (const Tensor& x : inputs)
    in.push_back(is_floating(x.dtype()) ? parameter(x.to(Dtype::f64)) : x);
  const std::vector<nn::NamedTensor> parameters = m.named_parameters();
  Tensor y;
  {
    const detail::ScopeWatch watch(&m);
    y = forward(static_cast<const M&>(m), in);
    if (options.scope) {
      CHECK(watch.ops > 0);
      CHECK(watch.outside == 0);
    }
  }

  std::set<const Node*> found = detail::leaves(y);
  for (const nn::NamedTensor& p : parameters) {
    INFO("parameter " << p.name << ", named by visit(), is not in the graph");
    CHECK(found.erase(p.tensor.node().get()) == 1);
  }
  for (const Tensor& x : in) found.erase(x.node().get());
  {
    INFO("the graph has leaves that visit() does not name");
    CHECK(found.empty());
  }

  M other = nn::clone(m);
  for (const nn::NamedTensor& entry : other.state_dict()) {
    Tensor values = entry.tensor;
    values.fill_(0.125);
  }
  other.load_state_dict(m.state_dict());
  CHECK(forward(static_cast<const M&>(other), in).to_vector() == y.to_vector());

  if (options.batch_first)
    for (int64_t b = 0; b < y.size(0); ++b) {
      std::vector<Tensor> one;
      for (const Tensor& x : in) one.push_back(x.slice(0, b, b + 1));
      const Tensor difference = forward(static_cast<const M&>(m), one) - y.slice(0, b, b + 1);
      CHECK(amax(abs(difference)).item() < 1e-12);
    }

  std::vector<Tensor> varied;
  for (const Tensor& x : in)
    if (is_floating(x.dtype())) varied.push_back(x.detach());
  const size_t floating = varied.size();
  for (const nn::NamedTensor& p : parameters) varied.push_back(p.tensor.detach());
  if (varied.empty()) return;
  gradcheck(
      [&](const std::vector<Tensor>& now) {
        M copy = m;
        detail::Substitute put;
        for (size_t i = 0; i < parameters.size(); ++i)
          put.replacement[parameters[i].tensor.node().get()] = now[floating + i];
        copy.visit(put);
        std::vector<Tensor> arguments = in;
        size_t next = 0;
        for (Tensor& x : arguments)
          if (is_floating(x.dtype())) x = now[next++];
        return forward(static_cast<const M&>(copy), arguments);
      },
      varied);
}

template <class M>
void check_module(const M& layer, const std::vector<Tensor>& inputs,
                  const ModuleCheck& options = {}) {
  check_module(
      layer, inputs, [](const M& m, const std::vector<Tensor>& in) { return m(in[0]); }, options);
}

}  // namespace heed::test
