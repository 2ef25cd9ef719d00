// Leaf: where gradients end up. The node of a tensor that no op made: a parameter.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include <heed/autograd/node.h>

namespace heed {

struct Leaf : Node {
  Tensor grad;
  bool wants_grad = true;

  // Who answers for the gradient, so that an optimizer can say what nobody steps (optim/ownership.h):
  int owners = 0;                               // optimizers that have this parameter
  std::atomic<bool> named = false;              // a module's visit() names it
  mutable std::atomic<bool> looked_at = false;  // somebody asked for the gradient
  bool listed = false;                          // in what take_unowned_leaves() will return
  int steps_seen = 0;                           // steps of optimizers before which it got a gradient
  std::weak_ptr<Node> self;

  Leaf() : Node("leaf") {}
  void accumulate(Tensor&& g) override;  // grad += g; takes g's bytes over if nobody else can see them
  bool is_leaf() const override { return true; }
  bool requires_grad() const override { return wants_grad; }
  void pull(const std::shared_ptr<Node>&, const Tensor&, Pending&) override {}
  void release() override {}
  bool released() const override { return false; }
};

/// Leaves that got a gradient on this thread since the last call, that no optimizer owns, and that still live.
std::vector<std::shared_ptr<Leaf>> take_unowned_leaves();

}  // namespace heed
