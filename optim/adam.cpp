#include <heed/optim/adam.h>

#include <cmath>

#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/core/kernels/kernels.h>
#include <heed/core/parallel.h>
#include <heed/core/work.h>

namespace heed::optim {

Adam::Adam(const char* name, const std::vector<ParamGroup>& groups, const AdamOptions& options, bool decoupled)
    : Optimizer(name, groups, options.lr, options.weight_decay), name_(name), options_(options), decoupled_(decoupled) {
  option("betas", {&options_.beta1, &options_.beta2});
  option("eps", options_.eps);
  option("amsgrad", options_.amsgrad);
  check_options();
}

void Adam::check_options() const {
  const AdamOptions& o = options_;
  for (double beta : {o.beta1, o.beta2})
    check(beta >= 0 && beta < 1, name_, ": betas ", o.beta1, ", ", o.beta2, ": must lie in [0, 1)");
  not_negative(name_, "eps", o.eps);
}

void Adam::update(Tensor& p, const Tensor& grad, Slots& slots, const Group& group) {
  // lr m̂ / (√v̂ + ε) = step m / (√v + ε root), root = √(1-β₂ᵗ). All constants are computed in f64 and rounded
  // once: 1-β computed from a β in f32 loses four digits.
  const auto t = static_cast<double>(slots.step);
  const double rate1 = 1.0 - options_.beta1, rate2 = 1.0 - options_.beta2;
  const double root = std::sqrt(1.0 - std::pow(options_.beta2, t));
  const double step = group.lr * root / (1.0 - std::pow(options_.beta1, t)), eps = options_.eps * root;
  const double decay = decoupled_ ? group.lr * group.weight_decay : 0.0;
  Tensor &m = slots.zeros("exp_avg", p), &v = slots.zeros("exp_avg_sq", p);
  const Tensor g = !decoupled_ && group.weight_decay != 0 ? grad + p * group.weight_decay : grad;

  if (!options_.amsgrad && p.is_contiguous() && g.is_contiguous()) {  // one pass over the four arrays
    dispatch_floating(p.dtype(), "adam", [&]<class T>() {
      T* const numbers = p.array().data<T>();
      core::parallel_for(p.numel(), 16384, [&](int64_t begin, int64_t end) {
        core::kernels_of<T>().adamw(numbers + begin, g.data<T>() + begin, m.array().data<T>() + begin,
                                    v.array().data<T>() + begin, end - begin, T(rate1), T(rate2), T(step), T(eps),
                                    T(decay));
      });
    });
    p.array_changed();
    core::count_work(12.0 * static_cast<double>(p.numel()), p.array(), g.array(), m.array(), v.array(), p.array(),
                     m.array(), v.array());  // p, m and v are read and written
    return;
  }

  // The same, as in the formula, in f64.
  const auto wide = [](const Tensor& x) { return x.to(Dtype::f64); };
  const Tensor first = wide(m) + (wide(g) - wide(m)) * rate1;
  Tensor second = wide(v) + (square(wide(g)) - wide(v)) * rate2;
  m.copy_(first);
  v.copy_(second);
  if (options_.amsgrad) {
    Tensor& largest = slots.zeros("max_exp_avg_sq", p);
    second = maximum(wide(largest), second);
    largest.copy_(second);
  }
  p.copy_(wide(p) - (first / (sqrt(second) + eps) * step + wide(p) * decay));
}

}  // namespace heed::optim
