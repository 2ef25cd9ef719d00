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
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::optim {

/// Parameters with settings of their own; what is not set follows the optimizer's options.
struct ParamGroup {
  std::vector<Tensor> params;
  std::optional<double> lr = std::nullopt;
  std::optional<double> weight_decay = std::nullopt;
};

/// "3.exp_avg" -> numbers of the fourth parameter, in the order of the groups. All that an exact
/// resume needs besides the parameters.
using OptimizerState = std::map<std::string, Tensor>;

class Optimizer {
 public:
  struct Group {
    std::vector<Tensor> params;
    double lr, weight_decay;
    std::optional<double> initial_lr = std::nullopt;  // what schedules (schedule.h) begin with
  };

  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One step with the gradients at hand. Warns once, on stderr, if backward() reached a parameter
  /// that no optimizer owns: most often a member that visit() forgot.
  void step();
  void zero_grad();  // drops all gradients

  std::vector<Group>& groups() { return groups_; }
  const std::vector<Group>& groups() const { return groups_; }
  void set_lr(double lr);  // for all groups

  OptimizerState state_dict() const;
  /// Throws Error where a name or shape does not fit; nothing is changed then.
  void load_state_dict(const OptimizerState& state);

 protected:
  Optimizer(const char* name, const std::vector<ParamGroup>& groups, double lr,
            double weight_decay);

  /// The running averages of one parameter, by name; made as zeros at first use.
  struct Slots {
    int64_t step = 0;
    std::map<std::string, Tensor> tensors;
    Tensor& zeros(const char* slot, const Tensor& like);
  };
  virtual void update(Tensor& p, const Tensor& g, Slots& slots, const Group& group) = 0;

 private:
  const char* name_;
  std::vector<Group> groups_;
  std::vector<Slots> slots_;  // one a parameter, in the order of the groups
};

}  // namespace heed::optim
