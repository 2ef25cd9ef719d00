// Gradient clipping (Pascanu et al. 2013, alg. 1).
#pragma once

#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::optim {

struct ClipOptions {
  bool error_if_nonfinite = false;  // throw if the norm is NaN or infinite
};

/// Scales all gradients by min(1, max_norm / (‖g‖ + 1e-6)), ‖g‖ over all of them; returns ‖g‖ before
/// scaling. As torch.nn.utils.clip_grad_norm_.
double clip_grad_norm(const std::vector<Tensor>& params, double max_norm, const ClipOptions& = {});

/// Clamps every element of every gradient to -limit … limit.
void clip_grad_value(const std::vector<Tensor>& params, double limit);

}  // namespace heed::optim
