#include <heed/optim/plateau.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <heed/autograd/ops/create.h>

namespace heed::optim {

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : optimizer_(optimizer), options_(options) {
  check(options.factor > 0.0 && options.factor < 1.0, "ReduceLROnPlateau: factor = ", options.factor,
        ": must lie between 0 and 1");
  check(options.patience >= 0 && options.cooldown >= 0, "ReduceLROnPlateau: patience = ", options.patience,
        ", cooldown = ", options.cooldown, ": must be 0 or more");
  not_negative("ReduceLROnPlateau", "min_lr", options.min_lr);
  not_negative("ReduceLROnPlateau", "eps", options.eps);
  not_negative("ReduceLROnPlateau", "threshold", options.threshold);
  const double infinity = std::numeric_limits<double>::infinity();
  best_ = options.mode == PlateauMode::min ? infinity : -infinity;
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const double sign = options_.mode == PlateauMode::min ? -1.0 : 1.0;
  const double bound = options_.threshold_mode == ThresholdMode::rel ? best_ * (1.0 + sign * options_.threshold)
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

ResumeState ReduceLROnPlateau::state_dict() const {
  std::vector<double> rates;
  for (const Optimizer::Group& group : optimizer_.groups()) rates.push_back(group.lr);
  ResumeState state;
  state.kind = "ReduceLROnPlateau";
  state["best"] = scalar(best_, Dtype::f64);
  state["num_bad_epochs"] = tensor_i64({bad_steps_}, {});
  state["cooldown_counter"] = tensor_i64({cooldown_left_}, {});
  state["_last_lr"] = tensor(rates, Dtype::f64);
  return state;
}

std::function<void()> ReduceLROnPlateau::prepare_load(const ResumeState& state) {
  StateReader from("ReduceLROnPlateau", state);
  const double best = from.number("best");
  const int64_t bad_steps = from.count("num_bad_epochs"), cooldown_left = from.count("cooldown_counter");
  std::vector<double> rates = from.rates("_last_lr", optimizer_.groups().size());
  from.finish();
  return [this, best, bad_steps, cooldown_left, rates = std::move(rates)] {
    best_ = best;
    bad_steps_ = bad_steps;
    cooldown_left_ = cooldown_left;
    for (size_t i = 0; i < rates.size(); ++i) optimizer_.groups()[i].lr = rates[i];
  };
}

}  // namespace heed::optim
