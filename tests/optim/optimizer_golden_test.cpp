// Every optimizer, schedule and clipping rule against PyTorch's own, in f64 (golden/make_optim.py).
#include <cmath>
#include <functional>
#include <memory>

#include <heed/autograd/ops.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace heed;

namespace {

constexpr int64_t kept[] = {1, 2, 3, 10, 50, 100, 200};

struct Case {
  const char* name;
  std::function<std::unique_ptr<optim::Optimizer>(const std::vector<optim::ParamGroup>&)> make;
};

template <class O, class Options> Case optimizer(const char* name, const Options& options) {
  return {name, [=](const std::vector<optim::ParamGroup>& groups) { return std::make_unique<O>(groups, options); }};
}

template <class Options, class Schedule>
std::function<std::unique_ptr<optim::Schedule>(optim::Optimizer&)> schedule(const Options& options) {
  return [=](optim::Optimizer& o) { return std::make_unique<Schedule>(o, options); };
}

}  // namespace

TEST_CASE("optim: 200 steps of every optimizer are PyTorch's") {
  using namespace optim;
  const Case cases[] = {
      optimizer<SGD>("sgd", SGDOptions{.lr = 0.1}),
      optimizer<SGD>("sgd_decay", SGDOptions{.lr = 0.1, .weight_decay = 0.1}),
      optimizer<SGD>("sgd_momentum", SGDOptions{.lr = 0.1, .momentum = 0.9}),
      optimizer<SGD>("sgd_momentum_decay", SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1}),
      optimizer<SGD>("sgd_dampening", SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.5}),
      optimizer<SGD>("sgd_nesterov", SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true}),
      optimizer<Adam>("adam", AdamOptions{.lr = 0.01}),
      optimizer<Adam>("adam_decay", AdamOptions{.lr = 0.01, .weight_decay = 0.1}),
      optimizer<Adam>("adam_betas", AdamOptions{.lr = 0.01, .beta1 = 0.5, .beta2 = 0.9, .eps = 1e-3}),
      optimizer<Adam>("adam_amsgrad", AdamOptions{.lr = 0.01, .amsgrad = true}),
      optimizer<AdamW>("adamw", AdamWOptions{.lr = 0.01}),
      optimizer<AdamW>("adamw_decay", AdamWOptions{.lr = 0.01, .weight_decay = 0.5}),
      optimizer<AdamW>("adamw_betas", AdamWOptions{.lr = 0.01, .beta1 = 0.0, .beta2 = 0.95, .eps = 1e-6}),
      optimizer<AdamW>("adamw_amsgrad", AdamWOptions{.lr = 0.01, .weight_decay = 0.1, .amsgrad = true}),
      optimizer<RMSprop>("rmsprop", RMSpropOptions{}),
      optimizer<RMSprop>("rmsprop_decay", RMSpropOptions{.alpha = 0.9, .eps = 1e-4, .weight_decay = 0.1}),
      optimizer<RMSprop>("rmsprop_momentum", RMSpropOptions{.momentum = 0.9}),
      optimizer<RMSprop>("rmsprop_centered", RMSpropOptions{.alpha = 0.9, .centered = true}),
      optimizer<RMSprop>("rmsprop_all",
                         RMSpropOptions{.alpha = 0.9, .weight_decay = 0.1, .momentum = 0.5, .centered = true}),
      optimizer<Adagrad>("adagrad", AdagradOptions{.lr = 0.05}),
      optimizer<Adagrad>(
          "adagrad_all",
          AdagradOptions{.lr = 0.05, .lr_decay = 0.01, .weight_decay = 0.1, .initial_accumulator_value = 0.1}),
  };
  const test::Golden golden("optim.safetensors");
  const Tensor grad_a = golden.at("grad.a", Dtype::f64), grad_b = golden.at("grad.b", Dtype::f64);
  for (const Case& c : cases) {
    INFO(c.name);
    Tensor a = parameter(golden.at("start.a", Dtype::f64).clone()),
           b = parameter(golden.at("start.b", Dtype::f64).clone());
    const std::string name = std::string("optim.") + c.name;
    const double lr = c.make({{.params = {a}}})->groups()[0].lr;
    const auto optimizer = c.make({{.params = {a}}, {.params = {b}, .lr = lr / 2, .weight_decay = 0.05}});
    std::vector<Tensor> found_a, found_b;
    for (int64_t step = 0; step < 200; ++step) {
      optimizer->zero_grad();
      a.set_grad(grad_a[step]);
      if (step % 7 != 3) b.set_grad(grad_b[step]);
      optimizer->step();
      if (std::find(std::begin(kept), std::end(kept), step + 1) == std::end(kept)) continue;
      found_a.push_back(a.detach().clone());
      found_b.push_back(b.detach().clone());
    }
    golden.check(name + ".a", stack(found_a, 0));
    golden.check(name + ".b", stack(found_b, 0));
  }
}

TEST_CASE("optim: 100 steps of every schedule are PyTorch's") {
  using namespace optim;
  struct Row {
    const char* name;
    std::function<std::unique_ptr<Schedule>(Optimizer&)> make;
  };
  const Row rows[] = {
      {"step", schedule<StepLROptions, StepLR>({.step_size = 7, .gamma = 0.8})},
      {"multi_step", schedule<MultiStepLROptions, MultiStepLR>({.milestones = {3, 30, 31}, .gamma = 0.5})},
      {"exponential", schedule<ExponentialLROptions, ExponentialLR>({.gamma = 0.97})},
      {"linear", schedule<LinearLROptions, LinearLR>({})},
      {"linear_down", schedule<LinearLROptions, LinearLR>({.start_factor = 1.0, .end_factor = 0.1, .total_iters = 60})},
      {"polynomial", schedule<PolynomialLROptions, PolynomialLR>({.total_iters = 60, .power = 2.0})},
      {"cosine", schedule<CosineAnnealingLROptions, CosineAnnealingLR>({.t_max = 100})},
      {"cosine_waves", schedule<CosineAnnealingLROptions, CosineAnnealingLR>({.t_max = 30, .eta_min = 0.01})},
      {"lambda",
       [](Optimizer& o) {
         return std::make_unique<LambdaLR>(o, [](int64_t step) { return 1.0 / static_cast<double>(1 + step); });
       }},
  };
  const test::Golden golden("optim.safetensors");
  for (const Row& row : rows) {
    INFO(row.name);
    test::note_case("golden", cat("schedule/", row.name));
    Tensor a = parameter(zeros({1})), b = parameter(zeros({1}));
    SGD sgd({{.params = {a}}, {.params = {b}, .lr = 0.03}}, {.lr = 0.1});
    const auto schedule = row.make(sgd);
    const std::vector<double> expected = golden.at(std::string("schedule.") + row.name, Dtype::f64).to_vector();
    double worst = 0;
    for (size_t step = 0; step <= 100; ++step) {
      CHECK(schedule->steps() == static_cast<int64_t>(step));
      for (size_t group : {0, 1})
        worst = std::max(worst, std::abs(sgd.groups()[group].lr - expected[2 * step + group]));
      schedule->step();
    }
    CHECK(worst <= 1e-13);
    schedule->set_steps(50);  // resumed in the middle
    CHECK(std::abs(schedule->lr() - expected[100]) <= 1e-13);
  }
}

TEST_CASE("optim: nanoGPT's schedule") {
  // Its floor is a rate, so one group is compared at a time.
  const test::Golden golden("optim.safetensors");
  const std::vector<double> expected = golden.at("schedule.warmup_cosine", Dtype::f64).to_vector();
  for (size_t group : {0, 1}) {
    Tensor a = parameter(zeros({1}));
    optim::SGD sgd({a}, {.lr = group == 0 ? 0.1 : 0.03});
    optim::WarmupCosineLR schedule(sgd, {.warmup = 10, .decay = 80, .final_lr = group == 0 ? 0.01 : 0.003});
    for (size_t step = 0; step <= 100; ++step, schedule.step())
      CHECK(std::abs(schedule.lr() - expected[2 * step + group]) <= 1e-13);
  }
}

TEST_CASE("optim: clipping is PyTorch's") {
  const test::Golden golden("optim.safetensors");
  struct Row {
    const char* name;
    double (*clip)(const std::vector<Tensor>&);
  };
  const Row rows[] = {
      {"norm", [](const std::vector<Tensor>& p) { return optim::clip_grad_norm(p, 1.0); }},
      {"norm_large", [](const std::vector<Tensor>& p) { return optim::clip_grad_norm(p, 1000.0); }},
      {"value",
       [](const std::vector<Tensor>& p) {
         optim::clip_grad_value(p, 0.25);
         return 0.0;
       }},
  };
  for (const Row& row : rows) {
    const std::string name = std::string("clip.") + row.name;
    Tensor a = parameter(zeros({3, 4}, Dtype::f64)), b = parameter(zeros({5}, Dtype::f64));
    const Tensor without = parameter(zeros({2}, Dtype::f64));
    a.set_grad(golden.at("grad.a", Dtype::f64)[0].clone());
    b.set_grad(golden.at("grad.b", Dtype::f64)[0].clone());
    const double norm = row.clip({a, without, b});
    golden.check(name + ".a", a.grad());
    golden.check(name + ".b", b.grad());
    if (std::string(row.name) != "value") golden.check(name + ".norm", full({}, norm, Dtype::f64));
  }
}
