#include <heed/autograd/node.h>

#include <heed/autograd/hooks.h>
#include <heed/core/ops.h>

namespace heed {

Node::~Node() = default;

namespace {

// Freeing a node drops its inputs and what it saved, which may free older nodes, and so on down a
// chain of any length. So all join a list, and the first to go frees what is on it.
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

struct JointNode : Node {
  std::vector<Input> ends;
  JointRule rule;  // empty once released
  std::optional<Saved> output;

  JointNode(const char* name_, const core::Array& y, std::vector<Input> ends_, JointRule rule_)
      : Node(name_), ends(std::move(ends_)), rule(std::move(rule_)), output(Tensor(y)) {
    inputs = ends;
  }
  void pull(const std::shared_ptr<Node>& self, const Tensor& g, std::vector<Tensor>& grads) override {
    grads = rule(g, Tensor((*output)().array(), self));
    check<AutogradError>(grads.size() == ends.size(), name, ": its rule gave ", grads.size(), " gradients for ",
                         ends.size(), " inputs: give one for each, an empty Tensor for zero");
  }
  void release() override { rule = nullptr; output.reset(); }
  bool released() const override { return !rule; }
};

}  // namespace

std::shared_ptr<Node> make_handle(Node* node) { return std::shared_ptr<Node>(node, retire, core::PoolAllocator<Node>()); }

void Saved::fail_changed() const {
  fail<AutogradError>(running_rule ? running_rule : "backward", ": a value ", value_.shape(),
                      " saved for backward was modified in place afterwards (version ",
                      value_.array().storage().version(), ", expected ", version_,
                      "): change it after backward(), or work on a clone()");
}

Tensor op(const char* name, core::Array y, const std::vector<Tensor>& inputs, JointRule rule) {
  std::vector<Input> ends;
  bool wanted = false;
  for (const Tensor& x : inputs) {
    if (observer) [[unlikely]] observer->input(x);
    const bool wants = grad_enabled() && x.requires_grad();
    ends.push_back(wants ? Input{x.node(), x.shape(), x.dtype()} : Input{});
    wanted |= wants;
  }
  if (observer) [[unlikely]] observer->output(name, y);
  if (!wanted) return Tensor(std::move(y));
  auto node = make_handle(new JointNode(name, y, std::move(ends), std::move(rule)));
  return Tensor(std::move(y), std::move(node));
}

}  // namespace heed
