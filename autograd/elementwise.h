// Elementwise mathematics. Operands are broadcast as in NumPy; a number takes the tensor's dtype.
//
// y has the broadcast shape. DtypeError where dtypes differ, ShapeError where shapes do not fit.
// Cost: one pass. Every op here is differentiable as often as wanted, where its derivative exists;
// at a kink the derivative is PyTorch's (relu'(0) = 0, |0|' = 0).
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

Tensor operator+(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator+(const Tensor& a, double b);
Tensor operator-(const Tensor& a, double b);
Tensor operator*(const Tensor& a, double b);
Tensor operator/(const Tensor& a, double b);
Tensor operator+(double a, const Tensor& b);
Tensor operator-(double a, const Tensor& b);
Tensor operator*(double a, const Tensor& b);
Tensor operator/(double a, const Tensor& b);
Tensor operator-(const Tensor& x);

Tensor maximum(const Tensor& a, const Tensor& b);  // equals share the gradient, half each
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, double b);
Tensor minimum(const Tensor& a, double b);
Tensor clamp(const Tensor& x, double low, double high);  // gradient 1 inside and at the bounds, else 0

Tensor abs(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);                     // 1/√x
Tensor reciprocal(const Tensor& x);
Tensor pow(const Tensor& x, double exponent);
Tensor pow(const Tensor& x, const Tensor& exponent);
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);                       // 2/√π ∫₀ˣ exp(-t²) dt
Tensor sign(const Tensor& x);                      // no gradient, nor the three below
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);                     // halves to even

Tensor relu(const Tensor& x);                      // max(x, 0)
Tensor leaky_relu(const Tensor& x, double slope = 0.01);  // x if x > 0, else slope·x
Tensor elu(const Tensor& x, double alpha = 1.0);   // x if x > 0, else α(eˣ - 1)
Tensor sigmoid(const Tensor& x);                   // 1 / (1 + e⁻ˣ)
Tensor tanh(const Tensor& x);
Tensor gelu(const Tensor& x);                      // x Φ(x): Hendrycks & Gimpel 2016
Tensor gelu_tanh(const Tensor& x);                 // their approximation, GPT-2's
Tensor silu(const Tensor& x);                      // x σ(x)
Tensor softplus(const Tensor& x);                  // log(1 + eˣ), stable for large |x|
Tensor logaddexp(const Tensor& a, const Tensor& b);  // log(eᵃ + eᵇ), stable

// Comparisons give masks (bool), which have no gradient.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, double b);
Tensor ne(const Tensor& a, double b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, double b);
Tensor operator<=(const Tensor& a, double b);
Tensor operator>(const Tensor& a, double b);
Tensor operator>=(const Tensor& a, double b);
Tensor operator!(const Tensor& mask);
Tensor operator&(const Tensor& a, const Tensor& b);
Tensor operator|(const Tensor& a, const Tensor& b);
bool all(const Tensor& mask);
bool any(const Tensor& mask);

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);  // mask ? a : b
Tensor where(const Tensor& mask, const Tensor& a, double b);
Tensor where(const Tensor& mask, double a, const Tensor& b);
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);  // value where mask

}  // namespace heed
