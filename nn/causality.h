// Does a model use future inputs? Change the future, and see whether the past changes.
//
//     check_causality(model, tokens);     // model(tokens) -> (B, n, …)
//
// For each t the inputs after t are replaced, and all outputs up to t must stay the same, bit by
// bit. If they do not, both runs are compared op by op: the future enters at the first op whose past
// elements differ, and the module running then is named by its path.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct CausalityOptions {
  int64_t axis = 1;   // the axis of time, in the input and in the output; 0 for one sequence
  uint64_t seed = 0;  // for the replaced future; the default generator is not used
};

struct CausalityLeak {
  int64_t position;  // of the first output that changes …
  int64_t future;    // … when the inputs from here on change
  double change;     // the largest change
  std::string path;  // "h.1.attn", the class of the whole model, or "" if it has no modules
  std::string op;    // "softmax"; "" if none could be identified
};

/// The first leak, none if `model` is causal. Takes n calls of the model, in the caller's mode: Error if
/// two equal calls give different outputs, as with dropout.
///
/// The input is floating, or tokens; tokens are replaced by others up to the largest that occurs.
///
/// The verdict is exact. The op is found among those whose output has one axis as long as the
/// sequence, so choose a length that differs from all sizes of the model (its width, its heads); scores
/// (n, n) are not compared, because masks come after them.
std::optional<CausalityLeak> causality_leak(const std::function<Tensor(const Tensor&)>& model, const Tensor& input,
                                            const CausalityOptions& = {});

/// Throws Error, naming position, module and op, unless `model` is causal.
void check_causality(const std::function<Tensor(const Tensor&)>& model, const Tensor& input,
                     const CausalityOptions& = {});

}  // namespace heed::nn
