// Forward hooks: functions that a module calls with each of its outputs, as PyTorch's register_forward_hook.
//
//     auto handle = on_forward(gpt.h[3], [](const Module& m, const Tensor& y) { std::cout << y.shape(); });
//     on_forward(gpt.ln_f, [](const Module&, const Tensor& y) { return clamp(y, -1.0, 1.0); });   // replaces the output
//     handle.remove();
//
// They belong to the module: copies share them, as they share its tensors, clone() has its own; they run on every
// thread. The handle may be dropped: the hook stays. Hooks run in the order in which they were added, before captures
// and patches see the output. A layer shows its output by `return scope(y);` (scope.h). Of several results a hook sees the
// output: of an LSTM the states of all steps, of an attention not the weights. Inputs are not passed: they are other
// modules' outputs. To reach values by their path, for a while: capture.h.
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include <heed/nn/module.h>

namespace heed::nn {

/// Returns the new output, or an empty Tensor to leave it as it is.
using ForwardHook = std::function<Tensor(const Module& m, const Tensor& output)>;

struct ForwardHooks {
  std::vector<std::shared_ptr<ForwardHook>> functions;
};

class ForwardHookHandle {
 public:
  ForwardHookHandle(std::weak_ptr<ForwardHooks> hooks, std::weak_ptr<ForwardHook> function)
      : hooks_(std::move(hooks)), function_(std::move(function)) {}
  void remove();

 private:
  std::weak_ptr<ForwardHooks> hooks_;
  std::weak_ptr<ForwardHook> function_;
};

ForwardHookHandle add_forward_hook(Module& m, ForwardHook hook);

/// `hook` returns a Tensor, or nothing. Error in the call if what it returns has another shape or dtype than the output.
template <class Hook> ForwardHookHandle on_forward(Module& m, Hook hook) {
  if constexpr (std::is_void_v<std::invoke_result_t<Hook&, const Module&, const Tensor&>>)
    return add_forward_hook(m, [hook](const Module& at, const Tensor& y) mutable {
      hook(at, y);
      return Tensor();
    });
  else return add_forward_hook(m, std::move(hook));
}

void run_forward_hooks(const Module& m, Tensor& output);

}  // namespace heed::nn
