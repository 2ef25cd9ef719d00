// Each op: its value, and beside it the derivative as the formula reads.
#include <heed/autograd/elementwise.h>

#include <cmath>
#include <numbers>

#include <heed/autograd/node.h>
#include <heed/core/ops.h>

namespace heed {

using core::Binary, core::Compare, core::compare, core::map, core::Unary, core::UnaryGrad, core::zip;

Tensor operator+(const Tensor& a, const Tensor& b) {
  return op("add", zip(Binary::add, a.array(), b.array()),
            edge(a, [](const Tensor& g) { return g; }),
            edge(b, [](const Tensor& g) { return g; }));
}

Tensor operator-(const Tensor& a, const Tensor& b) {
  return op("sub", zip(Binary::sub, a.array(), b.array()),
            edge(a, [](const Tensor& g) { return g; }),
            edge(b, [](const Tensor& g) { return -g; }));
}

Tensor operator*(const Tensor& a, const Tensor& b) {
  return op("mul", zip(Binary::mul, a.array(), b.array()),
            edge(a, [b = saved(b)](const Tensor& g) { return g * b(); }),
            edge(b, [a = saved(a)](const Tensor& g) { return g * a(); }));
}

Tensor operator/(const Tensor& a, const Tensor& b) {
  return op("div", zip(Binary::div, a.array(), b.array()),
            edge(a, [b = saved(b)](const Tensor& g) { return g / b(); }),
            edge(b, [b = saved(b)](const Tensor& g, const Tensor& y) { return -(g * y) / b(); }));
}

Tensor operator+(const Tensor& a, double b) {
  return op("add", zip(Binary::add, a.array(), b), edge(a, [](const Tensor& g) { return g; }));
}

Tensor operator*(const Tensor& a, double b) {
  return op("mul", zip(Binary::mul, a.array(), b), edge(a, [b](const Tensor& g) { return g * b; }));
}

Tensor operator/(const Tensor& a, double b) {
  return op("div", zip(Binary::div, a.array(), b), edge(a, [b](const Tensor& g) { return g / b; }));
}

Tensor operator-(double a, const Tensor& b) {
  return op("sub", zip(Binary::sub, a, b.array()), edge(b, [](const Tensor& g) { return -g; }));
}

Tensor operator/(double a, const Tensor& b) {
  return op("div", zip(Binary::div, a, b.array()),
            edge(b, [b = saved(b)](const Tensor& g, const Tensor& y) { return -(g * y) / b(); }));
}

Tensor operator-(const Tensor& a, double b) { return a + -b; }
Tensor operator+(double a, const Tensor& b) { return b + a; }
Tensor operator*(double a, const Tensor& b) { return b * a; }
Tensor operator-(const Tensor& x) { return x * -1.0; }

namespace {

// 1 where a wins, ½ where both are equal: the derivative of maximum(a, b) over a.
Tensor share(Compare wins, const Tensor& a, const Tensor& b) {
  const Tensor one(core::full({}, 1.0, a.dtype())), half(core::full({}, 0.5, a.dtype()));
  return where(Tensor(compare(wins, a.array(), b.array())), one, where(eq(a, b), half, Tensor(core::full({}, 0.0, a.dtype()))));
}

Tensor pick(const char* name, Binary function, Compare wins, const Tensor& a, const Tensor& b) {
  return op(name, zip(function, a.array(), b.array()),
            edge(a, [wins, a = saved(a), b = saved(b)](const Tensor& g) { return g * share(wins, a(), b()); }),
            edge(b, [wins, a = saved(a), b = saved(b)](const Tensor& g) { return g * share(wins, b(), a()); }));
}

Tensor number(double value, const Tensor& like) { return Tensor(core::full({}, value, like.dtype())); }

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) { return pick("maximum", Binary::maximum, Compare::gt, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return pick("minimum", Binary::minimum, Compare::lt, a, b); }
Tensor maximum(const Tensor& a, double b) { return maximum(a, number(b, a)); }
Tensor minimum(const Tensor& a, double b) { return minimum(a, number(b, a)); }

Tensor clamp(const Tensor& x, double low, double high) {
  check(low <= high, "clamp: ", x.shape(), " to ", low, " … ", high, ": the lower bound is above the upper");
  return op("clamp", zip(Binary::minimum, zip(Binary::maximum, x.array(), low), high),
            edge(x, [low, high, x = saved(x)](const Tensor& g) {
              return where((x() >= low) & (x() <= high), g, 0.0);
            }));
}

Tensor abs(const Tensor& x) {
  return op("abs", map(Unary::abs, x.array()),
            edge(x, [x = saved(x)](const Tensor& g) { return g * sign(x()); }));
}

Tensor square(const Tensor& x) {
  return op("square", map(Unary::square, x.array()),
            edge(x, [x = saved(x)](const Tensor& g) { return g * x() * 2.0; }));
}

Tensor sqrt(const Tensor& x) {
  return op("sqrt", map(Unary::sqrt, x.array()),
            edge(x, [](const Tensor& g, const Tensor& y) { return g / (y * 2.0); }));
}

Tensor rsqrt(const Tensor& x) {
  return op("rsqrt", map(Unary::rsqrt, x.array()),
            edge(x, [](const Tensor& g, const Tensor& y) { return g * (y * y * y) * -0.5; }));
}

Tensor reciprocal(const Tensor& x) {
  return op("reciprocal", map(Unary::reciprocal, x.array()),
            edge(x, [](const Tensor& g, const Tensor& y) { return -(g * (y * y)); }));
}

Tensor pow(const Tensor& x, double exponent) {
  return op("pow", zip(Binary::pow, x.array(), exponent),
            edge(x, [exponent, x = saved(x)](const Tensor& g) {
              if (exponent == 0) return g * 0.0;
              return g * (pow(x(), exponent - 1.0) * exponent);
            }));
}

Tensor pow(const Tensor& x, const Tensor& exponent) {
  return op("pow", zip(Binary::pow, x.array(), exponent.array()),
            edge(x, [x = saved(x), p = saved(exponent)](const Tensor& g) {
              const Tensor constant = eq(p(), 0.0);  // x⁰ = 1, also at 0: no 0·∞ from the other branch
              return g * where(constant, 0.0, p() * pow(where(constant, 1.0, x()), p() - 1.0));
            }),
            edge(exponent, [x = saved(x), p = saved(exponent)](const Tensor& g, const Tensor& y) {
              const Tensor flat = eq(x(), 0.0) & (p() >= 0.0);  // 0ᵖ is taken as constant, as in PyTorch
              return g * where(flat, 0.0, y * log(where(flat, 1.0, x())));
            }));
}

Tensor exp(const Tensor& x) {
  return op("exp", map(Unary::exp, x.array()), edge(x, [](const Tensor& g, const Tensor& y) { return g * y; }));
}

Tensor expm1(const Tensor& x) {
  return op("expm1", map(Unary::expm1, x.array()),
            edge(x, [](const Tensor& g, const Tensor& y) { return g * (y + 1.0); }));
}

Tensor log(const Tensor& x) {
  return op("log", map(Unary::log, x.array()), edge(x, [x = saved(x)](const Tensor& g) { return g / x(); }));
}

Tensor log1p(const Tensor& x) {
  return op("log1p", map(Unary::log1p, x.array()),
            edge(x, [x = saved(x)](const Tensor& g) { return g / (x() + 1.0); }));
}

Tensor sin(const Tensor& x) {
  return op("sin", map(Unary::sin, x.array()), edge(x, [x = saved(x)](const Tensor& g) { return g * cos(x()); }));
}

Tensor cos(const Tensor& x) {
  return op("cos", map(Unary::cos, x.array()), edge(x, [x = saved(x)](const Tensor& g) { return -(g * sin(x())); }));
}

Tensor erf(const Tensor& x) {
  return op("erf", map(Unary::erf, x.array()), edge(x, [x = saved(x)](const Tensor& g) {
              return g * exp(-square(x())) * (2.0 * std::numbers::inv_sqrtpi);
            }));
}

Tensor sign(const Tensor& x) { return op("sign", map(Unary::sign, x.array()), edge(x, [](const Tensor& g) { return g * 0.0; })); }
Tensor floor(const Tensor& x) { return op("floor", map(Unary::floor, x.array()), edge(x, [](const Tensor& g) { return g * 0.0; })); }
Tensor ceil(const Tensor& x) { return op("ceil", map(Unary::ceil, x.array()), edge(x, [](const Tensor& g) { return g * 0.0; })); }
Tensor round(const Tensor& x) { return op("round", map(Unary::round, x.array()), edge(x, [](const Tensor& g) { return g * 0.0; })); }

namespace {

// g f'(x) in one pass, or, when it must be differentiated again, by the formula in Tensors.
template <class Formula>
Tensor fused(UnaryGrad function, const Tensor& x, const Tensor& g, Formula&& derivative) {
  if (!grad_enabled()) return Tensor(core::map_grad(function, x.array(), g.array()));
  return g * derivative();
}

}  // namespace

Tensor relu(const Tensor& x) {
  return op("relu", map(Unary::relu, x.array()), edge(x, [](const Tensor& g, const Tensor& y) {
              return fused(UnaryGrad::relu, y, g, [&] { return sign(y); });
            }));
}

Tensor leaky_relu(const Tensor& x, double slope) { return where(x > 0.0, x, x * slope); }
Tensor elu(const Tensor& x, double alpha) { return where(x > 0.0, x, expm1(where(x > 0.0, 0.0, x)) * alpha); }

Tensor sigmoid(const Tensor& x) {
  return op("sigmoid", map(Unary::sigmoid, x.array()), edge(x, [](const Tensor& g, const Tensor& y) {
              return fused(UnaryGrad::sigmoid_from_output, y, g, [&] { return y * (1.0 - y); });
            }));
}

Tensor tanh(const Tensor& x) {
  return op("tanh", map(Unary::tanh, x.array()), edge(x, [](const Tensor& g, const Tensor& y) {
              return fused(UnaryGrad::tanh_from_output, y, g, [&] { return 1.0 - y * y; });
            }));
}

Tensor gelu(const Tensor& x) {  // x Φ(x);  Φ(x) + x φ(x)
  return op("gelu", map(Unary::gelu, x.array()), edge(x, [x = saved(x)](const Tensor& g) {
              return fused(UnaryGrad::gelu, x(), g, [&] {
                const Tensor cdf = (erf(x() * std::numbers::sqrt2 / 2.0) + 1.0) * 0.5;
                return cdf + x() * exp(square(x()) * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
              });
            }));
}

Tensor gelu_tanh(const Tensor& x) {  // ½ x (1 + t), t = tanh(√(2/π) (x + 0.044715 x³))
  return op("gelu_tanh", map(Unary::gelu_tanh, x.array()), edge(x, [x = saved(x)](const Tensor& g) {
              return fused(UnaryGrad::gelu_tanh, x(), g, [&] {
                const double c = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
                const Tensor x2 = square(x()), t = tanh(x() * (x2 * 0.044715 + 1.0) * c);
                return (t + 1.0) * 0.5 + x() * (1.0 - t * t) * (x2 * (3 * 0.044715) + 1.0) * (0.5 * c);
              });
            }));
}

Tensor silu(const Tensor& x) {  // x σ;  σ (1 + x (1 - σ))
  return op("silu", map(Unary::silu, x.array()), edge(x, [x = saved(x)](const Tensor& g) {
              return fused(UnaryGrad::silu, x(), g, [&] {
                const Tensor s = sigmoid(x());
                return s * (x() * (1.0 - s) + 1.0);
              });
            }));
}

Tensor softplus(const Tensor& x) {
  return op("softplus", map(Unary::softplus, x.array()),
            edge(x, [x = saved(x)](const Tensor& g) { return g * sigmoid(x()); }));
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {  // da = g σ(a - b), db = g σ(b - a)
  const auto difference = [](const Tensor& x, const Tensor& y) {  // ∞ - ∞ counts as 0: neither wins
    return where(eq(x, y) & eq(abs(x), INFINITY), 0.0, x - y);
  };
  core::Array value;
  {
    const NoGrad plain;
    value = (maximum(a, b) + softplus(-abs(difference(a, b)))).array();
  }
  return op("logaddexp", std::move(value),
            edge(a, [=, a = saved(a), b = saved(b)](const Tensor& g) { return g * sigmoid(difference(a(), b())); }),
            edge(b, [=, a = saved(a), b = saved(b)](const Tensor& g) { return g * sigmoid(difference(b(), a())); }));
}

Tensor eq(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::eq, a.array(), b.array())); }
Tensor ne(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::ne, a.array(), b.array())); }
Tensor eq(const Tensor& a, double b) { return Tensor(compare(Compare::eq, a.array(), b)); }
Tensor ne(const Tensor& a, double b) { return Tensor(compare(Compare::ne, a.array(), b)); }
Tensor operator<(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::lt, a.array(), b.array())); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::le, a.array(), b.array())); }
Tensor operator>(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::gt, a.array(), b.array())); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::ge, a.array(), b.array())); }
Tensor operator<(const Tensor& a, double b) { return Tensor(compare(Compare::lt, a.array(), b)); }
Tensor operator<=(const Tensor& a, double b) { return Tensor(compare(Compare::le, a.array(), b)); }
Tensor operator>(const Tensor& a, double b) { return Tensor(compare(Compare::gt, a.array(), b)); }
Tensor operator>=(const Tensor& a, double b) { return Tensor(compare(Compare::ge, a.array(), b)); }
Tensor operator!(const Tensor& mask) { return Tensor(core::logical_not(mask.array())); }
Tensor operator&(const Tensor& a, const Tensor& b) { return Tensor(core::logical_and(a.array(), b.array())); }
Tensor operator|(const Tensor& a, const Tensor& b) { return Tensor(core::logical_or(a.array(), b.array())); }
bool all(const Tensor& mask) { return core::all(mask.array()); }
bool any(const Tensor& mask) { return core::any(mask.array()); }

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  return op("where", core::where(mask.array(), a.array(), b.array()),
            edge(a, [mask](const Tensor& g) { return where(mask, g, 0.0); }),
            edge(b, [mask](const Tensor& g) { return where(mask, 0.0, g); }));
}

Tensor where(const Tensor& mask, const Tensor& a, double b) { return where(mask, a, number(b, a)); }
Tensor where(const Tensor& mask, double a, const Tensor& b) { return where(mask, number(a, b), b); }
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) { return where(mask, value, x); }

}  // namespace heed
