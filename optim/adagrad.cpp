#include <heed/optim/adagrad.h>

#include <heed/autograd/ops/elementwise.h>

namespace heed::optim {

Adagrad::Adagrad(const std::vector<ParamGroup>& groups, const AdagradOptions& options)
    : Optimizer("Adagrad", groups, options.lr, options.weight_decay), options_(options) {
  option("lr_decay", options_.lr_decay);
  option("initial_accumulator_value", options_.initial_accumulator_value);
  option("eps", options_.eps);
  check_options();
}

void Adagrad::check_options() const {
  const AdagradOptions& o = options_;
  not_negative("Adagrad", "lr_decay", o.lr_decay);
  not_negative("Adagrad", "initial_accumulator_value", o.initial_accumulator_value);
  not_negative("Adagrad", "eps", o.eps);
}

void Adagrad::update(Tensor& p, const Tensor& grad, Slots& slots, const Group& group) {
  const double earlier = static_cast<double>(slots.step - 1);
  const double lr = group.lr / (1.0 + earlier * options_.lr_decay);
  const Tensor g = group.weight_decay != 0 ? grad + p * group.weight_decay : grad;
  Tensor& sum = slots.zeros("sum", p);
  if (slots.step == 1) sum.fill_(options_.initial_accumulator_value);
  sum.add_(square(g));
  p.add_(g / (sqrt(sum) + options_.eps), -lr);
}

}  // namespace heed::optim
