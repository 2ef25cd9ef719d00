// What is asked of a node beside its gradient: to keep it, to show it, to know where it was made.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

using Hook = std::function<Tensor(const Tensor&)>;

struct Hooks {
  bool retain = false;
  Tensor grad;                                   // kept if retain
  std::vector<std::shared_ptr<Hook>> functions;  // in the order they were registered
  std::string path;  // of the module at work, if somebody observed (observe.h)
};

Hooks& hooks_of(Node& node);  // made on first use

/// Shows g to all functions, and keeps what they leave of it if that is wanted. A function may register
/// and remove hooks: what it adds is called from the next gradient on.
Tensor run_hooks(Node& node, Tensor g);

}  // namespace heed
