// The engine: derivatives of a recorded computation, in reverse (Griewank & Walther 2008, ch. 3).
//
// Two entry points. x.backward() adds gradients without history to the leaves: for training. grad() returns gradients
// and, with create_graph, records how it computed them: for derivatives of derivatives. One thread at a time may
// differentiate a graph.
#pragma once

#include <vector>

#include <heed/autograd/tensor.h>

namespace heed {

struct GradOptions {
  Tensor seed = {};           // gradient that arrives at `output`; needed unless output has one element
  bool create_graph = false;  // record the derivatives, so that they can be differentiated
  bool retain_graph = false;  // keep what the rules use; create_graph implies it
  bool partial = false;       // ∂ in place of d: an input counts as independent of the other inputs
};

/// d output / d inputs[i] for each input; empty if output does not depend on it.
///
/// It visits only the nodes between the output and the inputs: no rule runs whose result is not needed.
/// Cost: that of the forward pass between them, times a small constant. AutogradError as for backward().
std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs, const GradOptions& = {});

}  // namespace heed
