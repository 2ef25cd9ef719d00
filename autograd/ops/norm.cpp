#include <heed/autograd/ops/norm.h>

#include <cmath>
#include <limits>

#include <heed/autograd/joint.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

Tensor or_empty(const core::Array& x) { return Tensor(x); }

void check_eps(const char* op, double eps) {
  check(std::isfinite(eps) && eps >= 0.0, op, ": eps = ", eps, ": must be a number >= 0");
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Real eps) {
  check_eps("layer_norm", eps);
  const core::Normalized norm = core::layer_norm(x.array(), weight.array(), bias.array(), eps);
  const bool has_bias = bias.defined();
  return op("layer_norm", norm.y, {x, weight, bias}, keep(x, weight, norm.mean, norm.rstd),
            [has_bias, eps](auto& g, auto& x, auto& w, auto& mean_, auto& rstd_) -> std::vector<Tensor> {
              if (!grad_enabled()) {
                const core::NormGrad d = core::layer_norm_grad(x.array(), w.array(), has_bias,
                                                               {{}, mean_.array(), rstd_.array()}, g.array());
                return {or_empty(d.x), or_empty(d.weight), or_empty(d.bias)};
              }
              const Tensor rstd = rsqrt(var(x, -1, 0.0, keepdim) + eps);
              const Tensor normal = (x - mean(x, -1, keepdim)) * rstd;
              const Tensor h = w.defined() ? g * w : g;
              const Tensor dx = rstd * (h - mean(h, -1, keepdim) - normal * mean(h * normal, -1, keepdim));
              return {dx, w.defined() ? g * normal : Tensor(), has_bias ? g : Tensor()};
            });
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, std::optional<Real> given) {
  const double eps = given.value_or(x.dtype() == Dtype::f64 ? std::numeric_limits<double>::epsilon()
                                                            : std::numeric_limits<float>::epsilon());
  check_eps("rms_norm", eps);
  const core::Normalized norm = core::rms_norm(x.array(), weight.array(), eps);
  return op("rms_norm", norm.y, {x, weight}, keep(x, weight, norm.rstd),
            [eps](auto& g, auto& x, auto& w, auto& rstd_) -> std::vector<Tensor> {
              if (!grad_enabled()) {
                const core::NormGrad d = core::rms_norm_grad(x.array(), w.array(), {{}, {}, rstd_.array()}, g.array());
                return {or_empty(d.x), or_empty(d.weight)};
              }
              const Tensor rstd = rsqrt(mean(square(x), -1, keepdim) + eps);
              const Tensor normal = x * rstd;
              const Tensor h = w.defined() ? g * w : g;
              const Tensor dx = rstd * (h - normal * mean(h * normal, -1, keepdim));
              return {dx, w.defined() ? g * normal : Tensor()};
            });
}

}  // namespace heed
