#include <heed/nn/doctor/snapshot.h>

#include <algorithm>

#include <heed/autograd/graph.h>
#include <heed/autograd/leaf.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/dropout.h>

namespace heed::nn {

namespace {

struct EveryTensor final : Visitor {
  std::vector<Tensor> found;
  void on_tensor(const std::string&, Tensor& x) override { found.push_back(x); }
};

Leaf& leaf_of(const std::shared_ptr<Node>& node) { return static_cast<Leaf&>(*node); }

}  // namespace

Snapshot::Snapshot(Module& model, const std::optional<ExaminedOptimizer>& optimizer)
    : own_(default_generator()), first_(own_), guard_(own_) {
  EveryTensor all;
  model.visit(all);
  if (optimizer) all.found.insert(all.found.end(), optimizer->parameters.begin(), optimizer->parameters.end());
  for (const Tensor& x : all.found) keep_values(x);
  for (const NamedModule& inner : named_modules(model))
    modes_.emplace_back(const_cast<Module*>(inner.module), inner.module->training);
  for_each<Dropout>(model, [&](const std::string&, Dropout& layer) {
    if (layer.generator) generators_.emplace_back(layer.generator, *layer.generator);
  });
  if (!optimizer) return;
  optimizer_ = optimizer->state;
  const ResumeState now = optimizer_->state_dict();
  state_.kind = now.kind;
  for (const auto& [name, x] : now) state_[name] = x.detach().clone();
  put_state_back_ = optimizer_->prepare_load(state_);
}

Snapshot::~Snapshot() {
  const NoGrad no_history;
  for (auto& [x, before] : values_) x.copy_(before);
  if (put_state_back_) put_state_back_();
  for (KeptGradient& kept : gradients_) leaf_of(kept.leaf).grad = std::move(kept.grad);
  restore_modes();
  for (auto& [generator, before] : generators_) *generator = before;
}

void Snapshot::keep_values(const Tensor& x) {
  values_.emplace_back(x.detach(), x.detach().clone());
  if (x.node() && x.is_leaf()) keep_gradient(x.node());
}

// Cleared at once: backward() would add to the caller's gradient in place.
void Snapshot::keep_gradient(const std::shared_ptr<Node>& node) {
  if (leaves_.insert(node.get()).second) gradients_.push_back({node, std::exchange(leaf_of(node).grad, Tensor())});
}

void Snapshot::take_over(const Tensor& loss) {
  for (const LeafOf& leaf : leaves(loss)) keep_gradient(leaf.node);
}

void Snapshot::clear_gradients() {
  for (const KeptGradient& kept : gradients_) leaf_of(kept.leaf).grad = Tensor();
}

void Snapshot::rewind() {
  own_ = first_;
  for (auto& [generator, before] : generators_) *generator = before;
}

void Snapshot::restore_values() {
  const NoGrad no_history;
  for (auto& [x, before] : values_) x.copy_(before);
  if (optimizer_) optimizer_->load_state_dict(state_);
}

void Snapshot::restore_modes() {
  for (const auto& [module, training] : modes_) module->training = training;
}

bool Snapshot::all_training() const {
  return std::all_of(modes_.begin(), modes_.end(), [](const auto& mode) { return mode.second; });
}

}  // namespace heed::nn
