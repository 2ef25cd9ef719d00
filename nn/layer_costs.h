// layer_costs: what each layer of a model does to one input, measured. summary(model, input) prints it (summary.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <heed/core/watch.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// One module of a model. Sums are over all of its calls in one forward pass, and include the modules inside it.
struct LayerCost {
  std::string path;   // "h.3.attn"; "" for the model itself
  std::string layer;  // its class
  int depth = 0;
  bool leaf = false;         // no modules inside
  int64_t calls = 0;         // 0: it did not open a Scope
  std::string same_as = {};  // the path of an earlier appearance of the same module
  /// Of the first call: the shape of the first tensor that its ops take and that is no parameter, and of the result:
  /// of what it made, the first tensor that is used after it, or the last. An op-free call returns its input.
  std::optional<Shape> input = std::nullopt, output = std::nullopt;
  int64_t parameters = 0, trainable = 0;  // elements, tied tensors once
  int64_t new_parameters = 0;             // of them those that no earlier row has
  /// As torchinfo counts: for a leaf, the elements of `weight` and `bias` times the first size of the output (the
  /// batch), of a recurrent layer's times its first two; nothing for functions, nor for what a module with modules
  /// inside computes itself (attention's products). flops has all that was done.
  int64_t mult_adds = 0;
  double flops = 0;    // counted in the loops: a multiply-add is 2 (core/work.h)
  double seconds = 0;  // of a second pass that nothing but a clock watches
  int64_t kept_bytes =
      0;  // allocated during the call and still there at its end: its result, and what is kept for backward
};

/// Calls forward() twice, each time with the random numbers of the first, in the model's mode (train or eval). Gradients
/// are recorded unless NoGrad is on; nothing is added to any grad. The rows are named_modules(model), in its order.
/// REQUIRES that forward() calls the model once, and may be repeated (no cache that grows).
std::vector<LayerCost> layer_costs(const Module& model, const std::function<void()>& forward);

/// The same for the model that a program calls by itself: of the outermost module that this thread calls first, while it
/// lives: the first call is looked at, the second is timed.
class CostWatch : public core::Watch {
 public:
  CostWatch();
  ~CostWatch() override;
  CostWatch(const CostWatch&) = delete;
  CostWatch& operator=(const CostWatch&) = delete;

  void expect(const Module& model);  // before its first call: it is this one
  void end_look();                   // the first pass is over, and whatever used its result
  const std::vector<LayerCost>& rows() const;

  void module_begins(const core::ScopeFrame& frame) override;
  void module_ends(const core::ScopeFrame& frame) override;
  void work(double flops, int64_t bytes) override;

 protected:
  /// The model's first or second call has just ended. Later ones are not seen.
  virtual void pass_ended(int /*pass*/, const Module& /*model*/) {}

 private:
  class Look;
  class Clock;
  struct State;
  std::unique_ptr<State> state_;
  core::Watch* const outer_;
};

/// Identifies a tensor by the address of its elements: ties and copied handles share them. REQUIRES numel() > 0.
const void* elements_of(const Tensor& x);

}  // namespace heed::nn
