// grad(): derivatives with respect to the requested inputs, and nothing else.
#include <algorithm>
#include <functional>

#include <heed/autograd/engine.h>
#include <heed/autograd/pass.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

// The part of a graph between an output and the requested inputs: a node belongs to it if it is
// requested, or if one of its inputs belongs to it. Found in one walk over the output's history, O(n log n).
class Boundary : public Asked {
 public:
  std::vector<Tensor> found;

  Boundary(const Tensor& output, const std::vector<Tensor>& inputs, bool partial)
      : found(inputs.size()), partial_(partial) {
    uint64_t oldest = UINT64_MAX;  // older nodes lead to no requested input
    for (size_t i = 0; i < inputs.size(); ++i) {
      nodes_[inputs[i].node()->id].positions.push_back(i);
      oldest = std::min(oldest, inputs[i].node()->id);
    }
    // A node is newer than its inputs: in order from the newest, each is visited after all nodes that use it.
    core::PooledMap<uint64_t, const Node*, std::greater<>> pending;
    std::vector<const Node*> met;  // newest first
    pending.emplace(output.node()->id, output.node().get());
    while (!pending.empty()) {
      const Node* const node = pending.extract(pending.begin()).mapped();
      if (partial && nodes_.contains(node->id)) continue;  // its own inputs count as constant
      met.push_back(node);
      for (const Input& input : node->inputs)
        if (input.node && input.node->requires_grad() && input.node->id >= oldest)
          pending.emplace(input.node->id, input.node.get());
    }
    for (auto node = met.rbegin(); node != met.rend(); ++node) {
      const auto leads = [&](const Input& to) {
        return to.node && to.node->requires_grad() && nodes_.contains(to.node->id);
      };
      if (std::ranges::any_of((*node)->inputs, leads)) nodes_[(*node)->id].goes_on = true;
    }
  }

  bool contains(const Node& node) const override { return nodes_.contains(node.id); }
  // With ∂, an input's gradient is only a part of the total derivative: hooks do not see it.
  bool shows(const Node& node) const override { return !partial_ || nodes_.at(node.id).positions.empty(); }
  bool arrived(const Node& node, const Tensor& g) override {
    const Member& member = nodes_.at(node.id);
    for (size_t i : member.positions) found[i] = g;
    return member.goes_on;
  }

 private:
  struct Member {
    std::vector<size_t> positions;  // where it occurs among the requested inputs
    bool goes_on = false;           // one of its own inputs belongs to the boundary
  };
  core::PooledMap<uint64_t, Member> nodes_;  // by id
  const bool partial_;
};

}  // namespace

std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs, const GradOptions& options) {
  Tensor g = seed_for("grad", output, options.seed);
  for (const Tensor& x : inputs)
    check<AutogradError>(x.requires_grad(), "grad: input ", x.shape(), " does not require grad: make it a parameter()");
  Boundary boundary(output, inputs, options.partial);
  Pass pass;
  pass.recording = options.create_graph;
  pass.retain_graph = options.retain_graph || options.create_graph;
  pass.asked = &boundary;
  // When recording, the seed is a leaf: then every gradient has a history, and if a rule's result has none, the rule
  // has lost it. (Every rule is linear in g.)
  if (pass.recording && !g.requires_grad()) g = parameter(g);
  const NoGrad mode(pass.recording);
  pass.run("grad", output, pass.recording ? g : g.detach());
  if (!pass.recording)  // no two results, nor a result and the seed, may share elements
    for (Tensor& x : boundary.found)
      if (x.defined() && !(x.is_contiguous() && x.array().storage().use_count() == 1))
        x = Tensor(core::clone(x.array()));
  return std::move(boundary.found);
}

}  // namespace heed
