#include <heed/autograd/pass.h>

#include <utility>

#include <heed/core/ops/ops.h>
#include <heed/core/watch.h>

namespace heed {

bool Pass::arrive(Node& node, Tensor& g) const {
  if (node.hooks && (!asked || asked->shows(node))) g = run_hooks(node, std::move(g));
  if (asked) return asked->arrived(node, g) && !node.is_leaf();
  if (node.is_leaf()) node.accumulate(std::move(g));
  return !node.is_leaf();
}

RunningRule::RunningRule(const Node& node)
    : before_(std::exchange(running_rule, node.name)), frame_{&node, node.layer, layer_name, core::current_scope} {
  core::current_scope = &frame_;
  if (core::watch) [[unlikely]]
    core::watch->rule_begins(node.name, node.id);
}

RunningRule::~RunningRule() {
  if (core::watch) [[unlikely]]
    core::watch->rule_ends();
  core::current_scope = frame_.outer;
  running_rule = before_;
}

Tensor seed_for(const char* op, const Tensor& output, const Tensor& seed) {
  check<AutogradError>(output.requires_grad(), op, ": ", output.shape(),
                       " has no history: no tensor that requires grad led to it, or it was made under NoGrad or "
                       "detached: make what it depends on with parameter(…)");
  check<AutogradError>(
      seed.defined() || output.numel() == 1, op, ": ", output.shape(),
      " does not have exactly one element: reduce it, as in mean(loss), or pass the gradient that arrives at it");
  check<ShapeError>(!seed.defined() || seed.shape() == output.shape(), op, ": output ", output.shape(), ", seed ",
                    seed.shape(), ": must have the same shape");
  check<DtypeError>(!seed.defined() || seed.dtype() == output.dtype(), op, ": output ", output.dtype(), ", seed ",
                    seed.dtype(), ": must have the same dtype: convert the seed with to(Dtype)");
  return seed.defined() ? seed : Tensor(core::full(output.shape(), 1.0, output.dtype()));
}

}  // namespace heed
