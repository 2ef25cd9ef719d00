// Optimizer: turns gradients into steps.
//
//     optim::SGD sgd(model.parameters(), {.lr = 0.1});
//     sgd.zero_grad();  loss.backward();  sgd.step();
//
// It owns handles to the parameters, so it sees the gradients that backward() wrote. A parameter
// without a gradient is not changed. Steps are not recorded.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <heed/autograd/resumable.h>
#include <heed/optim/ownership.h>

namespace heed::optim {

/// Parameters with settings of their own; settings that are not given are the optimizer's options.
struct ParamGroup {
  std::vector<Tensor> params;
  std::optional<double> lr = std::nullopt;
  std::optional<double> weight_decay = std::nullopt;
};

/// value, if it is a finite number >= 0, else an Error: "SGD: momentum = -1: …". For checking options.
double not_negative(const char* whose, const char* option, double value);

/// "3.exp_avg" -> an average of the fourth parameter, in the order of the groups; "param_groups.0.lr" -> an
/// option of the first group. Names are PyTorch's. Everything that an exact resume needs besides the parameters.
using OptimizerState = ResumeState;

class Optimizer : public Resumable {
 public:
  struct Group {
    const std::vector<Tensor> params;
    double lr, weight_decay;
    std::optional<double> initial_lr = std::nullopt;  // what schedules (schedule.h) start from
  };

  ~Optimizer() override = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One step with the current gradients. Throws AutogradError if the model's parameters have been replaced, and
  /// warns on stderr of parameters that no visit() names and no optimizer steps (ownership.h).
  void step();
  void zero_grad();  // drops all gradients

  std::span<Group> groups() { return groups_; }
  std::span<const Group> groups() const { return groups_; }
  void set_lr(double lr);  // for all groups

  OptimizerState state_dict() const override;
  /// For load_state_dict(): the state must be of the same kind of optimizer and match name by name, in shape and
  /// dtype. Learning rates and all other options are then those of the state. Averages may not be NaN; those of squares
  /// (exp_avg_sq, max_exp_avg_sq, square_avg, sum) may not be negative.
  std::function<void()> prepare_load(const OptimizerState& state) override;

 protected:
  Optimizer(const char* name, const std::vector<ParamGroup>& groups, double lr, double weight_decay);

  /// Makes an option part of the state, under PyTorch's name: one or several finite numbers (betas), or a flag.
  /// For the subclass's constructor; the values must live as long as the optimizer.
  void option(const char* name, std::vector<double*> numbers);
  void option(const char* name, double& number) { option(name, std::vector<double*>{&number}); }
  void option(const char* name, bool& flag) { add_option({name, {}, &flag}); }
  virtual void check_options() const {}  // throws Error if one is out of range

  /// What is kept for one parameter between steps, by name: running averages, initially zeros. A slot may have any
  /// shape and dtype; it is made in the parameter's first step.
  struct Slots {
    int64_t step = 0;
    std::map<std::string, Tensor> tensors;
    Tensor& zeros(const char* slot, const Tensor& like);
  };
  /// One step of p. Which slots there are may depend on options and p's shape, not on elements or the step: before a
  /// state is loaded, a step of zeros in p's shape shows them.
  virtual void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) = 0;

 private:
  struct Option {
    const char* name;
    std::vector<double*> numbers;
    bool* flag = nullptr;

    std::vector<double> values() const;
    void set(const std::vector<double>& values) const;
  };
  void add_option(Option option);  // Error for a name that the state has already
  struct Loaded;
  struct OptionsOf;
  void read_group(StateReader& from, size_t g, Loaded& loaded) const;
  Slots first_slots(const Tensor& p, const Group& group);

  const char* name_;
  std::vector<Group> groups_;
  std::vector<Option> options_;
  std::vector<Slots> slots_;  // one per parameter, in the order of the groups
  Ownership ownership_;
};

}  // namespace heed::optim
