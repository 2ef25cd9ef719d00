// Leaf: where gradients end. The node of a tensor that no op made: a parameter.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include <heed/autograd/node.h>

namespace heed {

struct Leaf : Node {
  Tensor grad;
  bool wants_grad = true;

  // Who uses the gradient, so that an optimizer can report parameters that none of them steps (optim/ownership.h):
  int owners = 0;                               // optimizers that have this parameter
  std::atomic<bool> named = false;              // a module's visit() names it
  mutable std::atomic<bool> looked_at = false;  // grad() was called
  bool listed = false;                          // in what take_unowned_leaves() will return
  int steps_seen = 0;                           // optimizer steps that found a gradient here
  std::weak_ptr<Node> self;

  Leaf() : Node("leaf") {}
  void accumulate(Tensor&& g) override;  // grad += g; takes over g's bytes if nothing else uses them
  bool is_leaf() const override { return true; }
  bool requires_grad() const override { return wants_grad; }
  void pull(const std::shared_ptr<Node>&, const Tensor&, Pending&) override {}
  void release() override {}
  bool released() const override { return false; }
};

/// Living leaves without an optimizer that received a gradient on this thread since the last call.
std::vector<std::shared_ptr<Leaf>> take_unowned_leaves();

}  // namespace heed
