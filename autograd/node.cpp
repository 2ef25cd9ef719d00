#include <heed/autograd/node.h>

#include <heed/autograd/hooks.h>
#include <heed/autograd/joint.h>
#include <heed/core/ops/ops.h>
#include <heed/core/watch.h>

namespace heed {

Node::~Node() = default;

namespace {

// Freeing a node drops its inputs and kept values, which may free older nodes, and so on down a
// chain of any length. So each joins a list, and the first one frees all that are on it, in a loop.
thread_local Node* retired = nullptr;
thread_local bool freeing = false;

void retire(Node* node) {
  node->next_retired = std::exchange(retired, node);
  if (std::exchange(freeing, true)) return;
  while (Node* const next = retired) {
    retired = next->next_retired;
    delete next;
  }
  freeing = false;
}

}  // namespace

std::shared_ptr<Node> make_handle(Node* node) {
  return std::shared_ptr<Node>(node, retire, core::PoolAllocator<Node>());
}

void Saved::fail_changed() const {
  fail<AutogradError>(
      running_rule ? running_rule : "backward", ": a value ", value_.shape(),
      " kept for backward was modified in place afterwards (version ", value_.array().storage().version(),
      ", expected ", version_,
      "): change it after backward() (an optimizer's step() does that to its parameters), or work on a clone()");
}

Tensor record(core::Array&& y, Node* node) {
  std::shared_ptr<Node> handle = make_handle(node);
  if (observer) [[unlikely]]
    hooks_of(*node).path = core::scope_path();
  if (core::watch) [[unlikely]]
    core::watch->recorded(node->id);
  return Tensor(std::move(y), std::move(handle));
}

std::vector<Input> joint_inputs(const std::vector<Tensor>& inputs) {
  std::vector<Input> ends;
  for (const Tensor& x : inputs) {
    observe_input(x);
    const bool wants = grad_enabled() && x.requires_grad();
    ends.push_back(wants ? Input{x.node(), x.shape(), x.dtype()} : Input{});
  }
  return ends;
}

void check_joint_gradients(const Node& node, const std::vector<Tensor>& grads) {
  check<AutogradError>(grads.size() == node.inputs.size(), node.name, ": its rule returned ", grads.size(),
                       " gradients for ", node.inputs.size(), " inputs: return one for each, an empty Tensor for zero");
}

}  // namespace heed
