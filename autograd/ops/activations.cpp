// Activations. Backward is one pass, g f'(x), unless it must be differentiated again.
#include <heed/autograd/ops/activations.h>

#include <cmath>
#include <numbers>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>

namespace heed {

using core::map, core::Unary, core::UnaryGrad;

namespace {

// g f'(x) in one pass, or, when it must be differentiated again, by the formula in Tensors.
template <class Formula> Tensor fused(UnaryGrad function, const Tensor& x, const Tensor& g, Formula&& derivative) {
  if (!grad_enabled()) return Tensor(core::map_grad(function, x.array(), g.array()));
  return g * derivative();
}

}  // namespace

Tensor relu(const Tensor& x) {
  return op("relu", map(Unary::relu, x.array()), edge(x, [](auto& g, auto& y) {
              if (!grad_enabled()) return Tensor(core::map_grad(UnaryGrad::relu, y.array(), g.array()));
              return where(y.detach() <= 0.0, 0.0, g);  // not g · 0: g may be infinite
            }));
}

Tensor leaky_relu(const Tensor& x, Real slope) {
  const core::OpName at("leaky_relu");
  return where(x > 0.0, x, x * slope);
}

Tensor elu(const Tensor& x, Real alpha) {
  const core::OpName at("elu");
  return where(x > 0.0, x, expm1(where(x > 0.0, 0.0, x)) * alpha);
}

Tensor sigmoid(const Tensor& x) {
  return op("sigmoid", map(Unary::sigmoid, x.array()), edge(x, [](auto& g, auto& y) {
              return fused(UnaryGrad::sigmoid_from_output, y, g, [&] { return y * (1.0 - y); });
            }));
}

Tensor tanh(const Tensor& x) {
  return op("tanh", map(Unary::tanh, x.array()), edge(x, [](auto& g, auto& y) {
              return fused(UnaryGrad::tanh_from_output, y, g, [&] { return 1.0 - y * y; });
            }));
}

Tensor gelu(const Tensor& x) {  // x Φ(x);  Φ(x) + x φ(x)
  return op("gelu", map(Unary::gelu, x.array()), edge(x, keep(x), [](auto& g, auto& x) {
              return fused(UnaryGrad::gelu, x, g, [&] {
                const Tensor cdf = (erf(x * std::numbers::sqrt2 / 2.0) + 1.0) * 0.5;
                return cdf + x * exp(square(x) * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
              });
            }));
}

Tensor gelu_tanh(const Tensor& x) {  // ½ x (1 + t), t = tanh(√(2/π) (x + 0.044715 x³))
  return op("gelu_tanh", map(Unary::gelu_tanh, x.array()), edge(x, keep(x), [](auto& g, auto& x) {
              return fused(UnaryGrad::gelu_tanh, x, g, [&] {
                const double c = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
                const Tensor x2 = square(x), t = tanh(x * (x2 * 0.044715 + 1.0) * c);
                return (t + 1.0) * 0.5 + x * (1.0 - t * t) * (x2 * (3 * 0.044715) + 1.0) * (0.5 * c);
              });
            }));
}

Tensor silu(const Tensor& x) {  // x σ;  σ (1 + x (1 - σ))
  return op("silu", map(Unary::silu, x.array()), edge(x, keep(x), [](auto& g, auto& x) {
              return fused(UnaryGrad::silu, x, g, [&] {
                const Tensor s = sigmoid(x);
                return s * (x * (1.0 - s) + 1.0);
              });
            }));
}

Tensor softplus(const Tensor& x) {
  return op("softplus", map(Unary::softplus, x.array()),
            edge(x, keep(x), [](auto& g, auto& x) { return g * sigmoid(x); }));
}

Tensor logaddexp(const Tensor& a, const Tensor& b) {              // da = g σ(a - b), db = g σ(b - a)
  const auto difference = [](const Tensor& x, const Tensor& y) {  // ∞ - ∞ counts as 0: neither wins
    return where(eq(x, y) & eq(abs(x), INFINITY), 0.0, x - y);
  };
  core::Array value;
  {
    const NoGrad plain;
    value = (maximum(a, b) + softplus(-abs(difference(a, b)))).array();
  }
  return op("logaddexp", std::move(value),
            edge(a, keep(a, b), [=](auto& g, auto& a, auto& b) { return g * sigmoid(difference(a, b)); }),
            edge(b, keep(a, b), [=](auto& g, auto& a, auto& b) { return g * sigmoid(difference(b, a)); }));
}

}  // namespace heed
