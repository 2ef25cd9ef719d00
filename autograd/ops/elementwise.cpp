// Each op: its value, and next to it the derivative, written as in the formula. A rule takes g, then what was
// kept; with one parameter more, the op's output y comes between them: (g, y, kept…).
#include <heed/autograd/ops/elementwise.h>

#include <numbers>

#include <heed/autograd/node.h>
#include <heed/core/ops/ops.h>

namespace heed {

using core::Binary, core::map, core::Unary, core::zip;

Tensor operator+(const Tensor& a, const Tensor& b) {
  return op("add", zip(Binary::add, a.array(), b.array()), edge(a, [](auto& g) { return g; }),
            edge(b, [](auto& g) { return g; }));
}

Tensor operator-(const Tensor& a, const Tensor& b) {
  return op("sub", zip(Binary::sub, a.array(), b.array()), edge(a, [](auto& g) { return g; }),
            edge(b, [](auto& g) { return -g; }));
}

Tensor operator*(const Tensor& a, const Tensor& b) {
  return op("mul", zip(Binary::mul, a.array(), b.array()), edge(a, keep(b), [](auto& g, auto& b) { return g * b; }),
            edge(b, keep(a), [](auto& g, auto& a) { return g * a; }));
}

Tensor operator/(const Tensor& a, const Tensor& b) {
  return op("div", zip(Binary::div, a.array(), b.array()), edge(a, keep(b), [](auto& g, auto& b) { return g / b; }),
            edge(b, keep(b), [](auto& g, auto& y, auto& b) { return -(g * y) / b; }));
}

Tensor operator+(const Tensor& a, double b) {
  return op("add", zip(Binary::add, a.array(), b), edge(a, [](auto& g) { return g; }));
}

Tensor operator-(const Tensor& a, double b) {
  return op("sub", zip(Binary::sub, a.array(), b), edge(a, [](const Tensor& g) { return g; }));
}

Tensor operator*(const Tensor& a, double b) {
  return op("mul", zip(Binary::mul, a.array(), b), edge(a, [b](auto& g) { return g * b; }));
}

Tensor operator/(const Tensor& a, double b) {
  return op("div", zip(Binary::div, a.array(), b), edge(a, [b](auto& g) { return g / b; }));
}

Tensor operator-(double a, const Tensor& b) {
  return op("sub", zip(Binary::sub, a, b.array()), edge(b, [](auto& g) { return -g; }));
}

Tensor operator/(double a, const Tensor& b) {
  return op("div", zip(Binary::div, a, b.array()),
            edge(b, keep(b), [](auto& g, auto& y, auto& b) { return -(g * y) / b; }));
}

Tensor operator+(double a, const Tensor& b) { return b + a; }
Tensor operator*(double a, const Tensor& b) { return b * a; }
Tensor operator-(const Tensor& x) { return x * -1.0; }

Tensor square(const Tensor& x) {
  return op("square", map(Unary::square, x.array()), edge(x, keep(x), [](auto& g, auto& x) { return g * x * 2.0; }));
}

Tensor sqrt(const Tensor& x) {
  return op("sqrt", map(Unary::sqrt, x.array()), edge(x, [](auto& g, auto& y) { return g / (y * 2.0); }));
}

Tensor rsqrt(const Tensor& x) {
  return op("rsqrt", map(Unary::rsqrt, x.array()), edge(x, [](auto& g, auto& y) { return g * (y * y * y) * -0.5; }));
}

Tensor reciprocal(const Tensor& x) {
  return op("reciprocal", map(Unary::reciprocal, x.array()), edge(x, [](auto& g, auto& y) { return -(g * (y * y)); }));
}

Tensor pow(const Tensor& x, double exponent) {
  return op("pow", zip(Binary::pow, x.array(), exponent), edge(x, keep(x), [exponent](auto& g, auto& x) {
              if (exponent == 0) return zero_of(g);
              return g * (pow(x, exponent - 1.0) * exponent);
            }));
}

Tensor exp(const Tensor& x) {
  return op("exp", map(Unary::exp, x.array()), edge(x, [](auto& g, auto& y) { return g * y; }));
}

Tensor expm1(const Tensor& x) {
  return op("expm1", map(Unary::expm1, x.array()), edge(x, keep(x), [](auto& g, auto& x) {
              return g * exp(x);
            }));  // not y + 1, which f32 rounds to 0 below x = -17
}

Tensor log(const Tensor& x) {
  return op("log", map(Unary::log, x.array()), edge(x, keep(x), [](auto& g, auto& x) { return g / x; }));
}

Tensor log1p(const Tensor& x) {
  return op("log1p", map(Unary::log1p, x.array()), edge(x, keep(x), [](auto& g, auto& x) { return g / (x + 1.0); }));
}

Tensor sin(const Tensor& x) {
  return op("sin", map(Unary::sin, x.array()), edge(x, keep(x), [](auto& g, auto& x) { return g * cos(x); }));
}

Tensor cos(const Tensor& x) {
  return op("cos", map(Unary::cos, x.array()), edge(x, keep(x), [](auto& g, auto& x) { return -(g * sin(x)); }));
}

Tensor erf(const Tensor& x) {
  return op("erf", map(Unary::erf, x.array()),
            edge(x, keep(x), [](auto& g, auto& x) { return g * exp(-square(x)) * (2.0 * std::numbers::inv_sqrtpi); }));
}

}  // namespace heed
