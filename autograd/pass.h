// Pass: one traversal of a graph, used by backward() and grad() (engine.cpp).
#pragma once

#include <heed/autograd/node.h>

namespace heed {

/// What grad() requests; backward() requests every leaf.
struct Asked {
  virtual ~Asked() = default;
  virtual bool contains(const Node& node) const = 0;            // node is requested, or leads to one that is
  virtual bool shows(const Node& node) const = 0;               // its hooks see the gradient that arrives
  virtual bool arrived(const Node& node, const Tensor& g) = 0;  // g is complete. False: go no further
};

struct Pass {
  bool recording = false;
  bool retain_graph = false;
  Asked* asked = nullptr;

  void run(const char* from, const Tensor& output, const Tensor& seed) const;

  /// Passes a complete gradient through the node's hooks, which may replace it, and stores it where it is requested: in
  /// a leaf, or for grad(). False: it is not propagated further.
  bool arrive(Node& node, Tensor& g) const;
};

/// The gradient that arrives at `output`: `seed`, or 1 for a single element. AutogradError without a history.
Tensor seed_for(const char* op, const Tensor& output, const Tensor& seed);

/// While a node's rule runs, errors name its op, and the layer in which the node was made.
class RunningRule {
 public:
  explicit RunningRule(const Node& node);
  ~RunningRule();
  RunningRule(const RunningRule&) = delete;

 private:
  const char* const before_;
  const core::ScopeFrame frame_;
};

}  // namespace heed
