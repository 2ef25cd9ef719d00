// Adam (Kingma & Ba 2015, alg. 1) and AdamW (Loshchilov & Hutter 2019, alg. 2).
#pragma once

#include <heed/optim/optimizer.h>

namespace heed::optim {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  bool amsgrad = false;  // divide by the largest second moment so far (Reddi et al. 2018)
};

/// m = β₁m + (1-β₁)g;  v = β₂v + (1-β₂)g²;  p -= lr m̂ / (√v̂ + ε),
/// m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ). weight_decay is L2: weight_decay·p is added to g. As torch.optim.Adam.
class Adam : public Optimizer {
 public:
  explicit Adam(const std::vector<Tensor>& params, const AdamOptions& options = {})
      : Adam({ParamGroup{params}}, options) {}
  Adam(const std::vector<ParamGroup>& groups, const AdamOptions& options) : Adam("Adam", groups, options, false) {}

 protected:
  Adam(const char* name, const std::vector<ParamGroup>& groups, const AdamOptions& options, bool decoupled);

 private:
  void check_options() const override;
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override;
  const char* name_;
  AdamOptions options_;
  bool decoupled_;  // p *= 1 - lr·decay, independent of the gradient
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  bool amsgrad = false;
};

/// Adam with decoupled weight decay: p *= 1 - lr·decay first. As torch.optim.AdamW.
class AdamW : public Adam {
 public:
  explicit AdamW(const std::vector<Tensor>& params, const AdamWOptions& options = {})
      : AdamW({ParamGroup{params}}, options) {}
  AdamW(const std::vector<ParamGroup>& groups, const AdamWOptions& o)
      : Adam("AdamW", groups, {o.lr, o.beta1, o.beta2, o.eps, o.weight_decay, o.amsgrad}, true) {}
};

}  // namespace heed::optim
