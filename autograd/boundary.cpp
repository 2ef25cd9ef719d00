#include <heed/autograd/boundary.h>

#include <algorithm>
#include <functional>

namespace heed {

Boundary::Boundary(const Tensor& output, const std::vector<Tensor>& inputs, bool partial) {
  uint64_t oldest = UINT64_MAX;
  for (size_t i = 0; i < inputs.size(); ++i) {
    nodes_[inputs[i].node().get()].asked.push_back(i);
    oldest = std::min(oldest, inputs[i].node()->id);
  }
  // A node is newer than its inputs: from the newest on, each is met once all that lead to it have been.
  core::PooledMap<uint64_t, const Node*, std::greater<>> pending;
  std::vector<const Node*> met;  // newest first
  pending.emplace(output.node()->id, output.node().get());
  while (!pending.empty()) {
    const Node* const node = pending.extract(pending.begin()).mapped();
    met.push_back(node);
    if (partial && nodes_.contains(node)) continue;
    for (const Input& input : node->inputs)
      if (input.node && input.node->requires_grad() && input.node->id >= oldest)
        pending.emplace(input.node->id, input.node.get());
  }
  for (auto node = met.rbegin(); node != met.rend(); ++node) {
    if (partial && nodes_.contains(*node)) continue;
    const auto leads = [&](const Input& input) {
      return input.node && input.node->requires_grad() && nodes_.contains(input.node.get());
    };
    if (std::ranges::any_of((*node)->inputs, leads)) nodes_[*node].goes_on = true;
  }
}

}  // namespace heed
