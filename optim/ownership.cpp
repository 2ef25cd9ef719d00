#include <heed/optim/ownership.h>

#include <algorithm>
#include <iostream>

#include <heed/core/scope.h>

namespace heed::optim {

Ownership::~Ownership() {
  for (const Owned& p : params_) --p.leaf->owners;
}

void Ownership::take(const Tensor& p) {
  heed::check<AutogradError>(p.node() && p.is_leaf(), optimizer_, ": a tensor ", p.shape(),
                             " is not a parameter: pass model.parameters(), or tensors made by parameter()");
  Leaf* const leaf = static_cast<Leaf*>(p.node().get());
  const bool twice =
      std::any_of(params_.begin(), params_.end(), [&](const Owned& other) { return other.leaf == leaf; });
  heed::check<AutogradError>(!twice, optimizer_, ": a parameter ", p.shape(),
                             " is given twice: each belongs to one group");
  params_.push_back({leaf, p.shape()});
  ++leaf->owners;
}

std::string Ownership::describe(const Owned& owned) const {
  return cat("parameter ", &owned - params_.data(), " of ", params_.size(), ", ", owned.shape);
}

void Ownership::check() {
  const Leaves unowned = take_unowned_leaves();
  check_replaced(unowned);
  check_forgotten(unowned);
}

void Ownership::check_replaced(const Leaves& unowned) {
  std::vector<Owned*> alone;  // only this optimizer holds them
  size_t trained = 0;
  for (Owned& p : params_) {
    if (p.leaf->grad.defined() || !p.leaf->wants_grad) ++trained;
    else if (p.leaf->self.use_count() == 1) alone.push_back(&p);
  }
  if (alone.empty()) return;
  constexpr const char* remedy = "make the optimizer after to(), clone() and assignments";
  heed::check<AutogradError>(alone.size() < params_.size(), optimizer_, ": step: ", params_.size(),
                             " parameters, none with a gradient: no model holds them any more: ", remedy);
  for (Owned* p : alone) {
    const auto replacement = std::find_if(unowned.begin(), unowned.end(), [&](const std::shared_ptr<Leaf>& other) {
      return other->id > p->leaf->id && other->grad.defined() && other->grad.shape() == p->shape;
    });
    heed::check<AutogradError>(
        replacement == unowned.end(), optimizer_, ": step: ", describe(*p),
        ": was replaced: backward() reached another of its shape, which no optimizer owns: ", remedy);
    if (trained == 0 || std::exchange(p->warned, true)) continue;
    std::cerr
        << "warning: " << optimizer_ << ": step: " << describe(*p)
        << ": nothing but this optimizer holds it: if an assignment replaced it (weight = zeros(…) is a buffer, weight "
           "= "
           "parameter(zeros(…)) a parameter), make the optimizer afterwards; if its layer was removed, ignore this\n";
  }
}

void Ownership::check_forgotten(const Leaves& unowned) {
  if (core::members_wanted > 0) --core::members_wanted;
  for (const std::shared_ptr<Leaf>& leaf : unowned) {
    if (leaf->named || leaf->looked_at || leaf->hooks || !leaf->grad.defined()) continue;
    // It is reported only after modules called before the next steps have had the chance to name it.
    // A leaf newer than the optimizer may be an input of this very step, so it waits one step more.
    const int patience = leaf->id < made_ ? 1 : 2;
    const int seen = leaf->steps_seen++;
    if (seen == patience - 1) core::members_wanted = 8;  // steps; there may be several optimizers
    if (seen != patience) continue;
    std::cerr
        << "warning: " << optimizer_ << ": step: backward() reached a parameter " << leaf->grad.shape()
        << " that no visit() names and no optimizer owns: name it in the visit() of its module, or freeze it with "
           "requires_grad(false)\n";
  }
}

}  // namespace heed::optim
