// Stochastic gradient descent, with momentum (Polyak 1964; Nesterov 1983 by Sutskever et al. 2013).
#pragma once

#include <heed/optim/optimizer.h>

namespace heed::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0.0;
  double dampening = 0.0;     // of the gradient's contribution to the velocity, from the second step on
  double weight_decay = 0.0;  // L2: added to the gradient
  bool nesterov = false;
};

/// g += decay p;  b = momentum b + (1 - dampening) g  (b = g at first);
/// p -= lr (g + momentum b  if nesterov, else b).        As torch.optim.SGD.
class SGD : public Optimizer {
 public:
  explicit SGD(const std::vector<Tensor>& params, const SGDOptions& options = {})
      : SGD({ParamGroup{params}}, options) {}
  SGD(const std::vector<ParamGroup>& groups, const SGDOptions& options);

 private:
  void check_options() const override;
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override;
  SGDOptions options_;
};

}  // namespace heed::optim
