// Ops that read a part of their one input: a slice, a row of a table.
//
//     op("select", y, part(x, [axis, index](auto& g, const SoFar& so_far) { … }))
//
// The rule returns so_far.sum with g added at the part's position, or, if that is empty, zeros of x's shape with g
// there, made by ops. An edge's rule would make zeros of the whole input for each part that is read: T steps that each
// read one row of a (T, d) input would cost O(T² d) in backward. This rule receives the gradient from other uses of the
// input, if nothing else refers to it, and adds its share in place: O(T d).
#pragma once

#include <optional>
#include <utility>

#include <heed/autograd/node.h>

namespace heed {

/// The gradient that has arrived at the input so far, to add to in place and return; empty if anything else uses it.
struct SoFar {
  Tensor sum;
};

template <class Rule> struct PartEdge {
  Edge<Rule> to;
};

/// The input x and its rule, called as rule(g, so_far, kept…).
template <class F, class... T> PartEdge<Rule<F, T...>> part(const Tensor& x, const Keep<T...>& kept, F rule) {
  return {edge(x, kept, rule)};
}
template <class F> PartEdge<Rule<F>> part(const Tensor& x, F rule) { return part(x, keep(), rule); }

template <class Rule> struct PartNode : Node {
  Input end;
  std::optional<Rule> rule;  // none once released

  PartNode(const char* name_, Edge<Rule>&& to) : Node(name_), end(std::move(to.input)), rule(std::move(to.rule)) {
    inputs = {&end, 1};
  }
  void pull(const std::shared_ptr<Node>&, const Tensor& g, Pending& pending) override {
    if (!pending.wants(end)) return;
    const SoFar before{pending.take(end)};
    Tensor after = (*rule)(g, before);
    pending.give(name, end, after.defined() ? std::move(after) : before.sum);
  }
  void release() override { rule.reset(); }
  bool released() const override { return !rule; }
  std::vector<Tensor> kept() const override {
    std::vector<Tensor> all;
    if (rule) rule->list_kept(all);
    return all;
  }
};

template <class Rule> Tensor op(const char* name, core::Array y, PartEdge<Rule> part) {
  observe_output(name, y);
  if (!part.to.input.node) return Tensor(std::move(y));
  return record(std::move(y), new PartNode<Rule>(name, std::move(part.to)));
}

}  // namespace heed
