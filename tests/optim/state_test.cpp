// States of optimizers and schedules: everything is in them, and one that does not fit changes nothing.
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>

#include <heed/autograd/ops.h>
#include <heed/optim/optim.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::optim;
using test::contains;
using test::message_of;

namespace {

using Groups = std::vector<ParamGroup>;

struct Fit {
  Tensor w = parameter(tensor({1, -2, 3})), b = parameter(tensor({0.5}));

  void step(Optimizer& optimizer) {
    optimizer.zero_grad();
    (sum(w * w * w * 0.1 + w) + sum(square(b))).backward();
    optimizer.step();
  }
  std::vector<double> values() const { return cat({w.detach(), b.detach()}, 0).to_vector(); }
};

// All that a state holds, to be compared.
std::map<std::string, std::vector<double>> content(const ResumeState& state) {
  std::map<std::string, std::vector<double>> all;
  for (const auto& [name, x] : state) all[name] = x.to_vector();
  return all;
}

// An optimizer from outside of the library, which says nothing about its averages beforehand.
struct Momentum : Optimizer {
  double beta = 0.9;
  explicit Momentum(const std::vector<Tensor>& p) : Optimizer("Momentum", {ParamGroup{p}}, 0.1, 0.0) {
    option("beta", beta);
  }
  void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) override {
    Tensor& m = slots.zeros("m", p);
    m.mul_(beta).add_(g);
    p.add_(m, -group.lr);
  }
};

using Make = std::function<std::unique_ptr<Optimizer>(const std::vector<Tensor>&)>;
const std::pair<const char*, Make> kinds[] = {
    {"SGD",
     [](auto& p) { return std::make_unique<SGD>(p, SGDOptions{.lr = 0.05, .momentum = 0.9, .nesterov = true}); }},
    {"Adam", [](auto& p) { return std::make_unique<Adam>(p, AdamOptions{.beta1 = 0.8, .amsgrad = true}); }},
    {"AdamW", [](auto& p) { return std::make_unique<AdamW>(p, AdamWOptions{.eps = 1e-6}); }},
    {"RMSprop",
     [](auto& p) { return std::make_unique<RMSprop>(p, RMSpropOptions{.momentum = 0.5, .centered = true}); }},
    {"Adagrad", [](auto& p) { return std::make_unique<Adagrad>(p, AdagradOptions{.lr_decay = 0.1}); }},
    {"Momentum", [](auto& p) { return std::make_unique<Momentum>(p); }},
};

// One made with other options, all of which the state must replace.
const std::map<std::string, Make> otherwise = {
    {"SGD", [](auto& p) { return std::make_unique<SGD>(p, SGDOptions{.weight_decay = 0.1}); }},
    {"Adam", [](auto& p) { return std::make_unique<Adam>(p, AdamOptions{.lr = 1, .beta2 = 0.5}); }},
    {"AdamW", [](auto& p) { return std::make_unique<AdamW>(p, AdamWOptions{.lr = 1, .amsgrad = true}); }},
    {"RMSprop", [](auto& p) { return std::make_unique<RMSprop>(p, RMSpropOptions{.alpha = 0.5}); }},
    {"Adagrad", [](auto& p) { return std::make_unique<Adagrad>(p, AdagradOptions{.eps = 1}); }},
    {"Momentum", [](auto& p) { return std::make_unique<Momentum>(p); }},
};

}  // namespace

TEST_CASE("optimizer states: an optimizer with other options continues exactly, after set_lr too") {
  for (const auto& [name, make] : kinds) {
    INFO(name);
    Fit whole;
    const auto first = make({whole.w, whole.b});
    for (int i = 0; i < 3; ++i) whole.step(*first);
    first->set_lr(0.0123);
    Fit resumed{parameter(whole.w.detach().clone()), parameter(whole.b.detach().clone())};
    const auto second = otherwise.at(name)({resumed.w, resumed.b});
    second->load_state_dict(first->state_dict());
    CHECK(content(second->state_dict()) == content(first->state_dict()));
    for (int i = 0; i < 3; ++i) whole.step(*first), resumed.step(*second);
    CHECK(resumed.values() == whole.values());
    CHECK(second->groups()[0].lr == 0.0123);
  }
}

TEST_CASE("optimizer states: no entry may be missing, added, or of another shape, dtype or value") {
  for (const auto& [name, make] : kinds) {
    Fit fit;
    const auto optimizer = make({fit.w, fit.b});
    for (int i = 0; i < 2; ++i) fit.step(*optimizer);
    const ResumeState good = optimizer->state_dict();
    const auto before = content(good);
    const auto refused = [&](const ResumeState& state) {
      const std::string message = message_of([&] { optimizer->load_state_dict(state); });
      CHECK(content(optimizer->state_dict()) == before);
      return message;
    };
    for (const auto& [key, x] : good) {
      INFO(name << " " << key);
      ResumeState state = good;
      state.erase(key);
      CHECK(contains(refused(state), "\n  " + key + ": missing"));
      state[key] = zeros({2, 2, 2});
      CHECK(contains(refused(state), "\n  " + key + ": has shape (2, 2, 2), must "));
      state[key] = Tensor();
      CHECK(contains(refused(state), "\n  " + key + ": missing"));
      if (key.ends_with("step")) {
        for (const double wrong : {-1.0, 0.5, std::nan(""), double(INFINITY)}) {
          state[key] = scalar(wrong, Dtype::f64);
          CHECK(contains(refused(state), "must be a whole number >= 0"));
        }
      } else if (!key.starts_with("param_groups")) {
        state[key] = x.to(Dtype::f64);
        CHECK(contains(refused(state), "\n  " + key + ": is float64, must be float32"));
        state[key] = x.clone();
        state[key].reshape({-1})[0].fill_(std::nan(""));
        CHECK(contains(refused(state), "\n  " + key + ": holds NaN: training had diverged"));
        state[key].reshape({-1})[0].fill_(-2.0);
        if (key.ends_with("_sq") || key.ends_with("square_avg") || key.ends_with(".sum"))
          CHECK(contains(refused(state), "\n  " + key + ": has an element -2, must be >= 0"));
      }
    }
    INFO(name);
    ResumeState state = good;
    state["2.step"] = scalar(1);
    state[std::string("evil\x1b[2J") + std::string(500, 'x')] = scalar(1);
    const std::string message = refused(state);
    CHECK(contains(message, "\n  2.step: unexpected"));
    CHECK(contains(message, "\"evil\\x1b[2Jxxx"));
    CHECK(message.size() < 400);
    state = good;
    state["param_groups.0.lr"] = scalar(-1, Dtype::f64);
    CHECK(contains(refused(state), "param_groups.0.lr: is -1, must be a number >= 0"));
    state = good;
    state["param_groups.0.params"] = tensor_i64({1, 0});
    CHECK(contains(refused(state), "params: must be 0 … 1: the groups hold other parameters"));
    for (const auto& [other, make_other] : kinds) {
      state = good;
      state.kind = other;
      if (other != std::string(name))
        CHECK(contains(refused(state), std::string("is the state of another kind: ") + other + ", not " + name));
    }
  }
}

TEST_CASE("optimizer states: what is wrong is listed in one message") {
  Tensor p = parameter(zeros({2})), q = parameter(zeros({3}));
  AdamW adamw({p, q});
  p.set_grad(ones({2})), q.set_grad(ones({3}));
  adamw.step();
  const std::string begin = "AdamW: load_state_dict: the state does not fit, nothing is changed:";
  const std::string groups =
      "\n  param_groups.0.lr: missing\n  param_groups.0.weight_decay: missing\n  param_groups.0.betas: missing"
      "\n  param_groups.0.eps: missing\n  param_groups.0.amsgrad: missing\n  param_groups.0.params: missing";
  CHECK(message_of([&] { adamw.load_state_dict({}); }) ==
        begin + "\n  does not say what it is a state of: give what state_dict() returned, with its kind, AdamW" +
            groups +
            "\n  no state for parameter 0 of 2, (2,)\n  no state for parameter 1 of 2, (3,)"
            "\nnothing is found under its name: are the names without their prefix?");
  ResumeState half = adamw.state_dict();
  half.erase("1.exp_avg");
  half.erase("1.step");
  CHECK(message_of([&] { adamw.load_state_dict(half); }) == begin + "\n  1.step: missing\n  1.exp_avg: missing");
  ResumeState one = adamw.state_dict();
  for (const char* name : {"1.step", "1.exp_avg", "1.exp_avg_sq"}) one.erase(name);
  CHECK(message_of([&] { adamw.load_state_dict(one); }) == begin + "\n  no state for parameter 1 of 2, (3,)");
  ResumeState many = adamw.state_dict();
  for (int i = 0; i < 100000; ++i) many["x." + std::to_string(i)] = p;
  const std::string message = message_of([&] { adamw.load_state_dict(many); });
  CHECK(message.ends_with("\n  … and 99950 more"));
  CHECK(message.size() < 2000);
  ResumeState beyond = adamw.state_dict();
  beyond["param_groups.0.betas"] = tensor({0.9, 1.5}, Dtype::f64);
  CHECK(message_of([&] { adamw.load_state_dict(beyond); }) ==
        begin + "\n  its options: AdamW: betas 0.9, 1.5: must lie in [0, 1)");
  AdamW two(Groups{{.params = {p}}, {.params = {q}, .lr = 0.5}}, {});
  ResumeState differ = two.state_dict();
  differ["param_groups.1.eps"] = scalar(1, Dtype::f64);
  CHECK(message_of([&] { two.load_state_dict(differ); }) ==
        begin + "\n  param_groups.1.eps: differs from the first group's: this option is the same for all groups");
}

TEST_CASE("optimizer states: parameters without a step have none, and groups keep their rates") {
  Tensor p = parameter(zeros({2})), idle = parameter(zeros({3}));
  Adam adam(Groups{{.params = {p}}, {.params = {idle}, .lr = 0.5, .weight_decay = 0.25}}, {});
  p.set_grad(ones({2}));
  adam.step();
  const ResumeState state = adam.state_dict();
  CHECK_FALSE(state.count("1.exp_avg"));
  Adam other(Groups{{.params = {p}}, {.params = {idle}}}, {});
  other.load_state_dict(state);
  CHECK(content(other.state_dict()) == content(state));
  CHECK(other.groups()[1].lr == 0.5);
  CHECK(other.groups()[1].weight_decay == 0.25);
  adam.step();  // the state is a copy of what it was read into
  CHECK(content(other.state_dict()) != content(adam.state_dict()));
}

TEST_CASE("schedule states: resumed at every step, with the rates of that moment") {
  for (int stop = 0; stop < 6; ++stop) {
    Tensor a = parameter(zeros({1})), b = parameter(zeros({1}));
    SGD whole(Groups{{.params = {a}}, {.params = {b}, .lr = 0.03}}, {.lr = 0.1}),
        part(Groups{{.params = {a}}, {.params = {b}, .lr = 0.7}}, {.lr = 0.9});
    StepLR first(whole, {.step_size = 2}), second(part, {.step_size = 2});
    for (int i = 0; i < stop; ++i) first.step();
    whole.groups()[1].lr = 0.777;  // by hand
    second.load_state_dict(first.state_dict());
    for (int i = 0; i < 4; ++i, first.step(), second.step())
      for (const size_t group : {0, 1}) CHECK(part.groups()[group].lr == whole.groups()[group].lr);
  }
}

TEST_CASE("schedule states: one that does not fit changes nothing") {
  Tensor a = parameter(zeros({1})), b = parameter(zeros({1}));
  SGD sgd(Groups{{.params = {a}}, {.params = {b}, .lr = 0.03}}, {.lr = 0.1}), alone({a}, {.lr = 0.1});
  StepLR stairs(sgd, {.step_size = 1});
  ExponentialLR smooth(sgd, {.gamma = 0.9});
  StepLR single(alone, {.step_size = 1});
  ReduceLROnPlateau plateau(sgd);
  plateau.step(7.0);
  stairs.step();
  const auto refused = [&](Resumable& schedule, const ResumeState& state) {
    const auto before = content(schedule.state_dict());
    const std::string message = message_of([&] { schedule.load_state_dict(state); });
    CHECK(content(schedule.state_dict()) == before);
    return message;
  };
  const std::string fit = ": load_state_dict: the state does not fit, nothing is changed:";
  CHECK(refused(stairs, smooth.state_dict()) ==
        "StepLR" + fit + "\n  is the state of another kind: ExponentialLR, not StepLR");
  CHECK(refused(stairs, single.state_dict()) ==
        "StepLR" + fit +
            "\n  base_lrs: has shape (1,), must be 2 values\n  _last_lr: has shape (1,), must be 2 values");
  for (Resumable* schedule : {static_cast<Resumable*>(&stairs), static_cast<Resumable*>(&plateau)})
    for (const auto& [name, x] : schedule->state_dict()) {
      INFO(name);
      ResumeState state = schedule->state_dict();
      state.erase(name);
      CHECK(contains(refused(*schedule, state), "\n  " + name + ": missing"));
      state[name] = full({7}, 1, Dtype::f64);
      CHECK(contains(refused(*schedule, state), "\n  " + name + ": has shape (7,), must be "));
    }
  ResumeState state = plateau.state_dict();
  state["_last_lr"] = tensor({0.1, std::nan("")}, Dtype::f64);
  CHECK(refused(plateau, state) == "ReduceLROnPlateau" + fit + "\n  _last_lr: nan is not a learning rate");
  CHECK(plateau.best() == 7.0);
}

TEST_CASE("states: values that no run can have are refused") {
  Tensor a = parameter(zeros({1}));
  SGD sgd({a}, {.lr = 0.1, .momentum = 0.9, .nesterov = true});
  StepLR stairs(sgd, {});
  const auto refused = [](Resumable& target, const char* name, double value) {
    ResumeState state = target.state_dict();
    state[name] = full(state.at(name).shape(), value, state.at(name).dtype());
    return message_of([&] { target.load_state_dict(state); });
  };
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(contains(refused(stairs, "base_lrs", -1), "base_lrs: -1 is not a learning rate"));
  CHECK(contains(refused(stairs, "_last_lr", infinity), "_last_lr: inf is not a learning rate"));
  for (const auto& [name, x] : sgd.state_dict()) {
    if (!contains(name, "momentum") && !contains(name, "nesterov")) continue;
    if (!is_floating(x.dtype())) continue;
    INFO(name);
    CHECK(contains(refused(sgd, name.c_str(), infinity), name + ": is inf, must be finite"));
    if (contains(name, "nesterov")) CHECK(contains(refused(sgd, name.c_str(), 2), name + ": is 2, must be 0 or 1"));
  }
}

TEST_CASE("optimizer states: a parameter that has made one step has all its averages") {
  for (const auto& [name, make] : kinds) {
    Fit fit;
    const auto optimizer = make({fit.w, fit.b});
    fit.step(*optimizer);
    ResumeState state = optimizer->state_dict();
    std::string lost;
    for (const auto& [key, x] : optimizer->state_dict())
      if (key.starts_with("0.") && key != "0.step") {
        state.erase(key);
        lost = key;
      }
    INFO(name << " " << lost);
    if (!lost.empty())
      CHECK(contains(message_of([&] { optimizer->load_state_dict(state); }), "\n  " + lost + ": missing"));
  }
}

TEST_CASE("optimizer states: that of another kind is refused in one line") {
  const Tensor w = parameter(ones({2}));
  SGD sgd({w});
  AdamW adamw({w});
  CHECK(message_of([&] { adamw.load_state_dict(sgd.state_dict()); }) ==
        "AdamW: load_state_dict: the state does not fit, nothing is changed:\n"
        "  is the state of another kind: SGD, not AdamW");
}
