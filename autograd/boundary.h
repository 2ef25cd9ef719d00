// Boundary: the part of a graph that lies between an output and the inputs whose gradients are asked for.
//
// A node belongs to it if it is asked for, or if one of its inputs belongs to it. Found in one pass over the nodes
// that the output came from and that are not older than all that is asked for: cost O(n log n) for n of them.
#pragma once

#include <unordered_map>
#include <vector>

#include <heed/autograd/node.h>

namespace heed {

class Boundary {
 public:
  /// `partial`: what is asked for is independent of each other, so nothing that lies beyond one belongs to it.
  Boundary(const Tensor& output, const std::vector<Tensor>& inputs, bool partial);

  bool contains(const Node& node) const { return nodes_.contains(&node); }
  /// The positions among `inputs` that ask for this node.
  const std::vector<size_t>& asked(const Node& node) const { return nodes_.at(&node).asked; }
  /// Nothing that is asked for lies beyond.
  bool ends_at(const Node& node) const { return !nodes_.at(&node).goes_on; }

 private:
  struct Member {
    std::vector<size_t> asked;
    bool goes_on = false;
  };
  std::unordered_map<const Node*, Member> nodes_;
};

}  // namespace heed
