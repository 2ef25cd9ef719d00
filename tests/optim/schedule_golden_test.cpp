// Schedules against torch.optim.lr_scheduler's, step by step (golden/make_schedule.py).
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <heed/autograd/ops/create.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/golden.h"

using namespace heed;
using namespace heed::optim;
using test::message_of;

namespace {

// Two groups, with learning rates 0.1 and 0.03.
struct TwoGroups {
  Tensor a = parameter(zeros({1})), b = parameter(zeros({1}));
  SGD sgd{{{.params = {a}}, {.params = {b}, .lr = 0.03}}, {.lr = 0.1}};
};

using MakeSchedule = std::function<std::unique_ptr<Schedule>(Optimizer&)>;

template <class S, class Options> MakeSchedule make(const Options& options) {
  return [=](Optimizer& o) { return std::make_unique<S>(o, options); };
}

MakeSchedule one_cycle(const OneCycleLROptions& options) { return make<OneCycleLR>(options); }

std::unique_ptr<Schedule> sequential(Optimizer& o) {
  const LinearLR up(o, {.start_factor = 0.1, .total_iters = 20});
  const CosineAnnealingLR down(o, {.t_max = 80});
  return std::make_unique<SequentialLR>(o, SequentialLROptions{.schedules = {up, down}, .milestones = {20}});
}

std::unique_ptr<Schedule> sequential_many(Optimizer& o) {
  const ConstantLR low(o, {.factor = 0.2, .total_iters = 9});
  const StepLR stairs(o, {.step_size = 5, .gamma = 0.7});
  const CosineAnnealingWarmRestarts waves(o, {.t_0 = 6, .t_mult = 2});
  const PolynomialLR end(o, {.total_iters = 30, .power = 2.0});
  return std::make_unique<SequentialLR>(
      o, SequentialLROptions{.schedules = {low, stairs, waves, end}, .milestones = {10, 30, 70}});
}

}  // namespace

TEST_CASE("schedules: 120 steps of each are PyTorch's, from the start and resumed") {
  const std::vector<std::pair<const char*, MakeSchedule>> rows = {
      {"constant", make<ConstantLR>(ConstantLROptions{})},
      {"constant_long", make<ConstantLR>(ConstantLROptions{.factor = 0.5, .total_iters = 30})},
      {"restarts", make<CosineAnnealingWarmRestarts>(CosineAnnealingWarmRestartsOptions{})},
      {"restarts_longer",
       make<CosineAnnealingWarmRestarts>(CosineAnnealingWarmRestartsOptions{.t_0 = 7, .t_mult = 2, .eta_min = 0.01})},
      {"restarts_thrice", make<CosineAnnealingWarmRestarts>(CosineAnnealingWarmRestartsOptions{.t_0 = 1, .t_mult = 3})},
      {"one_cycle_cos", one_cycle({.total_steps = 121})},
      {"one_cycle_linear", one_cycle({.total_steps = 121, .anneal_strategy = Anneal::linear})},
      {"one_cycle_cos_three", one_cycle({.total_steps = 121, .three_phase = true})},
      {"one_cycle_linear_three",
       one_cycle({.total_steps = 121, .anneal_strategy = Anneal::linear, .three_phase = true})},
      {"one_cycle_options",
       one_cycle({.max_lr = 0.2, .total_steps = 121, .pct_start = 0.17, .div_factor = 4.0, .final_div_factor = 100.0})},
      {"one_cycle_options_three", one_cycle({.max_lr = 0.2,
                                             .total_steps = 121,
                                             .pct_start = 0.45,
                                             .div_factor = 4.0,
                                             .final_div_factor = 100.0,
                                             .three_phase = true})},
      {"inverse_square_root", make<InverseSquareRootLR>(InverseSquareRootLROptions{.warmup = 20})},
      {"noam", make<NoamLR>(NoamLROptions{.d_model = 64, .warmup = 15})},
      {"sequential", sequential},
      {"sequential_many", sequential_many},
  };
  const test::Golden golden("schedule.safetensors");
  for (const auto& [name, make_schedule] : rows) {
    INFO(name);
    test::note_case("golden", cat("schedule/", name));
    const std::vector<double> expected = golden.at(name, Dtype::f64).to_vector();
    REQUIRE(expected.size() == 2 * 121);
    TwoGroups groups;
    const auto schedule = make_schedule(groups.sgd);
    for (size_t step = 0; step <= 120; ++step, schedule->step()) {
      CHECK(schedule->steps() == static_cast<int64_t>(step));
      for (size_t group : {0, 1}) {
        CAPTURE(step, group, groups.sgd.groups()[group].lr, expected[2 * step + group]);
        CHECK(std::abs(groups.sgd.groups()[group].lr - expected[2 * step + group]) <= 1e-13);
      }
    }
    for (const size_t step : {50, 0, 97}) {  // steps() is its whole state
      TwoGroups others;
      const auto resumed = make_schedule(others.sgd);
      resumed->set_steps(static_cast<int64_t>(step));
      for (size_t group : {0, 1}) CHECK(std::abs(others.sgd.groups()[group].lr - expected[2 * step + group]) <= 1e-13);
    }
  }
}

TEST_CASE("schedules: one cycle of few steps is defined, and the end is held") {
  TwoGroups groups;
  for (const bool three : {false, true})
    for (int64_t total = 1; total <= 8; ++total) {
      OneCycleLR schedule(groups.sgd, {.total_steps = total, .three_phase = three});
      for (int64_t step = 0; step < total + 3; ++step, schedule.step()) {
        CHECK(schedule.lr() > 0);
        CHECK(schedule.lr() <= 0.1 + 1e-15);
        if (step >= total) CHECK(schedule.lr() == Approx(0.1 / 25 / 1e4).epsilon(1e-12));
      }
    }
}

TEST_CASE("schedules: Noam's peak, and what it is of the inverse square root") {
  TwoGroups groups;
  groups.sgd.set_lr(1.0);
  NoamLR noam(groups.sgd);
  std::vector<double> rates;
  for (int64_t step = 0; step < 10000; step += 13) {
    noam.set_steps(step);
    rates.push_back(noam.lr());
  }
  noam.set_steps(3999);
  CHECK(noam.lr() == Approx(1 / std::sqrt(512.0 * 4000)).epsilon(1e-14));
  for (const double rate : rates) CHECK(rate <= noam.lr());
  noam.set_steps(0);
  CHECK(noam.lr() == Approx(std::pow(512.0, -0.5) * std::pow(4000.0, -1.5)).epsilon(1e-14));
  InverseSquareRootLR plain(groups.sgd);
  plain.set_steps(3999);
  CHECK(plain.lr() == 1.0);
}

TEST_CASE("schedules: a warm-up that ends where the decay does is followed by the last rate") {
  TwoGroups groups;
  WarmupCosineLR schedule(groups.sgd, {.warmup = 3, .decay = 3, .final_lr = 0.01});
  for (const double rate : {0.1 / 4, 0.1 / 2, 0.1 * 3 / 4, 0.01, 0.01}) {
    CHECK(schedule.lr() == Approx(rate).epsilon(1e-14));
    schedule.step();
  }
}

TEST_CASE("schedules: several on one optimizer begin with the same first rate") {
  TwoGroups groups;
  const ConstantLR third(groups.sgd);
  CHECK(groups.sgd.groups()[0].lr == Approx(0.1 / 3));
  const ConstantLR half(groups.sgd, {.factor = 0.5});
  CHECK(groups.sgd.groups()[0].lr == Approx(0.05));
  CHECK(groups.sgd.groups()[1].lr == Approx(0.015));
  groups.sgd.set_lr(1.0);  // a new first rate
  const ConstantLR again(groups.sgd, {.factor = 0.5});
  CHECK(groups.sgd.groups()[1].lr == 0.5);
}

TEST_CASE("schedules: ReduceLROnPlateau is PyTorch's with every option, resumed at every step") {
  const std::pair<const char*, ReduceLROnPlateauOptions> rows[] = {
      {"default", {}},
      {"patience", {.factor = 0.5, .patience = 2}},
      {"impatient", {.factor = 0.9, .patience = 0}},
      {"absolute", {.factor = 0.5, .patience = 3, .threshold = 0.05, .threshold_mode = ThresholdMode::abs}},
      {"loose", {.factor = 0.5, .patience = 3, .threshold = 0.2}},
      {"cooldown", {.factor = 0.5, .patience = 1, .cooldown = 4}},
      {"floor", {.factor = 0.5, .patience = 1, .min_lr = 0.01}},
      {"eps", {.factor = 0.5, .patience = 1, .eps = 0.01}},
      {"max", {.mode = PlateauMode::max, .factor = 0.5, .patience = 4}},
      {"max_absolute",
       {.mode = PlateauMode::max,
        .factor = 0.5,
        .patience = 4,
        .threshold = 0.1,
        .threshold_mode = ThresholdMode::abs,
        .cooldown = 2}},
  };
  const test::Golden golden("schedule.safetensors");
  const std::vector<double> metric = golden.at("plateau.metric", Dtype::f64).to_vector();
  for (const auto& [name, options] : rows) {
    INFO(name);
    test::note_case("golden", cat("schedule/plateau ", name));
    const std::vector<double> expected = golden.at(std::string("plateau.") + name, Dtype::f64).to_vector();
    CHECK(*std::min_element(expected.begin(), expected.end()) < 0.03);  // something is lowered
    OptimizerState state;
    for (size_t step = 0; step < metric.size(); ++step) {
      TwoGroups groups;  // another process each time
      ReduceLROnPlateau schedule(groups.sgd, options);
      if (step > 0) schedule.load_state_dict(state);
      schedule.step(metric[step]);
      state = schedule.state_dict();
      for (size_t group : {0, 1}) {
        CAPTURE(step, group);
        CHECK(std::abs(groups.sgd.groups()[group].lr - expected[2 * step + group]) <= 1e-15);
      }
      CHECK(schedule.lr() == groups.sgd.groups()[0].lr);
      const auto seen = metric.begin() + static_cast<int64_t>(step);
      if (std::string(name) == "patience" && step < 15)
        CHECK(schedule.best() == *std::min_element(metric.begin(), seen + 1));
    }
  }
}

TEST_CASE("schedules: error messages") {
  TwoGroups groups, others;
  SGD& sgd = groups.sgd;
  CHECK(message_of([&] { ConstantLR(sgd, {.total_iters = 0}); }) == "ConstantLR: total_iters = 0: must be 1 or more");
  CHECK(message_of([&] { CosineAnnealingWarmRestarts(sgd, {.t_0 = 0}); }) ==
        "CosineAnnealingWarmRestarts: t_0 = 0: must be 1 or more");
  CHECK(message_of([&] { CosineAnnealingWarmRestarts(sgd, {.t_mult = 0}); }) ==
        "CosineAnnealingWarmRestarts: t_mult = 0: must be 1 or more");
  CHECK(message_of([&] { OneCycleLR(sgd, {.total_steps = 0}); }) == "OneCycleLR: total_steps = 0: must be 1 or more");
  const std::string share = ": must lie in 0 … 1, in three phases in 0 … 0.5";
  CHECK(OneCycleLR(sgd, {.max_lr = 0.5, .pct_start = 0}).lr() > 0.49);  // down from the start
  CHECK(message_of([&] { OneCycleLR(sgd, {.pct_start = 1.5}); }) == "OneCycleLR: pct_start = 1.5" + share);
  CHECK(message_of([&] { OneCycleLR(sgd, {.pct_start = 0.6, .three_phase = true}); }) ==
        "OneCycleLR: pct_start = 0.6" + share);
  CHECK(message_of([&] { OneCycleLR(sgd, {.div_factor = 0}); }) ==
        "OneCycleLR: div_factor = 0, final_div_factor = 10000: must be positive");
  CHECK(message_of([&] { InverseSquareRootLR(sgd, {.warmup = 0}); }) ==
        "InverseSquareRootLR: warmup = 0: must be 1 or more");
  CHECK(message_of([&] { NoamLR(sgd, {.warmup = -1}); }) == "NoamLR: warmup = -1: must be 1 or more");
  CHECK(message_of([&] { NoamLR(sgd, {.d_model = 0}); }) == "NoamLR: d_model = 0: must be 1 or more");

  const ConstantLR a(sgd), b(sgd), foreign(others.sgd);
  CHECK(message_of([&] { SequentialLR(sgd, {.schedules = {}, .milestones = {}}); }) ==
        "SequentialLR: 0 schedules, 0 milestones: needs one between each schedule and the next");
  CHECK(message_of([&] { SequentialLR(sgd, {.schedules = {a, b}, .milestones = {1, 2}}); }) ==
        "SequentialLR: 2 schedules, 2 milestones: needs one between each schedule and the next");
  CHECK(message_of([&] { SequentialLR(sgd, {.schedules = {a, b, a}, .milestones = {2, 1}}); }) ==
        "SequentialLR: milestones: must be >= 0 and in order");
  CHECK(message_of([&] { SequentialLR(sgd, {.schedules = {a, foreign}, .milestones = {1}}); }) ==
        "SequentialLR: a schedule of another optimizer: make them all for this one");

  CHECK(message_of([&] { ReduceLROnPlateau(sgd, {.factor = 1}); }) ==
        "ReduceLROnPlateau: factor = 1: must lie between 0 and 1");
  CHECK(message_of([&] { ReduceLROnPlateau(sgd, {.patience = -1}); }) ==
        "ReduceLROnPlateau: patience = -1, cooldown = 0: must be 0 or more");
  CHECK(message_of([&] { ReduceLROnPlateau(sgd, {.cooldown = -1}); }) ==
        "ReduceLROnPlateau: patience = 10, cooldown = -1: must be 0 or more");
}

TEST_CASE("schedules: an option that would give a wrong rate is refused where it is given") {
  TwoGroups groups;
  SGD& sgd = groups.sgd;
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {-0.5, infinity, std::nan("")}) {
    INFO(bad);
    const auto refused = [&](const std::string& option, const std::function<void()>& make) {
      const std::string text = message_of(make);
      INFO(text);
      CHECK(text.starts_with(option + " = "));
      CHECK(text.ends_with(": must be a number >= 0"));
    };
    refused("ConstantLR: factor", [&] { ConstantLR(sgd, {.factor = bad}); });
    refused("StepLR: gamma", [&] { StepLR(sgd, {.gamma = bad}); });
    refused("MultiStepLR: gamma", [&] { MultiStepLR(sgd, {.milestones = {3}, .gamma = bad}); });
    refused("ExponentialLR: gamma", [&] { ExponentialLR(sgd, {.gamma = bad}); });
    refused("PolynomialLR: power", [&] { PolynomialLR(sgd, {.power = bad}); });
    refused("LinearLR: start_factor", [&] { LinearLR(sgd, {.start_factor = bad}); });
    refused("LinearLR: end_factor", [&] { LinearLR(sgd, {.end_factor = bad}); });
    refused("CosineAnnealingLR: eta_min", [&] { CosineAnnealingLR(sgd, {.eta_min = bad}); });
    refused("CosineAnnealingWarmRestarts: eta_min", [&] { CosineAnnealingWarmRestarts(sgd, {.eta_min = bad}); });
    refused("OneCycleLR: max_lr", [&] { OneCycleLR(sgd, {.max_lr = bad}); });
    refused("WarmupCosineLR: final_lr", [&] { WarmupCosineLR(sgd, {.final_lr = bad}); });
    refused("ReduceLROnPlateau: min_lr", [&] { ReduceLROnPlateau(sgd, {.min_lr = bad}); });
    refused("ReduceLROnPlateau: eps", [&] { ReduceLROnPlateau(sgd, {.eps = bad}); });
    refused("ReduceLROnPlateau: threshold", [&] { ReduceLROnPlateau(sgd, {.threshold = bad}); });
  }
  CHECK(message_of([&] { MultiStepLR(sgd, {.milestones = {-1, 3}}); }) ==
        "MultiStepLR: milestones: must be >= 0 and in order");

  // Whatever a function of the caller's gives is judged at its step, and nothing is changed.
  LambdaLR schedule(sgd, [](int64_t step) { return step < 2 ? 1.0 : -1.0; });
  schedule.step();
  const double before = schedule.lr();
  CHECK(message_of([&] { schedule.step(); }).starts_with("LambdaLR: step 2: its learning rate is -"));
  CHECK(schedule.steps() == 1);
  CHECK(schedule.lr() == before);
  CHECK(message_of([&] { schedule.set_steps(-1); }) == "LambdaLR: step -1: steps count from 0 to 9007199254740992");
  CHECK(message_of([&] { schedule.set_steps(INT64_MAX); }).starts_with("LambdaLR: step 9223372036854775807: "));

  CosineAnnealingWarmRestarts waves(sgd, {.t_0 = 3, .t_mult = int64_t{1} << 62});
  waves.set_steps(3);
  CHECK(waves.lr() == sgd.groups()[0].initial_lr);
}
