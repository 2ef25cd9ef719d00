// Node: what an op leaves behind so that a gradient can find its way back.
//
// An op is its forward value and one edge for each input that may want a gradient:
//
//     Tensor exp(const Tensor& x) {
//       return op("exp", core::map(core::Unary::exp, "exp", x.array()),
//                 edge(x, [](const Tensor& g, const Tensor& y) { return g * y; }));
//     }
//
// The rule maps g = dL/dy to dL/dx. It is written in Tensors, so it can itself be differentiated.
// What follows from the form:
//   - an input that wants no gradient drops its rule, and with it what the rule saved;
//   - a rule that takes (g, y) gets the op's output, one that takes (g) does not keep it alive;
//   - the engine sums g over broadcast axes: no rule mentions broadcasting;
//   - where an op reads a part of its one input (a slice, a row of a table), its rule may take
//     (g, SoFar) and add its share to what other uses of the input gave, instead of to new zeros;
//   - an empty Tensor means zero.
// Ids grow with creation and inputs exist before outputs, so newest first is a topological order.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <heed/autograd/observe.h>
#include <heed/autograd/tensor.h>
#include <heed/core/pool.h>

namespace heed {

struct Hooks;  // hooks.h

struct Input {
  std::shared_ptr<Node> node;  // null where no gradient is wanted
  Shape shape;
  Dtype dtype = Dtype::f32;
};

struct Node : core::Pooled {
  const char* const name;
  const uint64_t id;
  std::span<Input> inputs;        // stored by the subclass
  std::shared_ptr<Hooks> hooks;   // null unless somebody listens
  Node* next_retired = nullptr;   // in the list of those to be freed (node.cpp)
  bool adds_in_place = false;     // its rule takes what has arrived at its one input

  explicit Node(const char* name_) : name(name_), id(next_id()) {}
  virtual ~Node();
  virtual bool is_leaf() const { return false; }
  virtual bool requires_grad() const { return true; }
  /// Gradients of the inputs, in order. `self` is a handle to this node. One that adds in place finds
  /// in `grads` what has arrived so far.
  virtual void pull(const std::shared_ptr<Node>& self, const Tensor& g, std::vector<Tensor>& grads) = 0;
  virtual void release() = 0;     // drops what was saved
  virtual bool released() const = 0;
  virtual void accumulate(Tensor) {}  // a leaf (leaf.h) sums what arrives

 private:
  static uint64_t next_id() {
    static std::atomic<uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }
};

Tensor run_hooks(Node& node, Tensor g);  // hooks.h

/// A handle whose last owner frees a chain of nodes in a loop, however long it is.
std::shared_ptr<Node> make_handle(Node* node);

/// Name of the op whose rule the engine is running on this thread; null outside of a rule.
inline thread_local const char* running_rule = nullptr;

/// A value kept for backward. Using it throws AutogradError if it was changed in place since.
class Saved {
 public:
  explicit Saved(Tensor value) : value_(std::move(value)), version_(value_.array().storage().version()) {}
  const Tensor& operator()() const {
    if (value_.array().storage().version() != version_) [[unlikely]] fail_changed();
    return value_;
  }

 private:
  [[noreturn]] void fail_changed() const;
  Tensor value_;
  uint32_t version_;
};

inline Saved saved(const Tensor& x) { return Saved(x); }

/// The gradient that has arrived at an input so far, to add to in place and return; empty where somebody
/// may see it.
struct SoFar {
  Tensor sum;
};

template <class Rule>
struct Edge {
  Input input;
  std::optional<Rule> rule;
};

template <class Rule>
Edge<Rule> edge(const Tensor& x, Rule rule) {
  if (observer) [[unlikely]] observer->input(x);
  Edge<Rule> to;  // set member by member: {} would clear all of it first
  if (grad_enabled() && x.requires_grad()) {
    to.input.node = x.node();
    to.input.shape = x.shape();
    to.input.dtype = x.dtype();
    to.rule.emplace(std::move(rule));
  }
  return to;
}

template <class... Rules>
struct OpNode : Node {
  static constexpr bool keeps_output = (std::is_invocable_v<Rules, const Tensor&, const Tensor&> || ...);
  static constexpr bool adds = (std::is_invocable_v<Rules, const Tensor&, SoFar> || ...);
  static_assert(!adds || sizeof...(Rules) == 1, "a rule that takes what has arrived is the only one of its op");

  std::array<Input, sizeof...(Rules)> ends;
  std::optional<std::tuple<std::optional<Rules>...>> rules;  // none once released
  std::optional<Saved> output;

  OpNode(const char* name_, const core::Array& y, Edge<Rules>&&... edges)
      : Node(name_), ends{std::move(edges.input)...}, rules(std::in_place, std::move(edges.rule)...) {
    inputs = ends;
    adds_in_place = adds;
    if constexpr (keeps_output) output.emplace(Tensor(y));
  }

  void pull(const std::shared_ptr<Node>& self, const Tensor& g, std::vector<Tensor>& grads) override {
    if constexpr (adds) {
      const Tensor before = std::move(grads[0]);
      grads[0] = (*std::get<0>(*rules))(g, SoFar{before});
      if (!grads[0].defined()) grads[0] = before;  // its share is zero
      return;
    }
    const Tensor y = output ? Tensor((*output)().array(), self) : Tensor();
    std::apply([&](auto&... rule) { (grads.push_back(apply(rule, g, y)), ...); }, *rules);
  }
  void release() override { rules.reset(); output.reset(); }
  bool released() const override { return !rules; }

 private:
  template <class Rule>
  static Tensor apply(std::optional<Rule>& rule, const Tensor& g, const Tensor& y) {
    if (!rule) return Tensor();
    if constexpr (std::is_invocable_v<Rule, const Tensor&, const Tensor&>) return (*rule)(g, y);
    else if constexpr (std::is_invocable_v<Rule, const Tensor&>) return (*rule)(g);
    else return Tensor();
  }
};

/// The op `name` with value y and its edges. Without an edge that wants a gradient, y alone.
template <class... Rules>
Tensor op(const char* name, core::Array y, Edge<Rules>... edges) {
  if (observer) [[unlikely]] observer->output(name, y);
  if (!(edges.input.node || ...)) return Tensor(std::move(y));
  auto node = make_handle(new OpNode<Rules...>(name, y, std::move(edges)...));
  return Tensor(std::move(y), std::move(node));
}

/// For ops whose gradients share work: one joint rule, (g, y) -> one gradient for each input.
using JointRule = std::function<std::vector<Tensor>(const Tensor& g, const Tensor& y)>;
Tensor op(const char* name, core::Array y, const std::vector<Tensor>& inputs, JointRule rule);

}  // namespace heed
