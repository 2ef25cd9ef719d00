#include <heed/optim/sgd.h>

#include <heed/autograd/ops/elementwise.h>

namespace heed::optim {

SGD::SGD(const std::vector<ParamGroup>& groups, const SGDOptions& options)
    : Optimizer("SGD", groups, options.lr, options.weight_decay), options_(options) {
  option("momentum", options_.momentum);
  option("dampening", options_.dampening);
  option("nesterov", options_.nesterov);
  check_options();
}

void SGD::check_options() const {
  const SGDOptions& o = options_;
  not_negative("SGD", "momentum", o.momentum);
  check(!o.nesterov || (o.momentum > 0 && o.dampening == 0), "SGD: nesterov with momentum = ", o.momentum,
        ", dampening = ", o.dampening, ": needs a momentum, and no dampening");
}

// b = μ b + (1 - dampening) g;  p -= lr b. Optimizer::step() calls this for each parameter, without recording.
void SGD::update(Tensor& p, const Tensor& grad, Slots& slots, const Group& group) {
  const Tensor g = group.weight_decay != 0 ? grad + p * group.weight_decay : grad;
  if (options_.momentum == 0) {
    p.add_(g, -group.lr);
    return;
  }
  Tensor& b = slots.zeros("momentum_buffer", p);
  if (slots.step == 1) b.copy_(g);
  else b.mul_(options_.momentum).add_(g, 1.0 - options_.dampening);
  p.add_(options_.nesterov ? g + b * options_.momentum : b, -group.lr);
}

}  // namespace heed::optim
