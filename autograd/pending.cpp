#include <heed/autograd/pending.h>

#include <utility>

#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/pass.h>
#include <heed/core/ops/ops.h>

namespace heed {

bool Pending::wants(const Input& to) const {
  return to.node && to.node->requires_grad() && (!pass_.asked || pass_.asked->contains(*to.node));
}

bool Pending::may_change(const Tensor& sum) const {
  return !pass_.recording && sum.array().storage().use_count() == 1 && sum.is_contiguous();
}

void Pending::give(const char* from, const Input& to, Tensor g) {
  if (!g.defined()) return;
  observe_gradient(from, g, false);
  check<AutogradError>(!pass_.recording || g.requires_grad(), from,
                       ": can be differentiated once only: its rule leaves the history of the gradient: "
                       "write the rule in Tensors, without detach() or NoGrad");
  check<DtypeError>(g.dtype() == to.dtype, from, ": its rule returned a gradient of ", g.dtype(), " for an input of ",
                    to.dtype, ": must be equal");
  if (g.shape() != to.shape) {  // the input was broadcast
    check<ShapeError>(core::broadcasts_to(to.shape, g.shape()), from, ": its rule returned a gradient ", g.shape(),
                      " for an input ", to.shape, ": must have the input's shape, or one that it was broadcast to");
    g = g.sum_to(to.shape);
  }
  const auto [slot, first] = sums_.try_emplace(to.node->id);
  if (first) slot->second.node = to.node;
  Tensor& sum = slot->second.g;
  if (!sum.defined()) sum = std::move(g);  // the first share; or the sum was taken, to be added to
  else if (may_change(sum)) core::add_into(sum.array(), g.array());
  else sum = sum + g;
}

Tensor Pending::take(const Input& to) {
  if (!to.node || observer) return Tensor();  // an observer must see each share
  const auto slot = sums_.find(to.node->id);
  return slot != sums_.end() && may_change(slot->second.g) ? std::move(slot->second.g) : Tensor();
}

Pending::Arrival Pending::newest() { return std::move(sums_.extract(sums_.begin()).mapped()); }

}  // namespace heed
