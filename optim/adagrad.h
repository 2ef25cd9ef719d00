// Adagrad (Duchi, Hazan & Singer 2011, fig. 1, diagonal).
#pragma once

#include <heed/optim/optimizer.h>

namespace heed::optim {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0.0;
  double weight_decay = 0.0;  // L2: added to the gradient
  double initial_accumulator_value = 0.0;
  double eps = 1e-10;
};

/// s += g²;  p -= lr / (1 + (t-1) lr_decay) g / (√s + ε).  As torch.optim.Adagrad.
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(const std::vector<Tensor>& params, const AdagradOptions& options = {})
      : Adagrad({ParamGroup{params}}, options) {}
  Adagrad(const std::vector<ParamGroup>& groups, const AdagradOptions& options);

 private:
  void check_options() const override;
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override;
  AdagradOptions options_;
};

}  // namespace heed::optim
