// Layer norm and RMS norm: one pass over memory each, forward and back.
#pragma once

#include <optional>

#include <heed/autograd/tensor.h>

namespace heed {

/// (x - mean) / √(var + ε) ⊙ weight + bias over the last axis, biased variance (Ba et al. 2016,
/// eq. 4). weight and bias (d), or empty.
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, Real eps = 1e-5);

/// x / √(mean(x²) + ε) ⊙ weight over the last axis (Zhang & Sennrich 2019, eq. 4). By default ε is
/// the machine epsilon of x's dtype (1.2e-7 in f32), as in PyTorch.
Tensor rms_norm(const Tensor& x, const Tensor& weight = {}, std::optional<Real> eps = std::nullopt);

}  // namespace heed
