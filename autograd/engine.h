// The engine: derivatives of a recorded computation, in reverse (Griewank & Walther 2008, ch. 3).
//
// Two ways in. x.backward() adds history-free gradients to the leaves: for training. grad() returns gradients and, if
// asked, records how it computed them: for derivatives of derivatives. One thread at a time differentiates a graph.
#pragma once

#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

struct GradOptions {
  Tensor seed = {};           // gradient that arrives at `output`; needed unless output has one number
  bool create_graph = false;  // record the derivatives, so that they can be differentiated
  bool retain_graph = false;  // keep what the rules use; create_graph implies it
  bool partial = false;       // ∂ in place of d: an input counts as independent of the other inputs
};

/// d output / d inputs[i], one for each; empty where output does not depend on the input.
///
/// It walks only what lies between the output and the inputs: no rule runs whose result nobody asked for.
/// Cost: that of the forward pass between them, times a small constant. AutogradError as for backward().
std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs, const GradOptions& = {});

}  // namespace heed
