#include <heed/optim/optimizer.h>

#include <cmath>
#include <iostream>
#include <set>

#include <heed/autograd/create.h>
#include <heed/autograd/leaf.h>

namespace heed::optim {

Optimizer::Optimizer(const char* name, const std::vector<ParamGroup>& groups, double lr,
                     double weight_decay)
    : name_(name) {
  std::set<const Node*> seen;
  for (const ParamGroup& group : groups) {
    groups_.push_back({.params = group.params,
                       .lr = group.lr.value_or(lr),
                       .weight_decay = group.weight_decay.value_or(weight_decay)});
    const Group& g = groups_.back();
    check(g.lr >= 0 && std::isfinite(g.lr), name, ": lr = ", g.lr, ": must be a number >= 0");
    check(g.weight_decay >= 0 && std::isfinite(g.weight_decay), name,
          ": weight_decay = ", g.weight_decay, ": must be a number >= 0");
    for (const Tensor& p : group.params) {
      check<AutogradError>(
          p.node() && p.is_leaf(), name, ": a tensor ", p.shape(),
          " is no parameter: pass model.parameters(), or tensors made by parameter()");
      check<AutogradError>(seen.insert(p.node().get()).second, name, ": a parameter ", p.shape(),
                           " is given twice: each belongs to one group");
      static_cast<Leaf&>(*p.node()).owned = true;
    }
  }
  check(!seen.empty(), name,
        ": no parameters: pass model.parameters(), and see that visit() names them");
  slots_.resize(seen.size());
}

void Optimizer::step() {
  if (const std::optional<Shape> shape = take_unowned_gradient()) {
    static bool warned = false;
    if (!std::exchange(warned, true))
      std::cerr << "warning: " << name_ << ": backward() reached a parameter of shape " << *shape
                << " that no optimizer owns: does every visit() name all members?\n";
  }
  const NoGrad no_history;
  size_t i = 0;
  for (Group& group : groups_)
    for (Tensor& p : group.params) {
      Slots& slots = slots_[i++];
      const Tensor g = p.grad();
      if (!g.defined() || !p.requires_grad()) continue;
      ++slots.step;
      update(p, g, slots, group);
    }
}

void Optimizer::zero_grad() {
  for (Group& group : groups_)
    for (Tensor& p : group.params) p.zero_grad();
}

void Optimizer::set_lr(double lr) {
  for (Group& group : groups_) {
    group.lr = lr;
    group.initial_lr.reset();
  }
}

Tensor& Optimizer::Slots::zeros(const char* slot, const Tensor& like) {
  Tensor& x = tensors[slot];
  if (!x.defined()) x = zeros_like(like);
  return x;
}

OptimizerState Optimizer::state_dict() const {
  OptimizerState state;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const std::string prefix = std::to_string(i) + ".";
    state[prefix + "step"] = tensor_i64({slots_[i].step}, {});
    for (const auto& [name, x] : slots_[i].tensors) state[prefix + name] = x;
  }
  return state;
}

void Optimizer::load_state_dict(const OptimizerState& state) {
  std::vector<Tensor> params;
  for (const Group& group : groups_)
    params.insert(params.end(), group.params.begin(), group.params.end());
  std::vector<Slots> loaded(params.size());
  for (const auto& [key, x] : state) {
    size_t i = 0, used = 0;
    for (; used < key.size() && key[used] >= '0' && key[used] <= '9' && used < 9; ++used)
      i = i * 10 + size_t(key[used] - '0');
    check(used > 0 && used + 1 < key.size() && key[used] == '.' && i < params.size(), name_,
          ": load_state_dict: ", key, ": is no state of ", params.size(),
          " parameters: the optimizer was made for another model");
    const std::string slot = key.substr(used + 1);
    if (slot == "step") {
      loaded[i].step = static_cast<int64_t>(x.item());
      continue;
    }
    check<ShapeError>(x.shape() == params[i].shape(), name_, ": load_state_dict: ", key,
                      ": has shape ", x.shape(), ", the parameter has ", params[i].shape(),
                      ": the optimizer was made for another model");
    loaded[i].tensors[slot] = x.to(params[i].dtype()).clone();
  }
  slots_ = std::move(loaded);
}

}  // namespace heed::optim
