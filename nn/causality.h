// Does a model look ahead? Ask it: change the future, and see whether the past moves.
//
//     check_causality(model, tokens);     // model(tokens) -> (B, n, …)
//
// For each t the inputs behind t are replaced, and all outputs up to t must stay the same, bit by
// bit. Where they do not, both runs are compared op by op: the first one whose numbers for the past
// differ is where the future came in, and the module at work then is named by its path.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct CausalityOptions {
  int64_t axis = 1;   // the axis of time, in the input and in the output; 0 for one sequence
  uint64_t seed = 0;  // of what replaces the future; the default generator is left alone
};

struct CausalityLeak {
  int64_t position;  // of the first output that changes …
  int64_t future;    // … when inputs from here on do
  double change;     // by so much, at most
  std::string path;  // "h.1.attn", the class of the whole model, or "" where it has no modules
  std::string op;    // "softmax"; "" where none could be found
};

/// The first leak, none if `model` is causal. n calls of the model, in the caller's mode: Error if
/// it answers differently when asked twice, as with dropout.
///
/// The input is floating, or tokens; these are replaced by others up to the largest that occurs.
///
/// The verdict is exact. The place is found by the ops whose output has one axis as long as the
/// sequence, so take a length that is no other size of the model (its width, its heads); scores
/// (n, n) are not judged, for masks come behind them.
std::optional<CausalityLeak> causality_leak(const std::function<Tensor(const Tensor&)>& model, const Tensor& input,
                                            const CausalityOptions& = {});

/// Throws Error, naming position, module and op, unless `model` is causal.
void check_causality(const std::function<Tensor(const Tensor&)>& model, const Tensor& input,
                     const CausalityOptions& = {});

}  // namespace heed::nn
