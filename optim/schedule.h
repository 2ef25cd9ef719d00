// Learning-rate schedules: a function of the step, applied to each group's first learning rate.
//
//     optim::CosineAnnealingLR schedule(adamw, {.t_max = 1000});
//     … adamw.step();  schedule.step();
//
// Names, defaults and values are those of torch.optim.lr_scheduler, in closed form, so that steps() is
// a schedule's whole state. For one that reacts to the loss, see plateau.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <heed/optim/optimizer.h>

namespace heed::optim {

/// The learning rate at a step, given the group's first learning rate.
using Rate = std::function<double(double first, int64_t step)>;

/// Any schedule. Sets the rate of step 0 at once; the optimizer must outlive it. The first learning
/// rate is the one when the optimizer got its first schedule, as in PyTorch, or the last given to set_lr().
class Schedule : public Resumable {
 public:
  Schedule(Optimizer& optimizer, Rate rate, const char* kind = "Schedule");
  void step() { set_steps(steps_ + 1); }
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps);  // to start from another step
  double lr() const { return optimizer_.groups()[0].lr; }

  /// last_epoch (the steps taken), base_lrs, and _last_lr, the groups' current rates: PyTorch's names. A resumed
  /// run's next step has the same rate as without the interruption; later rates follow from this schedule's options,
  /// which are not part of the state.
  ResumeState state_dict() const override;
  std::function<void()> prepare_load(const ResumeState& state) override;

 private:
  friend struct SequentialLR;
  const char* kind_;
  Optimizer& optimizer_;
  Rate rate_;
  std::vector<double> first_;
  int64_t steps_ = 0;
};

/// first · factor(step).
struct LambdaLR : Schedule {
  LambdaLR(Optimizer& optimizer, std::function<double(int64_t step)> factor);
};

struct ConstantLROptions {
  double factor = 1.0 / 3;
  int64_t total_iters = 5;
};
/// first · factor for total_iters steps, then first.
struct ConstantLR : Schedule {
  ConstantLR(Optimizer& optimizer, const ConstantLROptions& = {});
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

struct CosineAnnealingWarmRestartsOptions {
  int64_t t_0 = 10;    // steps of the first wave
  int64_t t_mult = 1;  // each wave is this many times longer than the previous one
  double eta_min = 0.0;
};
/// η + (first - η)(1 + cos(π t / T)) / 2 at step t of a wave of T steps (ibid., section 3).
struct CosineAnnealingWarmRestarts : Schedule {
  CosineAnnealingWarmRestarts(Optimizer& optimizer, const CosineAnnealingWarmRestartsOptions& = {});
};

enum class Anneal : uint8_t { cos, linear };

struct OneCycleLROptions {
  std::optional<double> max_lr = std::nullopt;  // the peak; each group's first rate if not given
  int64_t total_steps = 100;
  double pct_start = 0.3;  // fraction of the steps spent rising
  Anneal anneal_strategy = Anneal::cos;
  double div_factor = 25.0;       // starts at max_lr / div_factor,
  double final_div_factor = 1e4;  // ends at that / final_div_factor
  bool three_phase = false;       // down as slowly as up, then down to the final rate
};
/// Up to max_lr and down again (Smith & Topin 2018), then constant. Momentum is not changed, as with
/// PyTorch's cycle_momentum=False.
struct OneCycleLR : Schedule {
  OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& = {});
};

struct InverseSquareRootLROptions {
  int64_t warmup = 4000;
};
/// first · min(t / warmup, √(warmup / t)), t = step + 1: linearly up to first, then down.
struct InverseSquareRootLR : Schedule {
  InverseSquareRootLR(Optimizer& optimizer, const InverseSquareRootLROptions& = {});
};

struct NoamLROptions {
  int64_t d_model = 512;
  int64_t warmup = 4000;
};
/// first · d_model^-½ · min(t^-½, t · warmup^-3/2), t = step + 1 (Vaswani et al. 2017, eq. 3, where
/// first is 1): the inverse square root with a peak of first / √(d_model · warmup).
struct NoamLR : Schedule {
  NoamLR(Optimizer& optimizer, const NoamLROptions& = {});
};

struct WarmupCosineOptions {
  int64_t warmup = 100;  // steps from 0 up to the first rate
  int64_t decay = 2000;  // step at which the cosine reaches `final_lr`; constant from there
  double final_lr = 0.0;
};
/// first (step + 1) / (warmup + 1) while warming up, then half a cosine down: nanoGPT's schedule.
struct WarmupCosineLR : Schedule {
  WarmupCosineLR(Optimizer& optimizer, const WarmupCosineOptions& = {});
};

struct SequentialLROptions {
  std::vector<std::reference_wrapper<const Schedule>> schedules;
  std::vector<int64_t> milestones;  // steps at which the next schedule starts, at its own step 0
};
/// Runs schedules one after another, all made for this optimizer; they need not outlive this constructor:
///
///     optim::LinearLR up(sgd, {.total_iters = 100});
///     optim::CosineAnnealingLR down(sgd, {.t_max = 900});
///     optim::SequentialLR schedule(sgd, {.schedules = {up, down}, .milestones = {100}});
struct SequentialLR : Schedule {
  SequentialLR(Optimizer& optimizer, const SequentialLROptions& options);
};

}  // namespace heed::optim
