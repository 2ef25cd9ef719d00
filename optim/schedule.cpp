#include <heed/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace heed::optim {

namespace {

// From 1 at 0 to 0 at 1, along half a cosine.
double half_cosine(double x) { return 0.5 * (1.0 + std::cos(std::numbers::pi * x)); }

int64_t positive(const char* schedule, const char* option, int64_t value) {
  check(value > 0, schedule, ": ", option, " = ", value, ": must be 1 or more");
  return value;
}

}  // namespace

Schedule::Schedule(Optimizer& optimizer, Rate rate) : optimizer_(optimizer), rate_(std::move(rate)) {
  for (const Optimizer::Group& group : optimizer.groups()) first_.push_back(group.lr);
  set_steps(0);
}

void Schedule::set_steps(int64_t steps) {
  check(steps >= 0, "schedule: step ", steps, ": steps count from 0");
  steps_ = steps;
  for (size_t i = 0; i < first_.size(); ++i) optimizer_.groups()[i].lr = rate_(first_[i], steps);
}

LambdaLR::LambdaLR(Optimizer& optimizer, std::function<double(int64_t)> factor)
    : Schedule(optimizer, [factor = std::move(factor)](double first, int64_t step) { return first * factor(step); }) {}

StepLR::StepLR(Optimizer& optimizer, const StepLROptions& o)
    : Schedule(optimizer, [o, size = positive("StepLR", "step_size", o.step_size)](double first, int64_t step) {
        return first * std::pow(o.gamma, static_cast<double>(step / size));
      }) {}

MultiStepLR::MultiStepLR(Optimizer& optimizer, const MultiStepLROptions& o)
    : Schedule(optimizer, [o](double first, int64_t step) {
        const auto reached = std::upper_bound(o.milestones.begin(), o.milestones.end(), step) - o.milestones.begin();
        return first * std::pow(o.gamma, static_cast<double>(reached));
      }) {
  check(std::is_sorted(o.milestones.begin(), o.milestones.end()), "MultiStepLR: milestones: must be in order");
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, const ExponentialLROptions& o)
    : Schedule(optimizer, [o](double first, int64_t step) { return first * std::pow(o.gamma, static_cast<double>(step)); }) {}

PolynomialLR::PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& o)
    : Schedule(optimizer, [o, total = positive("PolynomialLR", "total_iters", o.total_iters)](double first, int64_t step) {
        const double left = 1.0 - static_cast<double>(std::min(step, total)) / static_cast<double>(total);
        return first * std::pow(left, o.power);
      }) {}

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& o)
    : Schedule(optimizer, [o, total = positive("LinearLR", "total_iters", o.total_iters)](double first, int64_t step) {
        const double along = static_cast<double>(std::min(step, total)) / static_cast<double>(total);
        return first * (o.start_factor + (o.end_factor - o.start_factor) * along);
      }) {}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, const CosineAnnealingLROptions& o)
    : Schedule(optimizer, [o, t_max = positive("CosineAnnealingLR", "t_max", o.t_max)](double first, int64_t step) {
        return o.eta_min + (first - o.eta_min) * half_cosine(static_cast<double>(step) / static_cast<double>(t_max));
      }) {}

WarmupCosineLR::WarmupCosineLR(Optimizer& optimizer, const WarmupCosineOptions& o)
    : Schedule(optimizer, [o](double first, int64_t step) {
        const auto t = static_cast<double>(step), warmup = static_cast<double>(o.warmup);
        if (step < o.warmup) return first * (t + 1.0) / (warmup + 1.0);
        if (step >= o.decay) return o.final_lr;
        return o.final_lr + (first - o.final_lr) * half_cosine((t - warmup) / (static_cast<double>(o.decay) - warmup));
      }) {
  check(o.warmup >= 0 && o.decay >= o.warmup, "WarmupCosineLR: warmup = ", o.warmup, ", decay = ", o.decay,
        ": the decay must end behind the warm-up");
}

}  // namespace heed::optim
