// RMSprop (Tieleman & Hinton 2012, lecture 6.5e; centered: Graves 2013, eq. 38-40).
#pragma once

#include <heed/optim/optimizer.h>

namespace heed::optim {

struct RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;  // the weight of the old average
  double eps = 1e-8;
  double weight_decay = 0.0;  // L2: added to the gradient
  double momentum = 0.0;
  bool centered = false;  // divide by the standard deviation instead of the root mean square
};

/// v = αv + (1-α)g²;  p -= lr g / (√v + ε).
/// With momentum: b = momentum b + g / (√v + ε); p -= lr b.
/// Centered: a = αa + (1-α)g, and v - a² under the root. As torch.optim.RMSprop.
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(const std::vector<Tensor>& params, const RMSpropOptions& options = {})
      : RMSprop({ParamGroup{params}}, options) {}
  RMSprop(const std::vector<ParamGroup>& groups, const RMSpropOptions& options);

 private:
  void check_options() const override;
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override;
  RMSpropOptions options_;
};

}  // namespace heed::optim
