#include <heed/autograd/engine.h>

#include <algorithm>
#include <functional>

#include <heed/autograd/elementwise.h>
#include <heed/autograd/node.h>
#include <heed/core/ops.h>

namespace heed {

namespace {

struct RunningRule {
  const char* before;
  explicit RunningRule(const char* name) : before(std::exchange(running_rule, name)) {}
  ~RunningRule() { running_rule = before; }
};

struct Pending {
  std::shared_ptr<Node> node;
  Tensor g;
  Pending(const std::shared_ptr<Node>& to, Tensor&& arrived) : node(to), g(std::move(arrived)) {}
};

// A node's id exceeds the ids of its inputs, so the newest pending node has received every
// contribution it will ever get: no sort, no visited set, no recursion.
struct Pass {
  core::PooledMap<uint64_t, Pending, std::greater<>> pending;  // newest first
  bool recording = false;
  bool retain_graph = false;
  uint64_t oldest = 0;  // nodes older than this lead nowhere that is asked for

  void give(const char* from, const Input& to, Tensor&& g) {
    if (!to.node || !g.defined() || !to.node->requires_grad() || to.node->id < oldest) return;
    if (observer) [[unlikely]] observer->gradient(from, g, false);
    check<AutogradError>(!recording || g.requires_grad(), from,
                         ": can be differentiated once only: its rule leaves the history of the gradient: "
                         "write the rule in Tensors, without detach() or NoGrad");
    check<DtypeError>(g.dtype() == to.dtype, from, ": rule gave a gradient of ", g.dtype(), " for an input of ",
                      to.dtype, ": must be equal");
    if (g.shape() != to.shape) {  // the input was broadcast
      check<ShapeError>(core::broadcasts_to(to.shape, g.shape()), from, ": rule gave a gradient ", g.shape(), " for an input ",
                        to.shape, ": must have the input's shape, or one that it was broadcast to");
      g = g.sum_to(to.shape);
    }
    const auto [slot, first] = pending.try_emplace(to.node->id, to.node, std::move(g));
    if (first) return;
    Tensor& sum = slot->second.g;
    if (!sum.defined()) sum = std::move(g);  // it was taken to be added to
    else if (may_change(sum)) core::add_into(sum.array(), g.array());
    else sum = sum + g;
  }

  bool may_change(const Tensor& sum) const {
    return !recording && sum.array().storage().use_count() == 1 && sum.is_contiguous();
  }

  /// What waits at `to`, if it may be added to in place. (Who observes wants to see each share.)
  Tensor take(const Input& to) {
    const auto slot = to.node && !observer ? pending.find(to.node->id) : pending.end();
    return slot != pending.end() && may_change(slot->second.g) ? std::move(slot->second.g) : Tensor();
  }

  template <class Arrived>
  void run(const char* from, const Input& root, const Tensor& seed, Arrived&& arrived) {
    give(from, root, Tensor(seed));
    std::vector<Tensor> grads;
    while (!pending.empty()) {
      const auto newest = pending.extract(pending.begin());
      Pending& now = newest.mapped();
      Node& node = *now.node;
      if (node.hooks) now.g = run_hooks(node, std::move(now.g));
      if (arrived(node, now.g) || node.is_leaf()) continue;
      check<AutogradError>(!node.released(), node.name, ": what it saved for backward is gone, an earlier backward() "
                           "used it: pass {.retain_graph = true} there to go through the graph twice");
      grads.clear();
      if (node.adds_in_place) grads.push_back(take(node.inputs[0]));
      {
        const RunningRule running(node.name);
        if (observer) [[unlikely]] observer->gradient(node.name, now.g, true);
        node.pull(now.node, now.g, grads);
      }
      now.g = Tensor();
      for (size_t i = 0; i < grads.size(); ++i) give(node.name, node.inputs[i], std::move(grads[i]));
      if (!retain_graph) node.release();  // saved values die as soon as they are used
    }
  }
};

// The gradient that arrives at `output`: `seed`, or 1 for a single number.
Tensor seed_for(const char* op, const Tensor& output, const Tensor& seed) {
  check<AutogradError>(output.requires_grad(), op, ": ", output.shape(), " has no history: no tensor that requires "
                       "grad led to it, or it was made under NoGrad or detached");
  check<AutogradError>(seed.defined() || output.numel() == 1, op, ": ", output.shape(), " is not one number: "
                       "reduce it, as in mean(loss), or pass the gradient that arrives at it");
  check<ShapeError>(!seed.defined() || seed.shape() == output.shape(), op, ": output ", output.shape(), ", seed ",
                    seed.shape(), ": must have the same shape");
  return seed.defined() ? seed : Tensor(core::full(output.shape(), 1.0, output.dtype()));
}

}  // namespace

void Tensor::backward(const BackwardOptions& options) const { backward(Tensor(), options); }

void Tensor::backward(const Tensor& seed, const BackwardOptions& options) const {
  const Tensor g = seed_for("backward", *this, seed).detach();
  const NoGrad no_history;
  Pass pass;
  pass.retain_graph = options.retain_graph;
  pass.run("backward", {node(), shape(), dtype()}, g, [](Node& node, Tensor& arrived) {
    if (node.is_leaf()) node.accumulate(std::move(arrived));
    return false;
  });
}

std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs, const GradOptions& options) {
  Tensor g = seed_for("grad", output, options.seed);
  Pass pass;
  pass.recording = options.create_graph;
  pass.retain_graph = options.retain_graph || options.create_graph;
  pass.oldest = UINT64_MAX;
  for (const Tensor& x : inputs) {
    check<AutogradError>(x.requires_grad(), "grad: input ", x.shape(), " does not require grad: make it a parameter()");
    pass.oldest = std::min(pass.oldest, x.node()->id);
  }
  // When recording, the seed is a leaf: every gradient then has a history, and a rule whose result
  // has none has lost it. (Every rule is linear in g.)
  if (pass.recording && !g.requires_grad()) g = parameter(g);

  std::vector<Tensor> found(inputs.size());
  auto arrived = [&](Node& node, Tensor& here) {
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].node().get() == &node) found[i] = here;
    return node.id == pass.oldest;  // nothing that is asked for lies beyond
  };
  const NoGrad mode(pass.recording);
  pass.run("grad", {output.node(), output.shape(), output.dtype()}, pass.recording ? g : g.detach(), arrived);
  return found;
}

}  // namespace heed
