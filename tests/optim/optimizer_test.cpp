#include <heed/optim/optim.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <heed/autograd/ops.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/hash.h"

using namespace heed;
using heed::test::message_of;

namespace {

Tensor random(const Shape& shape, uint64_t seed, Dtype dtype = Dtype::f32) {
  Generator generator(seed);
  return Tensor(core::randn(shape, dtype, generator));
}

using Make = std::unique_ptr<optim::Optimizer> (*)(const std::vector<Tensor>&);

struct Kind {
  const char* name;
  Make make;
};

const Kind kinds[] = {
    {"SGD",
     [](const std::vector<Tensor>& p) -> std::unique_ptr<optim::Optimizer> {
       return std::make_unique<optim::SGD>(p, optim::SGDOptions{.lr = 0.05, .momentum = 0.9, .dampening = 0.1});
     }},
    {"Adam",
     [](const std::vector<Tensor>& p) -> std::unique_ptr<optim::Optimizer> {
       return std::make_unique<optim::Adam>(p, optim::AdamOptions{.weight_decay = 0.1, .amsgrad = true});
     }},
    {"AdamW",
     [](const std::vector<Tensor>& p) -> std::unique_ptr<optim::Optimizer> {
       return std::make_unique<optim::AdamW>(p, optim::AdamWOptions{.lr = 0.01});
     }},
    {"RMSprop",
     [](const std::vector<Tensor>& p) -> std::unique_ptr<optim::Optimizer> {
       return std::make_unique<optim::RMSprop>(p, optim::RMSpropOptions{.momentum = 0.5, .centered = true});
     }},
    {"Adagrad",
     [](const std::vector<Tensor>& p) -> std::unique_ptr<optim::Optimizer> {
       return std::make_unique<optim::Adagrad>(p, optim::AdagradOptions{.initial_accumulator_value = 0.1});
     }},
};

// A small regression, its parameters and its optimizer.
struct Training {
  Tensor w = parameter(random({6, 3}, 1)), b = parameter(random({3}, 2));
  std::unique_ptr<optim::Optimizer> optimizer;

  explicit Training(Make make) : optimizer(make({w, b})) {}

  void step(uint64_t number) {
    const Tensor x = random({8, 6}, 100 + number), y = random({8, 3}, 200 + number);
    optimizer->zero_grad();
    mean(square(matmul(x, w) + b - y)).backward();
    optimizer->step();
  }
  uint64_t hash() const { return test::fnv1a(w.array()) ^ 3 * test::fnv1a(b.array()); }
};

}  // namespace

TEST_CASE("optim: training stopped after any step and resumed from a file ends with the same bits") {
  constexpr uint64_t steps = 50;
  for (const Kind& kind : kinds) {
    INFO(kind.name);
    Training whole(kind.make);
    for (uint64_t i = 0; i < steps; ++i) whole.step(i);

    for (uint64_t stop = 1; stop <= steps; stop += kind.name == std::string("AdamW") ? 1 : 7) {
      std::string file;
      {
        Training first(kind.make);
        for (uint64_t i = 0; i < stop; ++i) first.step(i);
        std::map<std::string, core::Array> tensors = {{"w", first.w.array()}, {"b", first.b.array()}};
        for (const auto& [name, x] : first.optimizer->state_dict()) tensors["optimizer." + name] = x.array();
        file = core::to_safetensors(tensors);
      }
      const core::SafeTensors saved = core::parse_safetensors(file, "checkpoint");
      Training second(kind.make);
      {
        const NoGrad no_history;
        second.w.copy_(Tensor(saved.at("w")));
        second.b.copy_(Tensor(saved.at("b")));
      }
      optim::OptimizerState state;
      state.kind = kind.name;
      for (const std::string& name : saved.names())
        if (name.starts_with("optimizer.")) state[name.substr(10)] = Tensor(saved.at(name));
      second.optimizer->load_state_dict(state);
      for (uint64_t i = stop; i < steps; ++i) second.step(i);
      INFO("stopped after " << stop);
      REQUIRE(second.hash() == whole.hash());
    }
  }
}

TEST_CASE("optim: the same bits for any number of threads") {
  const int threads = num_threads();
  for (const Kind& kind : kinds) {
    std::vector<uint64_t> hashes;
    for (int n : {1, 2, 3, 7}) {
      set_num_threads(n);
      Tensor p = parameter(random({100003}, 1));
      const auto optimizer = kind.make({p});
      for (uint64_t i = 0; i < 3; ++i) {
        p.set_grad(random({100003}, 5 + i));
        optim::clip_grad_norm({p}, 1.0);
        optimizer->step();
      }
      hashes.push_back(test::fnv1a(p.array()));
    }
    set_num_threads(threads);
    INFO(kind.name);
    for (uint64_t hash : hashes) CHECK(hash == hashes[0]);
  }
}

TEST_CASE("optim: one pass of AdamW is the plain formula, in f32 and f64, for any layout") {
  for (Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const double tolerance = dtype == Dtype::f32 ? 2e-6 : 1e-14;
    for (int64_t n : {1, 7, 64, 1000}) {
      const Tensor start = random({n, 3}, 1, dtype);
      Tensor straight = parameter(start.clone());
      Tensor crossed = parameter(start.transpose(0, 1).contiguous().transpose(0, 1));  // not contiguous
      Tensor given = parameter(start.clone());                                         // its gradient is not contiguous
      optim::AdamW one({straight}), two({crossed}), three({given});
      std::vector<double> p = start.to_vector(), m(p.size()), v(p.size());
      for (int t = 1; t <= 5; ++t) {
        const Tensor g = random({n, 3}, 10 + static_cast<uint64_t>(t), dtype);
        straight.set_grad(g);
        crossed.set_grad(g);
        given.set_grad(g.transpose(0, 1).contiguous().transpose(0, 1));
        one.step(), two.step(), three.step();
        const std::vector<double> gradient = g.to_vector();
        for (size_t i = 0; i < p.size(); ++i) {
          p[i] *= 1 - 1e-3 * 0.01;
          m[i] = 0.9 * m[i] + 0.1 * gradient[i];
          v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
          p[i] -= 1e-3 * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
        }
      }
      for (const Tensor& x : {straight, crossed, given}) {
        const std::vector<double> got = x.to_vector();
        for (size_t i = 0; i < p.size(); ++i) REQUIRE(std::abs(got[i] - p[i]) <= tolerance * (1 + std::abs(p[i])));
      }
    }
  }
}

TEST_CASE("optim: what is not there is left alone") {
  for (const Kind& kind : kinds) {
    INFO(kind.name);
    Tensor idle = parameter(random({3}, 1)), frozen = parameter(random({3}, 2)), empty = parameter(zeros({0, 2})),
           busy = parameter(random({3}, 3));
    const std::vector<double> before = idle.to_vector(), cold = frozen.to_vector(), active = busy.to_vector();
    const auto optimizer = kind.make({idle, frozen, empty, busy});
    frozen.set_grad(random({3}, 4));
    frozen.requires_grad(false);
    empty.set_grad(zeros({0, 2}));
    busy.set_grad(random({3}, 5));
    optimizer->step();
    CHECK(idle.to_vector() == before);
    CHECK(frozen.to_vector() == cold);
    CHECK(busy.to_vector() != active);
    optimizer->zero_grad();
    CHECK_FALSE(busy.grad().defined());
    optimizer->set_lr(0);
    CHECK(optimizer->groups()[0].lr == 0);
  }
}

TEST_CASE("optim: gradients that are not finite") {
  const double inf = INFINITY, nan = std::nan("");
  for (double bad : {inf, -inf, nan}) {
    Tensor p = parameter(zeros({2}));
    p.set_grad(tensor({bad, 1}));
    const std::string message = message_of([&] { optim::clip_grad_norm({p}, 1.0, {.error_if_nonfinite = true}); });
    CHECK(message == cat("clip_grad_norm: the gradients of 1 parameters have norm ", bad == bad ? "inf" : "nan",
                         ": training has diverged: lower the learning rate, or find the cause with DetectAnomaly"));
    CHECK(p.grad().to_vector()[1] == 1);  // untouched
    CHECK_FALSE(std::isfinite(optim::clip_grad_norm({p}, 1.0)));
  }
  CHECK(optim::clip_grad_norm({}, 1.0) == 0);
}

TEST_CASE("optim: SGD's dampening weakens a momentum, and without one does nothing") {
  const auto after = [](const optim::SGDOptions& options) {
    Tensor p = parameter(tensor({8, 0}));
    optim::SGD sgd({p}, options);
    for (int i = 0; i < 3; ++i) {
      p.set_grad(tensor({2, -4}));
      sgd.step();
    }
    return p.to_vector();
  };
  using Values = std::vector<double>;
  CHECK(after({.lr = 0.5, .dampening = 0.5}) == Values{5, 6});
  CHECK(after({.lr = 0.5, .momentum = 1}) == Values{2, 12});  // 1 + 2 + 3 times the gradient
  CHECK(after({.lr = 0.5, .momentum = 1, .dampening = 0.5}) == Values{3.5, 9});
}

TEST_CASE("optim: error messages") {
  using namespace optim;
  Tensor p = parameter(zeros({2})), q = parameter(zeros({3}));
  const Tensor made = p + 1.0;
  CHECK(message_of([&] { SGD({p}, {.lr = -1}); }) == "SGD: lr = -1: must be a number >= 0");
  CHECK(message_of([&] { SGD({p}, {.lr = std::nan("")}); }) == "SGD: lr = nan: must be a number >= 0");
  CHECK(message_of([&] { SGD({p}, {.weight_decay = -1}); }) == "SGD: weight_decay = -1: must be a number >= 0");
  CHECK(message_of([&] { SGD({p}, {.momentum = -1}); }) == "SGD: momentum = -1: must be a number >= 0");
  CHECK(message_of([&] { SGD({p}, {.nesterov = true}); }) ==
        "SGD: nesterov with momentum = 0, dampening = 0: needs a momentum, and no dampening");
  CHECK(message_of([&] { Adam({p}, {.beta1 = 1}); }) == "Adam: betas 1, 0.999: must lie in [0, 1)");
  CHECK(message_of([&] { AdamW({p}, {.eps = -1}); }) == "AdamW: eps = -1: must be a number >= 0");
  CHECK(message_of([&] { RMSprop({p}, {.alpha = 2}); }) == "RMSprop: alpha = 2: must lie in [0, 1]");
  CHECK(message_of([&] { RMSprop({p}, {.eps = -1}); }) == "RMSprop: eps = -1: must be a number >= 0");
  CHECK(message_of([&] { RMSprop({p}, {.momentum = -1}); }) == "RMSprop: momentum = -1: must be a number >= 0");
  CHECK(message_of([&] { Adagrad({p}, {.lr_decay = -1}); }) == "Adagrad: lr_decay = -1: must be a number >= 0");
  CHECK(message_of([&] { Adagrad({p}, {.eps = -1}); }) == "Adagrad: eps = -1: must be a number >= 0");
  CHECK(message_of([&] { Adagrad({p}, {.initial_accumulator_value = -1}); }) ==
        "Adagrad: initial_accumulator_value = -1: must be a number >= 0");
  CHECK(
      message_of([&] { SGD(std::vector<Tensor>{}); }) ==
      "SGD: no parameters: pass model.parameters(), and check that visit() names them and that parameter(…) made them");
  CHECK(message_of<AutogradError>([&] { SGD({p, q, p}); }) ==
        "SGD: a parameter (2,) is given twice: each belongs to one group");
  CHECK(message_of<AutogradError>([&] { SGD({p, made}); }) ==
        "SGD: a tensor (2,) is not a parameter: pass model.parameters(), or tensors made by "
        "parameter()");
  CHECK(message_of<AutogradError>([&] { SGD({zeros({2})}); }) ==
        "SGD: a tensor (2,) is not a parameter: pass model.parameters(), or tensors made by "
        "parameter()");

  AdamW adamw({p, q});
  CHECK(message_of([&] { clip_grad_norm({p}, 0); }) == "clip_grad_norm: max_norm = 0: must be > 0");
  CHECK(message_of([&] { clip_grad_value({p}, -1); }) == "clip_grad_value: limit = -1: must be > 0");
  CHECK(message_of([&] { StepLR(adamw, {.step_size = 0}); }) == "StepLR: step_size = 0: must be 1 or more");
  CHECK(message_of([&] { LinearLR(adamw, {.total_iters = 0}); }) == "LinearLR: total_iters = 0: must be 1 or more");
  CHECK(message_of([&] { PolynomialLR(adamw, {.total_iters = -1}); }) ==
        "PolynomialLR: total_iters = -1: must be 1 or more");
  CHECK(message_of([&] { CosineAnnealingLR(adamw, {.t_max = 0}); }) ==
        "CosineAnnealingLR: t_max = 0: must be 1 or more");
  CHECK(message_of([&] { MultiStepLR(adamw, {.milestones = {3, 2}}); }) ==
        "MultiStepLR: milestones: must be >= 0 and in order");
  CHECK(message_of([&] { WarmupCosineLR(adamw, {.warmup = 10, .decay = 5}); }) ==
        "WarmupCosineLR: warmup = 10, decay = 5: the decay must end after the warm-up");
  LambdaLR schedule(adamw, [](int64_t) { return 1.0; });
  CHECK(message_of([&] { adamw.set_lr(std::nan("")); }) == "AdamW: set_lr: lr = nan: must be a number >= 0");
  CHECK(message_of([&] { schedule.set_steps(-1); }) == "LambdaLR: step -1: steps count from 0 to 9007199254740992");
}

TEST_CASE("optim: options and rates that are written later are judged at the step") {
  using namespace heed::optim;
  const Tensor p = parameter(ones({1}));
  SGD sgd({p}, {.lr = 0.1});
  const auto step = [&] {
    sum(p * 1.0).backward();
    return message_of([&] { sgd.step(); });
  };
  sgd.groups()[0].lr = -0.1;
  CHECK(step() == "SGD: step: lr = -0.1: must be a number >= 0");
  sgd.groups()[0].lr = std::nan("");
  CHECK(step() == "SGD: step: lr = nan: must be a number >= 0");
  sgd.groups()[0].lr = 0.1;
  sgd.groups()[0].weight_decay = -1;
  CHECK(step() == "SGD: step: weight_decay = -1: must be a number >= 0");
  CHECK(p.to_vector() == std::vector<double>{1});

  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(message_of([&] { SGD({p}, {.momentum = infinity}); }).starts_with("SGD: momentum = inf: "));
  CHECK(message_of([&] { Adam({p}, {.eps = infinity}); }).starts_with("Adam: eps = inf: "));
  CHECK(message_of([&] { Adagrad({p}, {.lr_decay = infinity}); }).starts_with("Adagrad: lr_decay = inf: "));
}
