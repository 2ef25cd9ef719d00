// What is asked of a node beside its gradient: to keep it, to show it, to know where it was made.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

using Hook = std::function<Tensor(const Tensor&)>;

struct Hooks;

/// What register_hook() gives: remove() takes the hook away again. Letting go of it keeps the hook.
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
  std::string path;                              // of the module at work, if somebody observed (observe.h)
};

Hooks& hooks_of(Node& node);  // made on first use

}  // namespace heed
