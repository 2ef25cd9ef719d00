#include <heed/autograd/hooks.h>

#include <algorithm>

#include <heed/autograd/node.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

void check_arrives(const char* op, const Tensor& x) {
  check<AutogradError>(x.requires_grad(), op, ": ", x.shape(),
                       " does not require grad: no gradient will arrive here: "
                       "make it a parameter(), or use a tensor computed from one");
}

}  // namespace

Hooks& hooks_of(Node& node) {
  if (!node.hooks) node.hooks = std::make_shared<Hooks>();
  return *node.hooks;
}

void Tensor::retain_grad() const {
  check_arrives("retain_grad", *this);
  if (!is_leaf()) hooks_of(*node_).retain = true;
}

HookHandle Tensor::register_hook(std::function<Tensor(const Tensor&)> hook) const {
  check_arrives("register_hook", *this);
  check<AutogradError>(hook != nullptr, "register_hook: ", shape(),
                       ", an empty function: pass one that takes a gradient");
  auto function = std::make_shared<Hook>(std::move(hook));
  hooks_of(*node_).functions.push_back(function);
  return HookHandle(node_->hooks, function);
}

void HookHandle::remove() {
  if (const auto hooks = hooks_.lock()) std::erase(hooks->functions, function_.lock());
  hooks_.reset();
}

std::string layer_name(const core::ScopeFrame& frame) {
  const Node& node = *static_cast<const Node*>(frame.module);
  if (node.hooks && !node.hooks->path.empty()) return node.hooks->path;
  return node.layer ? core::class_name(*node.layer) : "";
}

Tensor run_hooks(Node& node, Tensor g) {
  const std::shared_ptr<Hooks> hooks = node.hooks;
  const std::vector<std::shared_ptr<Hook>> now = hooks->functions;  // a hook may change the list
  for (const auto& function : now) {
    if (std::ranges::find(hooks->functions, function) == hooks->functions.end()) continue;  // removed meanwhile
    // A copy: g may share its elements with other pending gradients, or with the caller's seed.
    const Tensor shown(core::clone(g.array()), g.node());
    const uint32_t version = shown.array().storage().version();
    Tensor changed = (*function)(shown);
    check<AutogradError>(shown.array().storage().version() == version, node.name, ": a hook changed its gradient ",
                         g.shape(), " in place: return the new gradient instead, as in g * 2.0");
    if (!changed.defined()) continue;
    check<ShapeError>(changed.shape() == g.shape(), node.name, ": a hook gave a gradient ", changed.shape(),
                      " in place of ", g.shape(), ": must have the same shape");
    check<DtypeError>(changed.dtype() == g.dtype(), node.name, ": a hook gave a gradient of ", changed.dtype(),
                      " in place of ", g.dtype(), ": must have the same dtype: convert it with to(Dtype)");
    g = std::move(changed);
  }
  if (hooks->retain)
    hooks->grad =
        hooks->grad.defined() ? Tensor(core::zip(core::Binary::add, hooks->grad.array(), g.array())) : g.detach();
  return g;
}

}  // namespace heed
