// Activations as layers, for Sequential.
#pragma once

#include <heed/autograd/ops/activations.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// A layer without parameters: y = function(x), element by element.
template <Tensor (*function)(const Tensor&)> struct Activation : Module {
  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(function(x));
  }
  void visit(Visitor&) override {}
};

struct ReLU : Activation<relu> {};  // max(x, 0)
struct SiLU : Activation<silu> {};  // x σ(x)
struct Tanh : Activation<heed::tanh> {};
struct Sigmoid : Activation<sigmoid> {};    // 1 / (1 + e⁻ˣ)
struct Softplus : Activation<softplus> {};  // log(1 + eˣ)

struct GELUOptions {
  bool tanh = false;  // the approximation that GPT-2 uses
};

/// x Φ(x) (Hendrycks & Gimpel 2016)
struct GELU : Module {
  bool tanh;

  explicit GELU(const GELUOptions& o = {}) : tanh(o.tanh) {}

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(tanh ? gelu_tanh(x) : gelu(x));
  }

  void visit(Visitor&) override {}
};

/// x if x > 0, else slope x
struct LeakyReLU : Module {
  double slope;

  explicit LeakyReLU(Real slope_ = 0.01) : slope(slope_) {}

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(leaky_relu(x, slope));
  }

  void visit(Visitor&) override {}
};

/// x if x > 0, else α (eˣ - 1) (Clevert et al. 2016)
struct ELU : Module {
  double alpha;

  explicit ELU(Real alpha_ = 1.0) : alpha(alpha_) {}

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(elu(x, alpha));
  }

  void visit(Visitor&) override {}
};

}  // namespace heed::nn
