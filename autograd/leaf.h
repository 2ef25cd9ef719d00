// Leaf: where gradients end up. The node of a tensor that no op made: a parameter.
#pragma once

#include <optional>

#include <heed/autograd/node.h>

namespace heed {

struct Leaf : Node {
  Tensor grad;
  bool wants_grad = true;
  bool owned = false;  // by an optimizer

  Leaf() : Node("leaf") {}
  void accumulate(Tensor g) override;  // grad += g; takes g's bytes over if nobody else can see them
  bool is_leaf() const override { return true; }
  bool requires_grad() const override { return wants_grad; }
  void pull(const std::shared_ptr<Node>&, const Tensor&, const Wanted&, std::vector<Tensor>&) override {}
  void release() override {}
  bool released() const override { return false; }
};

/// Shape of a leaf that got a gradient on this thread since the last call, and that no optimizer
/// owns.
std::optional<Shape> take_unowned_gradient();

}  // namespace heed
