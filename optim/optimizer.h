// Optimizer: turns gradients into steps.
//
//     optim::SGD sgd(model.parameters(), {.lr = 0.1});
//     sgd.zero_grad();  loss.backward();  sgd.step();
//
// It owns handles to the parameters, so it sees what backward() wrote to their grad. A parameter
// without a gradient is left alone. Steps are taken without history.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <heed/autograd/resumable.h>
#include <heed/optim/ownership.h>

namespace heed::optim {

/// Parameters with settings of their own; what is not set follows the optimizer's options.
struct ParamGroup {
  std::vector<Tensor> params;
  std::optional<double> lr = std::nullopt;
  std::optional<double> weight_decay = std::nullopt;
};

/// value, if it is a number >= 0, else an Error: "SGD: momentum = -1: …". For whoever takes options.
double not_negative(const char* whose, const char* option, double value);

/// "3.exp_avg" -> numbers of the fourth parameter, in the order of the groups; "param_groups.0.lr" -> an
/// option of the first group. Names are PyTorch's. All that an exact resume needs besides the parameters.
using OptimizerState = ResumeState;

class Optimizer : public Resumable {
 public:
  struct Group {
    const std::vector<Tensor> params;
    double lr, weight_decay;
    std::optional<double> initial_lr = std::nullopt;  // what schedules (schedule.h) begin with
  };

  ~Optimizer() override = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One step with the gradients at hand. Throws AutogradError where the model has other parameters by now, and
  /// warns on stderr of those that no visit() names and nobody steps (ownership.h).
  void step();
  void zero_grad();  // drops all gradients

  std::span<Group> groups() { return groups_; }
  std::span<const Group> groups() const { return groups_; }
  void set_lr(double lr);  // for all groups

  OptimizerState state_dict() const override;
  /// Of load_state_dict(): the state must be of the same kind of optimizer and fit name by name, with the shapes
  /// and dtypes of the parameters. Learning rates and all other options are then those of the state.
  std::function<void()> prepare_load(const OptimizerState& state) override;

 protected:
  Optimizer(const char* name, const std::vector<ParamGroup>& groups, double lr, double weight_decay);

  /// Makes an option part of the state, under PyTorch's name: finite numbers, one or several (betas), or on and off.
  /// For the constructor of the subclass; the values must live as long as it.
  void option(const char* name, std::vector<double*> numbers);
  void option(const char* name, double& number) { option(name, std::vector<double*>{&number}); }
  void option(const char* name, bool& flag) { options_.push_back({name, {}, &flag}); }
  virtual void check_options() const {}  // throws Error where one is out of range

  /// The running averages of one parameter, by name; made as zeros at first use.
  struct Slots {
    int64_t step = 0;
    std::map<std::string, Tensor> tensors;
    Tensor& zeros(const char* slot, const Tensor& like);
  };
  /// One step of p. Which slots there are may depend on options, not on p, g or the step.
  virtual void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) = 0;

 private:
  struct Option {
    const char* name;
    std::vector<double*> numbers;
    bool* flag = nullptr;

    std::vector<double> values() const;
    void set(const std::vector<double>& values) const;
  };
  struct Loaded;
  void read_group(StateReader& from, size_t g, Loaded& loaded) const;
  std::vector<std::string> slot_names(StateReader& from, const Loaded& loaded);

  const char* name_;
  std::vector<Group> groups_;
  std::vector<Option> options_;
  std::vector<Slots> slots_;  // one a parameter, in the order of the groups
  Ownership ownership_;
};

}  // namespace heed::optim
