// Linear: y = x Wᵀ + b.
#pragma once

#include <optional>

#include <heed/nn/layers/compact_weight.h>
#include <heed/nn/layers/low_rank.h>
#include <heed/nn/module.h>

namespace heed::nn {

struct LinearOptions {
  bool bias = true;
};

/// x (…, in) -> (…, out). As torch.nn.Linear: weight (out, in) and bias (out), both U(±1/√in).
struct Linear : Module {
  Tensor weight, bias;
  std::optional<LowRank> low_rank;  // added to the weight: lora.h
  CompactWeight compact;            // instead of the weight, for inference

  Linear(Whole in_features, Whole out_features, const LinearOptions& = {});

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    if (compact) return scope(compact.product(x, bias));
    return scope(low_rank ? linear(x, weight, bias) + (*low_rank)(x) : linear(x, weight, bias));
  }

  int64_t in_features() const, out_features() const;
  void visit(Visitor& v) override;
};

}  // namespace heed::nn
