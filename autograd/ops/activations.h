// Activations: the functions between linear layers. Elementwise, one pass forward and one back.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

Tensor relu(const Tensor& x);                           // max(x, 0); derivative 0 at 0
Tensor leaky_relu(const Tensor& x, Real slope = 0.01);  // x if x > 0, else slope·x
Tensor elu(const Tensor& x, Real alpha = 1.0);          // x if x > 0, else α(eˣ - 1)
Tensor sigmoid(const Tensor& x);                        // 1 / (1 + e⁻ˣ)
Tensor tanh(const Tensor& x);
Tensor gelu(const Tensor& x);                        // x Φ(x): Hendrycks & Gimpel 2016
Tensor gelu_tanh(const Tensor& x);                   // their approximation, GPT-2's
Tensor silu(const Tensor& x);                        // x σ(x)
Tensor softplus(const Tensor& x);                    // log(1 + eˣ), stable for large |x|
Tensor logaddexp(const Tensor& a, const Tensor& b);  // log(eᵃ + eᵇ), stable

}  // namespace heed
