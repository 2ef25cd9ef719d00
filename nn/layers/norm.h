// Normalisation over the last axis.
#pragma once

#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/norm.h>
#include <heed/nn/module.h>

namespace heed::nn {

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;  // false: no weight, no bias
  bool bias = true;
};

/// (x - mean) / √(var + ε) ⊙ weight + bias (Ba et al. 2016, eq. 4), as torch.nn.LayerNorm. x (…, d).
struct LayerNorm : Module {
  Tensor weight, bias;  // (d): ones, zeros
  double eps;

  explicit LayerNorm(Whole d, const LayerNormOptions& o = {}) : eps(o.eps) {
    if (o.elementwise_affine) weight = parameter(ones({d}));
    if (o.elementwise_affine && o.bias) bias = parameter(zeros({d}));
  }

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(layer_norm(x, weight, bias, eps));
  }

  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

/// x / √(mean(x²) + ε) ⊙ weight (Zhang & Sennrich 2019, eq. 4), as torch.nn.RMSNorm. x (…, d).
struct RMSNorm : Module {
  Tensor weight;              // (d): ones
  std::optional<double> eps;  // absent: the machine epsilon of x's dtype

  explicit RMSNorm(Whole d, std::optional<double> epsilon = std::nullopt)
      : weight(parameter(ones({d}))), eps(epsilon) {}

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(rms_norm(x, weight, eps));
  }

  void visit(Visitor& v) override { v("weight", weight); }
};

}  // namespace heed::nn
