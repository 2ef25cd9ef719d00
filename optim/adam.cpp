#include <heed/optim/adam.h>

#include <cmath>

#include <heed/autograd/elementwise.h>
#include <heed/autograd/where.h>
#include <heed/core/kernels/kernels.h>
#include <heed/core/parallel.h>

namespace heed::optim {

Adam::Adam(const char* name, const std::vector<ParamGroup>& groups, const AdamOptions& options,
           bool decoupled)
    : Optimizer(name, groups, options.lr, options.weight_decay),
      name_(name),
      options_(options),
      decoupled_(decoupled) {
  option("betas", {&options_.beta1, &options_.beta2});
  option("eps", options_.eps);
  option("amsgrad", options_.amsgrad);
  check_options();
}

void Adam::check_options() const {
  const AdamOptions& o = options_;
  for (double beta : {o.beta1, o.beta2})
    check(beta >= 0 && beta < 1, name_, ": betas ", o.beta1, ", ", o.beta2, ": must lie in [0, 1)");
  check(o.eps >= 0, name_, ": eps = ", o.eps, ": must be >= 0");
}

void Adam::update(Tensor& p, const Tensor& grad, Slots& slots, const Group& group) {
  const auto t = static_cast<double>(slots.step);
  const double step_size = group.lr / (1.0 - std::pow(options_.beta1, t));
  const double root_bias2 = std::sqrt(1.0 - std::pow(options_.beta2, t));
  const double keep = decoupled_ ? 1.0 - group.lr * group.weight_decay : 1.0;
  Tensor &m = slots.zeros("exp_avg", p), &v = slots.zeros("exp_avg_sq", p);

  const bool plain = options_.amsgrad || (!decoupled_ && group.weight_decay != 0) ||
                     !p.is_contiguous() || !grad.is_contiguous();
  if (!plain) {  // the same in one pass over the four arrays
    dispatch_floating(p.dtype(), "adam", [&]<class T>() {
      T* const numbers = p.array().data<T>();
      core::parallel_for(p.numel(), 16384, [&](int64_t begin, int64_t end) {
        core::kernels_of<T>().adamw(
            numbers + begin, grad.data<T>() + begin, m.array().data<T>() + begin,
            v.array().data<T>() + begin, end - begin, T(1), T(keep), T(options_.beta1),
            T(options_.beta2), T(step_size), T(1.0 / root_bias2), T(options_.eps));
      });
    });
    p.array_changed();
    return;
  }

  const Tensor g = !decoupled_ && group.weight_decay != 0 ? grad + p * group.weight_decay : grad;
  p.mul_(keep);
  m.mul_(options_.beta1).add_(g, 1.0 - options_.beta1);
  v.mul_(options_.beta2).add_(square(g), 1.0 - options_.beta2);
  Tensor second = v;
  if (options_.amsgrad) {
    Tensor& largest = slots.zeros("max_exp_avg_sq", p);
    largest.copy_(maximum(largest, v));
    second = largest;
  }
  p.add_(m / (sqrt(second) / root_bias2 + options_.eps), -step_size);
}

}  // namespace heed::optim
