// Learning-rate schedules: a function of the step, applied to each group's first learning rate.
//
//     optim::CosineAnnealingLR schedule(adamw, {.t_max = 1000});
//     … adamw.step();  schedule.step();
//
// Names, defaults and values are torch.optim.lr_scheduler's, in closed form, so that steps() alone
// says where a schedule is.
#pragma once

#include <functional>
#include <vector>

#include <heed/optim/optimizer.h>

namespace heed::optim {

/// The learning rate at a step, from the group's first one.
using Rate = std::function<double(double first, int64_t step)>;

/// Any schedule. Sets the rate of step 0 at once; the optimizer must outlive it.
class Schedule {
 public:
  Schedule(Optimizer& optimizer, Rate rate);
  void step() { set_steps(steps_ + 1); }
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps);  // to resume
  double lr() const { return optimizer_.groups()[0].lr; }

 private:
  Optimizer& optimizer_;
  Rate rate_;
  std::vector<double> first_;
  int64_t steps_ = 0;
};

/// first · factor(step).
struct LambdaLR : Schedule {
  LambdaLR(Optimizer& optimizer, std::function<double(int64_t step)> factor);
};

struct StepLROptions {
  int64_t step_size = 30;
  double gamma = 0.1;
};
/// first · γ^⌊step / step_size⌋.
struct StepLR : Schedule {
  StepLR(Optimizer& optimizer, const StepLROptions& = {});
};

struct MultiStepLROptions {
  std::vector<int64_t> milestones;  // in order
  double gamma = 0.1;
};
/// first · γ^(milestones reached).
struct MultiStepLR : Schedule {
  MultiStepLR(Optimizer& optimizer, const MultiStepLROptions& options);
};

struct ExponentialLROptions {
  double gamma = 0.99;
};
/// first · γ^step.
struct ExponentialLR : Schedule {
  ExponentialLR(Optimizer& optimizer, const ExponentialLROptions& = {});
};

struct PolynomialLROptions {
  int64_t total_iters = 5;
  double power = 1.0;
};
/// first (1 - step / total_iters)^power, then 0.
struct PolynomialLR : Schedule {
  PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& = {});
};

struct LinearLROptions {
  double start_factor = 1.0 / 3, end_factor = 1.0;
  int64_t total_iters = 5;
};
/// From first · start_factor to first · end_factor in total_iters steps, then constant.
struct LinearLR : Schedule {
  LinearLR(Optimizer& optimizer, const LinearLROptions& = {});
};

struct CosineAnnealingLROptions {
  int64_t t_max = 100;
  double eta_min = 0.0;
};
/// η + (first - η)(1 + cos(π step / t_max)) / 2  (Loshchilov & Hutter 2017, eq. 5).
struct CosineAnnealingLR : Schedule {
  CosineAnnealingLR(Optimizer& optimizer, const CosineAnnealingLROptions& = {});
};

struct WarmupCosineOptions {
  int64_t warmup = 100;    // steps from 0 up to the first rate
  int64_t decay = 2000;    // step at which the cosine arrives at `final_lr`; constant from there
  double final_lr = 0.0;
};
/// first (step + 1) / (warmup + 1) while warming up, then half a cosine down: nanoGPT's schedule.
struct WarmupCosineLR : Schedule {
  WarmupCosineLR(Optimizer& optimizer, const WarmupCosineOptions& = {});
};

}  // namespace heed::optim
