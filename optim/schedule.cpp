#include <heed/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <heed/autograd/ops/create.h>

namespace heed::optim {

namespace {

constexpr int64_t most_steps = int64_t{1} << 53;  // doubles, in which rates are computed, are exact up to here

// From 1 at 0 to 0 at 1, along half a cosine.
double half_cosine(double x) { return 0.5 * (1.0 + std::cos(std::numbers::pi * x)); }

int64_t positive(const char* schedule, const char* option, int64_t value) {
  check(value > 0, schedule, ": ", option, " = ", value, ": must be 1 or more");
  return value;
}

// Options are checked where they are given, not at the step where they would give a wrong rate.
std::vector<int64_t> in_order(const char* schedule, const std::vector<int64_t>& milestones) {
  check(std::is_sorted(milestones.begin(), milestones.end()) && (milestones.empty() || milestones[0] >= 0), schedule,
        ": milestones: must be >= 0 and in order");
  return milestones;
}

}  // namespace

Schedule::Schedule(Optimizer& optimizer, Rate rate, const char* kind)
    : kind_(kind), optimizer_(optimizer), rate_(std::move(rate)) {
  check(rate_ != nullptr, kind_, ": an empty function: pass a function of the step");
  for (Optimizer::Group& group : optimizer.groups()) {
    if (!group.initial_lr) group.initial_lr = group.lr;
    first_.push_back(*group.initial_lr);
  }
  set_steps(0);
}

void Schedule::set_steps(int64_t steps) {
  check(steps >= 0 && steps <= most_steps, kind_, ": step ", steps, ": steps count from 0 to ", most_steps);
  std::vector<double> rates;
  for (const double first : first_) {
    rates.push_back(rate_(first, steps));
    check(rates.back() >= 0 && std::isfinite(rates.back()), kind_, ": step ", steps, ": its learning rate is ",
          rates.back(), ": must be a number >= 0");
  }
  steps_ = steps;
  for (size_t i = 0; i < rates.size(); ++i) optimizer_.groups()[i].lr = rates[i];
}

ResumeState Schedule::state_dict() const {
  std::vector<double> rates;
  for (const Optimizer::Group& group : optimizer_.groups()) rates.push_back(group.lr);
  ResumeState state;
  state.kind = kind_;
  state["last_epoch"] = tensor_i64({steps_}, {});
  state["base_lrs"] = tensor(first_, Dtype::f64);
  state["_last_lr"] = tensor(rates, Dtype::f64);
  return state;
}

std::function<void()> Schedule::prepare_load(const ResumeState& state) {
  StateReader from(kind_, state);
  const int64_t steps = from.count("last_epoch");
  auto first = from.rates("base_lrs", first_.size()), rates = from.rates("_last_lr", first_.size());
  from.finish();
  return [this, steps, first = std::move(first), rates = std::move(rates)]() mutable {
    steps_ = steps;
    first_ = std::move(first);
    for (size_t i = 0; i < rates.size(); ++i) optimizer_.groups()[i].lr = rates[i];
  };
}

LambdaLR::LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> factor)
    : Schedule(optimizer,
               factor ? Rate([factor = std::move(factor)](double first, int64_t step) { return first * factor(step); })
                      : Rate(),
               "LambdaLR") {}

ConstantLR::ConstantLR(Optimizer& optimizer, const ConstantLROptions& o)
    : Schedule(
          optimizer,
          [total = positive("ConstantLR", "total_iters", o.total_iters),
           factor = not_negative("ConstantLR", "factor", o.factor)](double first, int64_t step) {
            return step < total ? first * factor : first;
          },
          "ConstantLR") {}

StepLR::StepLR(Optimizer& optimizer, const StepLROptions& o)
    : Schedule(
          optimizer,
          [size = positive("StepLR", "step_size", o.step_size), gamma = not_negative("StepLR", "gamma", o.gamma)](
              double first, int64_t step) { return first * std::pow(gamma, static_cast<double>(step / size)); },
          "StepLR") {}

MultiStepLR::MultiStepLR(Optimizer& optimizer, const MultiStepLROptions& o)
    : Schedule(
          optimizer,
          [milestones = in_order("MultiStepLR", o.milestones), gamma = not_negative("MultiStepLR", "gamma", o.gamma)](
              double first, int64_t step) {
            const auto reached = std::upper_bound(milestones.begin(), milestones.end(), step) - milestones.begin();
            return first * std::pow(gamma, static_cast<double>(reached));
          },
          "MultiStepLR") {}

ExponentialLR::ExponentialLR(Optimizer& optimizer, const ExponentialLROptions& o)
    : Schedule(
          optimizer,
          [gamma = not_negative("ExponentialLR", "gamma", o.gamma)](double first, int64_t step) {
            return first * std::pow(gamma, static_cast<double>(step));
          },
          "ExponentialLR") {}

PolynomialLR::PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& o)
    : Schedule(
          optimizer,
          [total = positive("PolynomialLR", "total_iters", o.total_iters),
           power = not_negative("PolynomialLR", "power", o.power)](double first, int64_t step) {
            const double left = 1.0 - static_cast<double>(std::min(step, total)) / static_cast<double>(total);
            return first * std::pow(left, power);
          },
          "PolynomialLR") {}

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& o)
    : Schedule(
          optimizer,
          [total = positive("LinearLR", "total_iters", o.total_iters),
           start = not_negative("LinearLR", "start_factor", o.start_factor),
           end = not_negative("LinearLR", "end_factor", o.end_factor)](double first, int64_t step) {
            const double along = static_cast<double>(std::min(step, total)) / static_cast<double>(total);
            return first * (start + (end - start) * along);
          },
          "LinearLR") {}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, const CosineAnnealingLROptions& o)
    : Schedule(
          optimizer,
          [t_max = positive("CosineAnnealingLR", "t_max", o.t_max),
           low = not_negative("CosineAnnealingLR", "eta_min", o.eta_min)](double first, int64_t step) {
            return low + (first - low) * half_cosine(static_cast<double>(step) / static_cast<double>(t_max));
          },
          "CosineAnnealingLR") {}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer,
                                                         const CosineAnnealingWarmRestartsOptions& o)
    : Schedule(
          optimizer,
          [first_wave = positive("CosineAnnealingWarmRestarts", "t_0", o.t_0),
           longer = positive("CosineAnnealingWarmRestarts", "t_mult", o.t_mult),
           low = not_negative("CosineAnnealingWarmRestarts", "eta_min", o.eta_min)](double first, int64_t step) {
            int64_t wave = first_wave, t = longer == 1 ? step % wave : step;
            for (; t >= wave; wave = wave > most_steps / longer ? most_steps + 1 : wave * longer) t -= wave;
            return low + (first - low) * half_cosine(static_cast<double>(t) / static_cast<double>(wave));
          },
          "CosineAnnealingWarmRestarts") {}

namespace {

// The rate at a step of the cycle, in PyTorch's phases: a phase may end between two steps.
double one_cycle(const OneCycleLROptions& o, double first, int64_t step) {
  const auto total = static_cast<double>(o.total_steps), t = static_cast<double>(step);
  const double peak = o.max_lr.value_or(first), low = peak / o.div_factor;
  const auto between = [&](double from, double to, double begin, double end) {
    const double along = end > begin ? std::min(1.0, (t - begin) / (end - begin)) : 1.0;
    const double left = o.anneal_strategy == Anneal::cos ? half_cosine(along) : 1.0 - along;
    return to + (from - to) * left;
  };
  const double top = o.pct_start * total - 1.0;
  if (t <= top) return between(low, peak, 0.0, top);
  const double bottom = low / o.final_div_factor, last = total - 1.0;
  if (!o.three_phase) return between(peak, bottom, top, last);
  const double back = 2.0 * o.pct_start * total - 2.0;
  if (t <= back) return between(peak, low, top, back);
  return between(low, bottom, back, last);
}

const OneCycleLROptions& checked(const OneCycleLROptions& o) {
  positive("OneCycleLR", "total_steps", o.total_steps);
  check(o.pct_start >= 0.0 && o.pct_start <= (o.three_phase ? 0.5 : 1.0), "OneCycleLR: pct_start = ", o.pct_start,
        ": must lie in 0 … 1, in three phases in 0 … 0.5");
  check(o.div_factor > 0.0 && o.final_div_factor > 0.0, "OneCycleLR: div_factor = ", o.div_factor,
        ", final_div_factor = ", o.final_div_factor, ": must be positive");
  if (o.max_lr) not_negative("OneCycleLR", "max_lr", *o.max_lr);
  return o;
}

// t = step + 1, so that the first step is not wasted on a rate of 0.
double inverse_square_root(int64_t step, int64_t warmup) {
  const auto t = static_cast<double>(step + 1), peak = static_cast<double>(warmup);
  return std::min(t / peak, std::sqrt(peak / t));
}

}  // namespace

OneCycleLR::OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options)
    : Schedule(
          optimizer, [o = checked(options)](double first, int64_t step) { return one_cycle(o, first, step); },
          "OneCycleLR") {}

InverseSquareRootLR::InverseSquareRootLR(Optimizer& optimizer, const InverseSquareRootLROptions& o)
    : Schedule(
          optimizer,
          [warmup = positive("InverseSquareRootLR", "warmup", o.warmup)](double first, int64_t step) {
            return first * inverse_square_root(step, warmup);
          },
          "InverseSquareRootLR") {}

NoamLR::NoamLR(Optimizer& optimizer, const NoamLROptions& o)
    : Schedule(
          optimizer,
          [warmup = positive("NoamLR", "warmup", o.warmup), d = positive("NoamLR", "d_model", o.d_model)](
              double first, int64_t step) {
            return first * inverse_square_root(step, warmup) /
                   std::sqrt(static_cast<double>(d) * static_cast<double>(warmup));
          },
          "NoamLR") {}

SequentialLR::SequentialLR(Optimizer& optimizer, const SequentialLROptions& o)
    : Schedule(
          optimizer,
          [&] {
            check(!o.schedules.empty() && o.milestones.size() + 1 == o.schedules.size(),
                  "SequentialLR: ", o.schedules.size(), " schedules, ", o.milestones.size(),
                  " milestones: needs one between each schedule and the next");
            std::vector<Rate> rates;
            for (const Schedule& schedule : o.schedules) {
              check(&schedule.optimizer_ == &optimizer,
                    "SequentialLR: a schedule of another optimizer: make them all for this one");
              rates.push_back(schedule.rate_);
            }
            return [rates, milestones = in_order("SequentialLR", o.milestones)](double first, int64_t step) {
              const auto next = std::upper_bound(milestones.begin(), milestones.end(), step);
              const auto now = static_cast<size_t>(next - milestones.begin());
              return rates[now](first, now == 0 ? step : step - milestones[now - 1]);
            };
          }(),
          "SequentialLR") {}

WarmupCosineLR::WarmupCosineLR(Optimizer& optimizer, const WarmupCosineOptions& o)
    : Schedule(
          optimizer,
          [o, last = not_negative("WarmupCosineLR", "final_lr", o.final_lr)](double first, int64_t step) {
            const auto t = static_cast<double>(step), warmup = static_cast<double>(o.warmup);
            if (step < o.warmup) return first * (t + 1.0) / (warmup + 1.0);
            if (step >= o.decay) return last;
            return last + (first - last) * half_cosine((t - warmup) / (static_cast<double>(o.decay) - warmup));
          },
          "WarmupCosineLR") {
  check(o.warmup >= 0 && o.decay >= o.warmup, "WarmupCosineLR: warmup = ", o.warmup, ", decay = ", o.decay,
        ": the decay must end after the warm-up");
}

}  // namespace heed::optim
