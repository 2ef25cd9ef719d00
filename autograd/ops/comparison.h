// Comparisons, selections, and ops with a kink. At a kink the derivative is PyTorch's (|0|' = 0).
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

// Comparisons give masks (bool), which have no gradient. Integers may be compared with any number:
// arange(5) > 2.5 works as written.
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

Tensor maximum(const Tensor& a, const Tensor& b);  // equal elements get half the gradient each
Tensor minimum(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, double b);
Tensor minimum(const Tensor& a, double b);
Tensor clamp(const Tensor& x, double low, double high);  // gradient 1 inside and at the bounds, else 0
Tensor abs(const Tensor& x);
Tensor pow(const Tensor& x, const Tensor& exponent);  // 0⁰ = 1

Tensor sign(const Tensor& x);  // these five have zero gradient
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);  // halves to even
/// ⌊a / b⌋; for integers an integer (a / b is a fraction). Error if an integer is divided by 0.
Tensor floor_divide(const Tensor& a, const Tensor& b);
Tensor floor_divide(const Tensor& a, double b);
Tensor floor_divide(double a, const Tensor& b);

}  // namespace heed
