#include <heed/optim/plateau.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <heed/autograd/create.h>

namespace heed::optim {

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : optimizer_(optimizer), options_(options) {
  check(options.factor > 0.0 && options.factor < 1.0,
        "ReduceLROnPlateau: factor = ", options.factor, ": must lie between 0 and 1");
  check(options.patience >= 0 && options.cooldown >= 0,
        "ReduceLROnPlateau: patience = ", options.patience, ", cooldown = ", options.cooldown,
        ": must be 0 or more");
  const double infinity = std::numeric_limits<double>::infinity();
  best_ = options.mode == PlateauMode::min ? infinity : -infinity;
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const double sign = options_.mode == PlateauMode::min ? -1.0 : 1.0;
  const double bound = options_.threshold_mode == ThresholdMode::rel
                           ? best_ * (1.0 + sign * options_.threshold)
                           : best_ + sign * options_.threshold;
  return options_.mode == PlateauMode::min ? metric < bound : metric > bound;
}

void ReduceLROnPlateau::step(double metric) {
  if (is_better(metric)) {
    best_ = metric;
    bad_steps_ = 0;
  } else {
    ++bad_steps_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_steps_ = 0;
  }
  if (bad_steps_ <= options_.patience) return;
  for (Optimizer::Group& group : optimizer_.groups()) {
    const double lower = std::max(group.lr * options_.factor, options_.min_lr);
    if (group.lr - lower > options_.eps) group.lr = lower;
  }
  cooldown_left_ = options_.cooldown;
  bad_steps_ = 0;
}

OptimizerState ReduceLROnPlateau::state_dict() const {
  std::vector<double> rates;
  for (const Optimizer::Group& group : optimizer_.groups()) rates.push_back(group.lr);
  return {{"best", full({}, best_, Dtype::f64)},
          {"num_bad_epochs", tensor_i64({bad_steps_}, {})},
          {"cooldown_counter", tensor_i64({cooldown_left_}, {})},
          {"lr", tensor(rates, {static_cast<int64_t>(rates.size())}, Dtype::f64)}};
}

void ReduceLROnPlateau::load_state_dict(const OptimizerState& state) {
  const auto get = [&](const char* name) {
    const auto found = state.find(name);
    check(found != state.end(), "ReduceLROnPlateau: load_state_dict: ", name,
          ": is missing: give what state_dict() returned");
    return found->second;
  };
  const Tensor best = get("best"), bad_steps = get("num_bad_epochs"),
               cooldown_left = get("cooldown_counter");
  const std::vector<double> rates = get("lr").to_vector();
  check(rates.size() == optimizer_.groups().size(), "ReduceLROnPlateau: load_state_dict: lr: has ",
        rates.size(), " rates for ", optimizer_.groups().size(),
        " groups: the state is of another optimizer");
  best_ = best.item();
  bad_steps_ = static_cast<int64_t>(bad_steps.item());
  cooldown_left_ = static_cast<int64_t>(cooldown_left.item());
  for (size_t i = 0; i < rates.size(); ++i) optimizer_.groups()[i].lr = rates[i];
}

}  // namespace heed::optim
