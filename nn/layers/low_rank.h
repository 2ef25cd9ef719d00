// Low-rank adaptation (Hu et al. 2021): a trained matrix W stays as it is; what is learnt is a product of two thin ones.
#pragma once

#include <heed/autograd/ops/linalg.h>
#include <heed/nn/module.h>

namespace heed::nn {

struct LowRankOptions {
  int64_t rank = 8;
  double alpha = 16.0;  // the product is scaled by α / r
};

/// Throws Error, naming `op`, unless the rank is positive and alpha a number other than 0.
void check_low_rank(const char* op, const LowRankOptions& options);

/// y = x Wᵀ + (α/r) x Aᵀ Bᵀ (ibid., eq. 3): A (r, in) starts as Linear's weight, B (out, r) at 0, so that at first
/// nothing changes. Names are those of Hugging Face's peft: lora_A, lora_B.
struct LowRank : Module {
  Tensor lora_A, lora_B;
  double scale;

  LowRank(int64_t in_features, int64_t out_features, const LowRankOptions& = {});
  Tensor operator()(const Tensor& x) const { return linear(linear(x, lora_A), lora_B) * scale; }
  Tensor product() const { return matmul(lora_B, lora_A) * scale; }  // (out, in)
  void visit(Visitor& v) override {
    v("lora_A", lora_A);
    v("lora_B", lora_B);
  }
};

}  // namespace heed::nn
