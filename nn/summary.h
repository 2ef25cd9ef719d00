// summary: what a model is made of, as a table.
//
//     std::cout << nn::summary(model);
//
//     path             class                tensor  shape      elements
//                      GPT
//     wte              Embedding            weight  (65, 64)      4,160
//     h.0              Block
//     h.0.ln_1         LayerNorm            weight  (64,)            64
//     …
//     lm_head          Linear               weight  (65, 64)          -  is wte.weight
//     total 103,104 elements, 103,104 of them trainable, 402.8 KiB
//
// A tensor under several names is counted once, and later appearances refer to the first; so
// do those of a module. Tensors that require no gradient are marked as frozen.
//
// With an input, what each layer does to it, as a tree:
//
//     std::cout << nn::summary(model, tokens);
//
// A line for each layer, indented under the one that holds it: class, shapes of input and output, parameters, mult-adds
// as torchinfo counts them, operations as counted where they are done, time, and bytes that the call leaves allocated:
// its result and what is kept for backward (layer_costs.h has the exact terms). The model is called twice, in its own
// mode and with the current NoGrad; no random number, parameter or gradient changes.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <type_traits>

#include <heed/autograd/observe.h>
#include <heed/nn/layer_costs.h>
#include <heed/nn/module.h>

namespace heed::nn {

std::string summary(const Module& model);

/// The tree, for whatever forward() calls: models that take more than tensors.
std::string summary(const Module& model, const std::function<void()>& forward);

template <class Input> void observe_given(const Input& input) {
  if constexpr (std::is_same_v<Input, Tensor>) observe_input(input);
}

/// The tree for model(input…).
template <class Model, class... Inputs>
  requires(sizeof...(Inputs) > 0 && std::is_invocable_v<const Model&, const Inputs&...>)
std::string summary(const Model& model, const Inputs&... input) {
  return summary(static_cast<const Module&>(model), std::function<void()>([&] {
                   (observe_given(input), ...);
                   const auto y = model(input...);
                   if constexpr (requires { y.output; }) observe_input(y.output);
                   else if constexpr (std::is_same_v<decltype(y), const Tensor>) observe_input(y);
                 }));
}

/// While it lives, waits for the outermost module that this thread calls first and prints its tree: of its first call,
/// with the times of the second, after which nothing is watched. For programs' --summary.
class SummaryOfFirst : public CostWatch {
 public:
  explicit SummaryOfFirst(std::ostream& out) : out_(out) {}
  ~SummaryOfFirst() override { finish(); }
  void finish();  // prints what there is, if nothing was printed yet

 private:
  void pass_ended(int pass, const Module& model) override;

  std::ostream& out_;
  std::string totals_;
  bool recorded_ = false, printed_ = false;
};

}  // namespace heed::nn
