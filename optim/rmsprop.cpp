#include <heed/optim/rmsprop.h>

#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>

namespace heed::optim {

RMSprop::RMSprop(const std::vector<ParamGroup>& groups, const RMSpropOptions& options)
    : Optimizer("RMSprop", groups, options.lr, options.weight_decay), options_(options) {
  option("alpha", options_.alpha);
  option("eps", options_.eps);
  option("momentum", options_.momentum);
  option("centered", options_.centered);
  check_options();
}

void RMSprop::check_options() const {
  const RMSpropOptions& o = options_;
  check(o.alpha >= 0 && o.alpha <= 1, "RMSprop: alpha = ", o.alpha, ": must lie in [0, 1]");
  not_negative("RMSprop", "eps", o.eps);
  not_negative("RMSprop", "momentum", o.momentum);
}

void RMSprop::update(Tensor& p, const Tensor& grad, Slots& slots, const Group& group) {
  const double rate = 1.0 - options_.alpha;  // in f64: 1 - alpha computed in f32 loses digits
  const Tensor g = group.weight_decay != 0 ? grad + p * group.weight_decay : grad;
  Tensor& v = slots.zeros("square_avg", p);
  v.add_(square(g) - v, rate);
  Tensor variance = v;
  if (options_.centered) {
    Tensor& mean = slots.zeros("grad_avg", p);
    mean.add_(g - mean, rate);
    variance = maximum(v - square(mean), 0.0);  // rounding may leave -1e-9, whose root is NaN
  }
  const Tensor direction = g / (sqrt(variance) + options_.eps);
  if (options_.momentum == 0) {
    p.add_(direction, -group.lr);
    return;
  }
  Tensor& b = slots.zeros("momentum_buffer", p);
  b.mul_(options_.momentum).add_(direction);
  p.add_(b, -group.lr);
}

}  // namespace heed::optim
