// What a tensor that is no leaf may ask of the engine: to keep its gradient, to show it to somebody.
#pragma once

#include <functional>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

struct Hooks {
  bool retain = false;
  Tensor grad;  // kept if retain
  std::vector<std::function<Tensor(const Tensor&)>> functions;

  /// g after all functions have seen it; kept on the way out if wanted.
  Tensor run(Tensor g, const char* op);
};

}  // namespace heed
