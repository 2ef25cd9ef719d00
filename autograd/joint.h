// Ops whose gradients share work: one rule for all inputs.
//
//     return op("layer_norm", y, {x, weight}, keep(x, weight), [eps](auto& g, auto& x, auto& weight) {
//       …
//       return std::vector<Tensor>{dx, dweight};
//     });
//
// The rule is called as rule(g), rule(g, y) with the op's output, or rule(g, wanted), where wanted[i] says whether
// the gradient of input i is needed; the kept values follow (keep.h). It returns one gradient per input,
// an empty Tensor for zero.
#pragma once

#include <vector>

#include <heed/autograd/node.h>

namespace heed {

/// The inputs for the engine; those that require no gradient are empty.
std::vector<Input> joint_inputs(const std::vector<Tensor>& inputs);
void check_joint_gradients(const Node& node, const std::vector<Tensor>& grads);

/// For which inputs of an op the gradient is needed.
using Wanted = std::vector<bool>;

template <class Rule> struct JointNode : Node {
  static constexpr bool takes_wanted = [] {
    if constexpr (Rule::fits) return false;
    else return Rule::template takes<const Wanted&>;
  }();
  static_assert(
      Rule::fits || takes_wanted,
      "a joint derivative rule takes g, then y (the op's output) or const Wanted& if it needs one of them, then "
      "each value of keep(…)");

  std::vector<Input> ends;
  std::optional<Rule> rule;  // none once released
  std::optional<Saved> output;

  JointNode(const char* name_, const core::Array& y, std::vector<Input> ends_, Rule rule_)
      : Node(name_), ends(std::move(ends_)), rule(std::move(rule_)) {
    inputs = ends;
    if constexpr (Rule::takes_output) output.emplace(y);
  }
  void pull(const std::shared_ptr<Node>& self, const Tensor& g, Pending& pending) override {
    Wanted wanted;
    for (const Input& to : ends) wanted.push_back(pending.wants(to));
    std::vector<Tensor> grads;
    if constexpr (Rule::takes_output) grads = (*rule)(g, Tensor((*output)().array(), self));
    else if constexpr (takes_wanted) grads = (*rule)(g, wanted);
    else if constexpr (Rule::fits) grads = (*rule)(g);
    check_joint_gradients(*this, grads);
    for (size_t i = 0; i < grads.size(); ++i)
      if (wanted[i]) pending.give(name, ends[i], std::move(grads[i]));
  }
  void release() override {
    rule.reset();
    output.reset();
  }
  bool released() const override { return !rule; }
  std::vector<Tensor> kept() const override {
    std::vector<Tensor> all;
    if (rule) rule->list_kept(all);
    if (output) output->list(all);
    return all;
  }
};

template <class F, class... T>
Tensor op(const char* name, core::Array y, const std::vector<Tensor>& inputs, const Keep<T...>& kept, F rule) {
  std::vector<Input> ends = joint_inputs(inputs);
  observe_output(name, y);
  bool wanted = false;
  for (const Input& input : ends) wanted |= input.node != nullptr;
  if (!wanted) return Tensor(std::move(y));
  return record(std::move(y), new JointNode(name, y, std::move(ends), Rule(kept, rule)));
}
template <class F> Tensor op(const char* name, core::Array y, const std::vector<Tensor>& inputs, F rule) {
  return op(name, std::move(y), inputs, keep(), rule);
}

}  // namespace heed
