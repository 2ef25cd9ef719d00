// Node: what an op records so that gradients can be propagated.
//
// An op is its forward value and one edge for each input that may require a gradient:
//
//     Tensor exp(const Tensor& x) {
//       return op("exp", core::map(core::Unary::exp, x.array()),
//                 edge(x, [](auto& g, auto& y) { return g * y; }));  // both are const Tensor&
//     }
//
// The rule maps g = dL/dy to dL/dx. It is written in Tensors, so it can itself be differentiated.
// What follows from the form:
//   - values of the forward pass that a rule uses are passed to its edge, edge(a, keep(b), rule), and watched (keep.h);
//   - for an input that requires no gradient, the rule and what it keeps are dropped;
//   - a rule that takes (g, y) gets the op's output, one that takes (g) does not keep it alive;
//   - the engine sums g over broadcast axes: no rule mentions broadcasting; an empty Tensor means zero.
// Ids grow with creation and inputs exist before outputs, so newest first is a topological order.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <typeinfo>
#include <utility>
#include <vector>

#include <heed/autograd/keep.h>
#include <heed/autograd/observe.h>
#include <heed/autograd/pending.h>
#include <heed/autograd/tensor.h>
#include <heed/core/scope.h>

namespace heed {

struct Input {
  std::shared_ptr<Node> node;  // null if no gradient is required
  Shape shape;
  Dtype dtype = Dtype::f32;
};

struct Node : core::Pooled {
  const char* const name;
  const uint64_t id;
  const std::type_info* const layer;    // the module that ran when it was made; null outside of any
  std::span<Input> inputs;              // stored by the subclass
  std::shared_ptr<struct Hooks> hooks;  // null unless something listens (hooks.h)
  Node* next_retired = nullptr;         // in the list of nodes to free (node.cpp)

  explicit Node(const char* name_) : name(name_), id(next_id()), layer(core::current_layer()) {}
  virtual ~Node();
  virtual bool is_leaf() const { return false; }
  virtual bool requires_grad() const { return true; }
  /// Gives each input its gradient, in order; no rule runs for an input that `pending` does not want. `self` is a
  /// handle to this node.
  virtual void pull(const std::shared_ptr<Node>& self, const Tensor& g, Pending& pending) = 0;
  virtual void release() = 0;  // drops what was saved
  virtual bool released() const = 0;
  virtual std::vector<Tensor> kept() const { return {}; }  // what was saved, for whoever looks (graph_svg.h)
  virtual void accumulate(Tensor&&) {}                     // a leaf (leaf.h) sums what arrives

 private:
  static uint64_t next_id() {
    static std::atomic<uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }
};

// hooks.cpp
std::string layer_name(const core::ScopeFrame& frame_of_a_node);  // where it was recorded, for errors
/// Passes g through all hooks, and keeps the result if retain_grad() asked for it. A hook may register and remove
/// others: a new one is called from the next gradient on.
Tensor run_hooks(Node& node, Tensor g);

/// A handle whose last owner frees a chain of nodes in a loop, however long it is.
std::shared_ptr<Node> make_handle(Node* node);

/// y with a history; owns the node. y is moved in the body: record(std::move(y), new OpNode(…, y, …)) is safe.
Tensor record(core::Array&& y, Node* node);

template <class Rule> struct Edge {
  Input input;
  std::optional<Rule> rule;
};

/// The input x and its rule, called as rule(g), or rule(g, y) with the op's output; the kept values follow.
template <class F, class... T> Edge<Rule<F, T...>> edge(const Tensor& x, const Keep<T...>& kept, F rule) {
  observe_input(x);
  Edge<Rule<F, T...>> to;  // set member by member: {} would clear all of it first
  if (grad_enabled() && x.requires_grad()) {
    to.input.node = x.node();
    to.input.shape = x.shape();
    to.input.dtype = x.dtype();
    to.rule.emplace(kept, rule);
  }
  return to;
}
template <class F> Edge<Rule<F>> edge(const Tensor& x, F rule) { return edge(x, keep(), rule); }

template <class... Rules> struct OpNode : Node {
  static_assert((Rules::fits && ...),
                "a derivative rule takes g, then y if it needs the op's output, then each value of keep(…), as in "
                "edge(x, keep(a, b), [](auto& g, auto& a, auto& b) { return g * a / b; })");

  std::array<Input, sizeof...(Rules)> ends;
  std::optional<std::tuple<std::optional<Rules>...>> rules;  // none once released
  std::optional<Saved> output;                               // if a rule takes it

  OpNode(const char* name_, const core::Array& y, Edge<Rules>&&... edges)
      : Node(name_), ends{std::move(edges.input)...}, rules(std::in_place, std::move(edges.rule)...) {
    inputs = ends;
    const auto takes_output = [](auto& rule) { return rule && rule->takes_output; };
    if (std::apply([&](auto&... rule) { return (takes_output(rule) || ...); }, *rules)) output.emplace(y);
  }

  void pull(const std::shared_ptr<Node>& self, const Tensor& g, Pending& pending) override {
    // With its history, so that a gradient that is recorded depends on y.
    const Tensor y = output ? Tensor((*output)().array(), self) : Tensor();
    const auto give = [&](const Input& to, auto& rule) {
      if (!pending.wants(to)) return;
      using Rule = std::remove_cvref_t<decltype(*rule)>;
      if constexpr (Rule::takes_output) pending.give(name, to, (*rule)(g, y));
      else if constexpr (Rule::fits) pending.give(name, to, (*rule)(g));
    };
    size_t i = 0;
    std::apply([&](auto&... rule) { (give(ends[i++], rule), ...); }, *rules);
  }
  void release() override {
    rules.reset();
    output.reset();
  }
  bool released() const override { return !rules; }
  std::vector<Tensor> kept() const override { return detail::kept_by(rules, output); }
};

/// The op `name` with value y and its edges. If no edge requires a gradient, y alone.
template <class... Rules> Tensor op(const char* name, core::Array y, Edge<Rules>... edges) {
  observe_output(name, y);
  if (!(edges.input.node || ...)) return Tensor(std::move(y));
  return record(std::move(y), new OpNode<Rules...>(name, y, std::move(edges)...));
}

}  // namespace heed
