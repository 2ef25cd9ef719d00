// What a tensor that is no leaf may ask of the engine: to keep its gradient, or to show it.
#pragma once

#include <functional>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

struct Hooks {
  bool retain = false;
  Tensor grad;  // kept if retain
  std::vector<std::function<Tensor(const Tensor&)>> functions;
};  // run_hooks() in node.h shows a gradient to all functions, and keeps it if that is wanted

}  // namespace heed
