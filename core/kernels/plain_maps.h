// The elementwise functions, by name: what each of them is, in double. To be read before maps.inc.
//
// These are the names that errors give, and the definitions that the fast kernels are tested against. A function of
// kernels.h that is missing here, or stands elsewhere than there, does not compile.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <heed/core/kernels/kernels.h>

namespace heed::core::plain {

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
/// ln (1 + eˣ), without overflow.
inline double softplus(double x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x))); }

/// Φ of the standard normal distribution, and its density φ.
inline double normal_cdf(double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); }
inline double normal_density(double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0)); }

/// u and its derivative in gelu_tanh: ½x (1 + tanh u) = x σ(2u), which keeps its digits far below zero.
inline double gelu_u(double x) { return std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x); }
inline double gelu_u_slope(double x) { return std::sqrt(2 / std::acos(-1.0)) * (1 + 3 * 0.044715 * x * x); }

template <class Tag, class F> struct Definition {
  Tag tag;
  const char* name;
  F* of;
};

// y = f(x)
constexpr Definition<Unary, double(double)> unary_functions[] = {
    {Unary::neg, "neg", [](double x) { return -x; }},
    {Unary::abs, "abs", [](double x) { return std::fabs(x); }},
    {Unary::sign, "sign", [](double x) { return x > 0   ? 1
                                                : x < 0 ? -1
                                                        : x; }},
    {Unary::square, "square", [](double x) { return x * x; }},
    {Unary::sqrt, "sqrt", [](double x) { return std::sqrt(x); }},
    {Unary::rsqrt, "rsqrt", [](double x) { return 1 / std::sqrt(x); }},
    {Unary::reciprocal, "reciprocal", [](double x) { return 1 / x; }},
    {Unary::exp, "exp", [](double x) { return std::exp(x); }},
    {Unary::expm1, "expm1", [](double x) { return std::expm1(x); }},
    {Unary::log, "log", [](double x) { return std::log(x); }},
    {Unary::log1p, "log1p", [](double x) { return std::log1p(x); }},
    {Unary::sin, "sin", [](double x) { return std::sin(x); }},
    {Unary::cos, "cos", [](double x) { return std::cos(x); }},
    {Unary::tanh, "tanh", [](double x) { return std::tanh(x); }},
    {Unary::sigmoid, "sigmoid", sigmoid},
    {Unary::erf, "erf", [](double x) { return std::erf(x); }},
    {Unary::relu, "relu", [](double x) { return x <= 0 ? 0 : x; }},
    {Unary::gelu, "gelu", [](double x) { return x * normal_cdf(x); }},
    {Unary::gelu_tanh, "gelu_tanh", [](double x) { return x * sigmoid(2 * gelu_u(x)); }},
    {Unary::silu, "silu", [](double x) { return x * sigmoid(x); }},
    {Unary::softplus, "softplus", softplus},
    {Unary::floor, "floor", [](double x) { return std::floor(x); }},
    {Unary::ceil, "ceil", [](double x) { return std::ceil(x); }},
    {Unary::round, "round", [](double x) { return std::nearbyint(x); }},  // halves to even
};

// y = f(a, b); maximum and minimum are NaN where a or b is.
constexpr Definition<Binary, double(double, double)> binary_functions[] = {
    {Binary::add, "add", [](double a, double b) { return a + b; }},
    {Binary::sub, "sub", [](double a, double b) { return a - b; }},
    {Binary::mul, "mul", [](double a, double b) { return a * b; }},
    {Binary::div, "div", [](double a, double b) { return a / b; }},
    {Binary::maximum, "maximum", [](double a, double b) { return a > b || std::isnan(a) ? a : b; }},
    {Binary::minimum, "minimum", [](double a, double b) { return a < b || std::isnan(a) ? a : b; }},
    {Binary::pow, "pow", [](double a, double b) { return std::pow(a, b); }},
};

// f'(x) g; of tanh and sigmoid from y = f(x).
constexpr Definition<UnaryGrad, double(double, double)> gradients[] = {
    {UnaryGrad::relu, "relu", [](double x, double g) { return x <= 0 ? 0 : g; }},
    {UnaryGrad::gelu, "gelu", [](double x, double g) { return g * (normal_cdf(x) + x * normal_density(x)); }},
    {UnaryGrad::gelu_tanh, "gelu_tanh",
     [](double x, double g) {
       const double s = sigmoid(2 * gelu_u(x));
       return g * (s + x * s * (1 - s) * 2 * gelu_u_slope(x));
     }},
    {UnaryGrad::silu, "silu",
     [](double x, double g) {
       const double s = sigmoid(x);
       return g * (s + x * s * (1 - s));
     }},
    {UnaryGrad::tanh_from_output, "tanh", [](double y, double g) { return g * (1 - y * y); }},
    {UnaryGrad::sigmoid_from_output, "sigmoid", [](double y, double g) { return g * y * (1 - y); }},
};

/// Whether a list has every function, at its tag's position.
template <class Tag, class F, size_t n> constexpr bool complete(const Definition<Tag, F> (&functions)[n]) {
  for (size_t i = 0; i < n; ++i)
    if (static_cast<size_t>(functions[i].tag) != i) return false;
  return n == static_cast<size_t>(Tag::count);
}
static_assert(complete(unary_functions) && complete(binary_functions) && complete(gradients));

constexpr const Definition<Unary, double(double)>& definition(Unary f) {
  return unary_functions[static_cast<size_t>(f)];
}
constexpr const Definition<Binary, double(double, double)>& definition(Binary f) {
  return binary_functions[static_cast<size_t>(f)];
}
constexpr const Definition<UnaryGrad, double(double, double)>& definition(UnaryGrad f) {
  return gradients[static_cast<size_t>(f)];
}

// The kernels. An operand's stride is that of a walk: 1 contiguous, 0 one element repeated, others.

template <class T, Unary f> void unary(const T* x, int64_t x_stride, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(definition(f).of(x[i * x_stride]));
}

template <class T, Binary f> void binary(const T* a, int64_t a_stride, const T* b, int64_t b_stride, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(definition(f).of(a[i * a_stride], b[i * b_stride]));
}

template <class T, UnaryGrad f> void unary_grad(const T* x, const T* g, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(definition(f).of(x[i], g[i]));
}

/// y = a where the mask is true, else b.
template <class T>
void where(const bool* mask, int64_t mask_stride, const T* a, int64_t a_stride, const T* b, int64_t b_stride, T* y,
           int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = mask[i * mask_stride] ? a[i * a_stride] : b[i * b_stride];
}

/// m += rate1 (g - m);  v += rate2 (g² - v);  p -= step m / (√v + eps) + decay p
template <class T> void adamw(T* p, const T* g, T* m, T* v, int64_t n, T rate1, T rate2, T step, T eps, T decay) {
  for (int64_t i = 0; i < n; ++i) {
    m[i] += rate1 * (g[i] - m[i]);
    v[i] += rate2 * (g[i] * g[i] - v[i]);
    p[i] -= step * m[i] / (std::sqrt(v[i]) + eps) + decay * p[i];
  }
}

}  // namespace heed::core::plain
