// Pass: one way back through a graph, which backward() and grad() have in common (engine.cpp).
#pragma once

#include <heed/autograd/node.h>

namespace heed {

/// What grad() asks for; backward() asks for every leaf.
struct Asked {
  virtual ~Asked() = default;
  virtual bool contains(const Node& node) const = 0;            // node is asked for, or leads to what is
  virtual bool shows(const Node& node) const = 0;               // its hooks see the gradient that arrives
  virtual bool arrived(const Node& node, const Tensor& g) = 0;  // g is complete. False: go no further
};

struct Pass {
  bool recording = false;
  bool retain_graph = false;
  Asked* asked = nullptr;

  void run(const char* from, const Tensor& output, const Tensor& seed) const;

  /// Shows a complete gradient to the node's hooks, which may replace it, and leaves it where it is wanted: in a leaf,
  /// with grad(). False: it goes no further back.
  bool arrive(Node& node, Tensor& g) const;
};

/// The gradient that arrives at `output`: `seed`, or 1 for a single element. AutogradError without a history.
Tensor seed_for(const char* op, const Tensor& output, const Tensor& seed);

/// While a node's rule runs, errors name the op, and the layer that the node was made in.
class RunningRule {
 public:
  explicit RunningRule(const Node& node);  // AutogradError where what the rule kept is gone
  ~RunningRule();
  RunningRule(const RunningRule&) = delete;

 private:
  const char* const before_;
  const core::ScopeFrame frame_;
};

}  // namespace heed
