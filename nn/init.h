// Initial values, written in place: no tensor is replaced. Each function returns the tensor.
//
// fan_in and fan_out of a weight (out, in) are in and out. Sources: Glorot & Bengio 2010 (Xavier),
// He et al. 2015 (Kaiming), Saxe et al. 2014 (orthogonal), Radford et al. 2019, section 2.3
// (GPT-2). Random values come from the default generator; the rest is as in torch.nn.init.
#pragma once

#include <heed/autograd/tensor.h>
#include <heed/core/random.h>

namespace heed::nn {

Tensor& constant_(Tensor& x, double value);
Tensor& uniform_(Tensor& x, double low = 0.0, double high = 1.0);
Tensor& normal_(Tensor& x, double mean = 0.0, double std = 1.0);
/// Normal, truncated to low … high (values, not multiples of std).
Tensor& trunc_normal_(Tensor& x, double mean = 0.0, double std = 1.0, double low = -2.0, double high = 2.0);

Tensor& xavier_uniform_(Tensor& x, double gain = 1.0);  // U(±gain √(6 / (fan_in + fan_out)))
Tensor& xavier_normal_(Tensor& x, double gain = 1.0);   // N(0, gain² 2 / (fan_in + fan_out))

/// Variance gain² / fan_in, so that a rectified layer keeps the scale of its input. `slope` is that
/// of the leaky ReLU after it: gain² = 2 / (1 + slope²). √5 gives torch.nn.Linear's U(±1/√fan_in).
Tensor& kaiming_uniform_(Tensor& x, double slope = 0.0);
Tensor& kaiming_normal_(Tensor& x, double slope = 0.0);

/// gain times a random matrix with orthonormal rows (columns, if there are more rows), each such
/// matrix equally likely: it preserves the length of a vector. x is treated as (first axis, all others).
Tensor& orthogonal_(Tensor& x, double gain = 1.0);

/// N(0, (std / √(2 layers))²): for the projections that write into a residual stream of `layers`
/// blocks, two each, so that its variance does not grow with depth.
Tensor& gpt2_residual_(Tensor& x, int64_t layers, double std = 0.02);

}  // namespace heed::nn
