// Linear: y = x Wᵀ + b.
#pragma once

#include <heed/autograd/ops/linalg.h>
#include <heed/nn/module.h>

namespace heed::nn {

struct LinearOptions {
  bool bias = true;
};

/// x (…, in) -> (…, out). As torch.nn.Linear: weight (out, in) and bias (out), both U(±1/√in).
struct Linear : Module {
  Tensor weight, bias;

  Linear(Whole in_features, Whole out_features, const LinearOptions& = {});

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return linear(x, weight, bias);
  }

  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

}  // namespace heed::nn
