#include <heed/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include <heed/autograd/ops/create.h>
#include <heed/core/op_name.h>
#include <heed/core/text.h>

namespace heed::optim {

double not_negative(const char* whose, const char* option, double value) {
  check(value >= 0 && std::isfinite(value), whose, ": ", option, " = ", value, ": must be a number >= 0");
  return value;
}

Optimizer::Optimizer(const char* name, const std::vector<ParamGroup>& groups, double lr, double weight_decay)
    : name_(name), ownership_(name) {
  for (const ParamGroup& group : groups) {
    groups_.push_back({.params = group.params,
                       .lr = group.lr.value_or(lr),
                       .weight_decay = group.weight_decay.value_or(weight_decay)});
    const Group& g = groups_.back();
    not_negative(name, "lr", g.lr);
    not_negative(name, "weight_decay", g.weight_decay);
    for (const Tensor& p : group.params) ownership_.take(p);
    slots_.resize(slots_.size() + group.params.size());
  }
  check(!slots_.empty(), name,
        ": no parameters: pass model.parameters(), and check that visit() names them and that parameter(…) made them");
}

void Optimizer::option(const char* name, std::vector<double*> numbers) {
  for (const double* number : numbers)
    check(std::isfinite(*number), name_, ": ", name, " = ", *number, ": must be a finite number");
  add_option({name, std::move(numbers)});
}

void Optimizer::add_option(Option option) {
  const std::string name = option.name;
  bool taken = name == "lr" || name == "weight_decay" || name == "initial_lr" || name == "params";
  for (const Option& other : options_) taken = taken || name == other.name;
  check(!taken, name_, ": option ", quote(name), ": its state has this name already: choose another name");
  options_.push_back(std::move(option));
}

void Optimizer::step() {
  for (const Group& group : groups_) {  // a caller may have written to groups()
    not_negative(name_, "step: lr", group.lr);
    not_negative(name_, "step: weight_decay", group.weight_decay);
  }
  ownership_.check();
  const core::OpName at(name_);
  const NoGrad no_history;
  size_t i = 0;
  for (Group& group : groups_)
    for (const Tensor& parameter : group.params) {
      Slots& slots = slots_[i++];
      Tensor p = parameter;
      const Tensor g = p.grad();
      if (!g.defined() || !p.requires_grad()) continue;
      const size_t had = slots.tensors.size();
      ++slots.step;
      try {
        update(p, g, slots, group);
      } catch (...) {
        --slots.step;  // a step that failed is none
        throw;
      }
      check(slots.step == 1 || slots.tensors.size() == had, name_, ": update() of a parameter ", parameter.shape(),
            " made a slot in step ", slots.step,
            ": a resumed run could not know which there are: make every slot in the parameter's first step");
      check(p.node() == parameter.node(), name_, ": update() assigned to its parameter ", parameter.shape(),
            ": the model would keep the old values: change it in place, as in p.add_(g, -group.lr)");
    }
}

void Optimizer::zero_grad() {
  for (Group& group : groups_)
    for (Tensor p : group.params) p.zero_grad();
}

void Optimizer::set_lr(double lr) {
  not_negative(name_, "set_lr: lr", lr);
  for (Group& group : groups_) {
    group.lr = lr;
    group.initial_lr.reset();
  }
}

Tensor& Optimizer::Slots::zeros(const char* slot, const Tensor& like) {
  check(std::string_view(slot) != "step", "slots: \"step\": counts the steps already: choose another name");
  Tensor& x = tensors[slot];
  if (!x.defined()) x = zeros_like(like);
  return x;
}

std::vector<double> Optimizer::Option::values() const {
  if (flag) return {*flag ? 1.0 : 0.0};
  std::vector<double> all;
  for (const double* number : numbers) all.push_back(*number);
  return all;
}

void Optimizer::Option::set(const std::vector<double>& values) const {
  if (flag) *flag = values[0] != 0;
  for (size_t i = 0; i < numbers.size(); ++i) *numbers[i] = values[i];
}

OptimizerState Optimizer::state_dict() const {
  OptimizerState state;
  state.kind = name_;
  int64_t index = 0;
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    const std::string prefix = cat("param_groups.", g, ".");
    state[prefix + "lr"] = scalar(group.lr, Dtype::f64);
    state[prefix + "weight_decay"] = scalar(group.weight_decay, Dtype::f64);
    if (group.initial_lr) state[prefix + "initial_lr"] = scalar(*group.initial_lr, Dtype::f64);
    for (const Option& option : options_) {
      const std::vector<double> values = option.values();
      const Shape shape = values.size() == 1 ? Shape{} : Shape{static_cast<int64_t>(values.size())};
      state[prefix + option.name] = tensor(values, shape, option.flag ? Dtype::boolean : Dtype::f64);
    }
    std::vector<int64_t> params;
    for (size_t i = 0; i < group.params.size(); ++i) params.push_back(index++);
    state[prefix + "params"] = tensor_i64(params);
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    state[cat(i, ".step")] = tensor_i64({slots_[i].step}, {});
    for (const auto& [name, x] : slots_[i].tensors) state[cat(i, ".", name)] = x;
  }
  return state;
}

// The contents of a state, checked but not yet applied.
struct Optimizer::Loaded {
  struct GroupOptions {
    double lr, weight_decay;
    std::optional<double> initial_lr;
  };
  std::vector<GroupOptions> groups;
  std::vector<std::vector<double>> options;  // one for all groups
  std::vector<Slots> slots;
};

void Optimizer::read_group(StateReader& from, size_t g, Loaded& loaded) const {
  const std::string prefix = cat("param_groups.", g, ".");
  const auto positive = [&](const char* name) {
    const double value = from.number(prefix + name);
    if (!(value >= 0) || std::isinf(value)) from.note(prefix, name, ": is ", value, ", must be a number >= 0");
    return value;
  };
  Loaded::GroupOptions& group = loaded.groups.emplace_back();
  group.lr = positive("lr");
  group.weight_decay = positive("weight_decay");
  if (from.has(prefix + "initial_lr")) group.initial_lr = positive("initial_lr");
  for (size_t i = 0; i < options_.size(); ++i) {
    const std::string name = prefix + options_[i].name;
    const std::vector<double> values = from.numbers(name, options_[i].values().size());
    for (const double value : values) {
      if (!std::isfinite(value)) from.note(name, ": is ", value, ", must be finite");
      else if (options_[i].flag && value != 0 && value != 1) from.note(name, ": is ", value, ", must be 0 or 1");
    }
    if (g == 0) loaded.options.push_back(values);
    else if (values != loaded.options[i])
      from.note(name, ": differs from the first group's: this option is the same for all groups");
  }
  size_t first = 0;
  for (size_t before = 0; before < g; ++before) first += groups_[before].params.size();
  const size_t size = groups_[g].params.size();
  const std::vector<double> params = from.numbers(prefix + "params", size);
  for (size_t i = 0; i < size && from.has(prefix + "params"); ++i)
    if (params[i] != static_cast<double>(first + i)) {
      from.note(prefix, "params: must be ", first, " … ", first + size - 1, ": the groups hold other parameters");
      break;
    }
}

// The options of a state, for as long as this lives.
struct Optimizer::OptionsOf {
  Optimizer& of;
  std::vector<std::vector<double>> before;

  OptionsOf(Optimizer& of_, const Loaded& loaded) : of(of_) {
    for (const Option& option : of.options_) before.push_back(option.values());
    set(loaded.options);
  }
  ~OptionsOf() { set(before); }
  OptionsOf(const OptionsOf&) = delete;
  OptionsOf& operator=(const OptionsOf&) = delete;

  void set(const std::vector<std::vector<double>>& values) const {
    for (size_t i = 0; i < values.size(); ++i) of.options_[i].set(values[i]);
  }
};

// The slots that p has from its first step on: a step of zeros in its shape shows them.
Optimizer::Slots Optimizer::first_slots(const Tensor& p, const Group& group) {
  Slots slots{.step = 1, .tensors = {}};
  const NoGrad no_history;
  Tensor x = zeros(p.shape(), p.dtype());
  try {
    update(x, zeros(p.shape(), p.dtype()), slots, group);
  } catch (const Error& error) {
    fail(name_, ": load_state_dict: update() of zeros ", p.shape(), ", which shows the slots, failed: ", error.what(),
         ": let it work on zeros");
  }
  return slots;
}

namespace {

// Notes a running average that no run can continue from. Averages of squares, under PyTorch's names, are never negative.
void check_average(StateReader& from, const std::string& name, const std::string& prefix, const Tensor& x) {
  if (!is_floating(x.dtype()) || x.numel() == 0) return;
  const std::vector<double> values = x.to_vector();
  if (std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }))
    return from.note(prefix, name, ": holds NaN: training had diverged before it was saved, or the state is damaged");
  const bool squares = name == "exp_avg_sq" || name == "max_exp_avg_sq" || name == "square_avg" || name == "sum";
  const double least = *std::min_element(values.begin(), values.end());
  if (squares && least < 0)
    from.note(prefix, name, ": has an element ", least, ", must be >= 0: it is an average or sum of squares");
}

}  // namespace

std::function<void()> Optimizer::prepare_load(const OptimizerState& state) {
  StateReader from(name_, state);
  const auto loaded = std::make_shared<Loaded>();
  for (size_t g = 0; g < groups_.size(); ++g) read_group(from, g, *loaded);
  {
    const OptionsOf during(*this, *loaded);
    try {
      check_options();
    } catch (const Error& error) {
      from.note("its options: ", error.what());
      from.refuse();
    }
    for (const Group& group : groups_)
      for (const Tensor& p : group.params) {
        const size_t i = loaded->slots.size();
        const std::string prefix = cat(i, ".");
        Slots& slots = loaded->slots.emplace_back();
        if (!from.has_under(prefix)) {
          from.note("no state for parameter ", i, " of ", slots_.size(), ", ", p.shape());
          continue;
        }
        slots.step = from.count(prefix + "step");
        const Slots first = first_slots(p, group);
        bool begun = slots.step > 0;
        for (const auto& [name, like] : first.tensors) begun |= from.has(prefix + name);
        for (const auto& [name, like] : first.tensors)
          if (begun) {
            slots.tensors[name] = from.tensor(prefix + name, like.shape(), like.dtype());
            if (slots.tensors[name].defined()) check_average(from, name, prefix, slots.tensors[name]);
          }
      }
  }
  from.finish();
  return [this, loaded] {
    for (size_t g = 0; g < groups_.size(); ++g) {
      groups_[g].lr = loaded->groups[g].lr;
      groups_[g].weight_decay = loaded->groups[g].weight_decay;
      groups_[g].initial_lr = loaded->groups[g].initial_lr;
    }
    for (size_t i = 0; i < options_.size(); ++i) options_[i].set(loaded->options[i]);
    slots_ = std::move(loaded->slots);
  };
}

}  // namespace heed::optim
