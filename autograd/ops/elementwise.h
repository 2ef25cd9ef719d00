// Elementwise mathematics. Operands are broadcast as in NumPy; a number takes the tensor's dtype.
//
// y has the broadcast shape. DtypeError if dtypes differ or the dtype cannot hold the number, ShapeError
// if shapes do not fit. Sums and products of integers wrap around; a / b of integers is a float32
// fraction, as in PyTorch, and floor_divide (comparison.h) keeps integers.
// Cost: one pass. Every op can be differentiated any number of times, where its derivative exists.
// Comparisons, selections and kinks are in comparison.h, activations in activations.h.
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

Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);  // 1/√x
Tensor reciprocal(const Tensor& x);
Tensor pow(const Tensor& x, double exponent);  // integers: exponent >= 0
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);  // eˣ - 1, exact near 0
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);  // log(1 + x), exact near 0
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor erf(const Tensor& x);      // 2/√π ∫₀ˣ exp(-t²) dt
Tensor zero_of(const Tensor& g);  // 0 even where g is infinite, with its history: for rules

}  // namespace heed
