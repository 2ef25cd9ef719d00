// What a node can do besides passing its gradient on: keep it, show it to hooks, know where it was made.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

using Hook = std::function<Tensor(const Tensor&)>;

struct Hooks;

/// What register_hook() returns: remove() removes the hook. Destroying the handle keeps the hook.
class HookHandle {
 public:
  HookHandle() = default;
  HookHandle(std::weak_ptr<Hooks> hooks, std::weak_ptr<Hook> function)
      : hooks_(std::move(hooks)), function_(std::move(function)) {}
  void remove();

 private:
  std::weak_ptr<Hooks> hooks_;
  std::weak_ptr<Hook> function_;
};

struct Hooks {
  bool retain = false;
  Tensor grad;                                   // kept if retain
  std::vector<std::shared_ptr<Hook>> functions;  // in the order they were registered
  std::string path;                              // of the running module, if there was an observer (observe.h)
};

Hooks& hooks_of(Node& node);  // made on first use

}  // namespace heed
