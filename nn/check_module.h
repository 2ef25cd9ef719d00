// check_module: everything that must hold for any layer, in one line.
//
//     check_module(RMSNorm(8), {randn({4, 8})});
//
// In f64 and in evaluation: derivatives by inputs and parameters, first and second order; the graph's leaves are
// exactly the parameters and inputs, so that a member that visit() forgot is found; the state dict can be saved and
// loaded; train() reaches every module inside; a Scope is open while the layer runs; and the examples of a batch do not
// see each other. Throws Error naming the layer, what does not hold, and what to do. The layer is not changed.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <heed/nn/clone.h>
#include <heed/nn/module.h>

namespace heed::nn {

struct ModuleCheck {
  bool batch_first = true;  // axis 0 of inputs and output counts independent examples
  bool scope = true;        // false for a layer that does nothing in evaluation, or opens no Scope
};

/// What check_module needs of a layer, whatever its class.
struct CheckedLayer {
  std::unique_ptr<Module> layer;  // a clone of its own
  std::function<std::unique_ptr<Module>(const Module&)> copy;
  std::function<Tensor(const Module&, const std::vector<Tensor>&)> forward;
};
void check_module(CheckedLayer checked, const std::vector<Tensor>& inputs, const ModuleCheck& options);

/// The input of a layer that is called as layer(x). Error unless it is the only one.
const Tensor& only_input(const std::vector<Tensor>& inputs);

/// `forward` is f(layer, inputs) -> Tensor, for a layer that takes several inputs or options.
template <class M, class F>
void check_module(const M& layer, const std::vector<Tensor>& inputs, F forward, const ModuleCheck& options = {}) {
  check_module({.layer = std::make_unique<M>(clone(layer)),
                .copy = [](const Module& m) { return std::make_unique<M>(static_cast<const M&>(m)); },
                .forward = [&](const Module& m,
                               const std::vector<Tensor>& in) { return forward(static_cast<const M&>(m), in); }},
               inputs, options);
}

template <class M>
void check_module(const M& layer, const std::vector<Tensor>& inputs, const ModuleCheck& options = {}) {
  const auto forward = [](const M& m, const std::vector<Tensor>& in) { return m(only_input(in)); };
  check_module(layer, inputs, forward, options);
}

}  // namespace heed::nn
