#include <heed/autograd/engine.h>

#include <functional>

#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/pass.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

// While a node's rule runs, errors name the layer that the node was made in.
struct RunningRule {
  const char* const before;
  const core::ScopeFrame frame;
  explicit RunningRule(const Node& node)
      : before(std::exchange(running_rule, node.name)), frame{&node, node.layer, layer_name, core::current_scope} {
    core::current_scope = &frame;
  }
  ~RunningRule() {
    core::current_scope = frame.outer;
    running_rule = before;
  }
  RunningRule(const RunningRule&) = delete;
};

struct Pending {
  std::shared_ptr<Node> node;
  Tensor g;
  Pending(const std::shared_ptr<Node>& to, Tensor&& arrived) : node(to), g(std::move(arrived)) {}
};

// A node's id exceeds the ids of its inputs, so the newest pending node has received every
// contribution it will ever get: no sort, no visited set, no recursion.
struct Walk : Pass {
  core::PooledMap<uint64_t, Pending, std::greater<>> pending;  // newest first

  bool leads_somewhere(const Input& to) const {
    return to.node && to.node->requires_grad() && (!asked || asked->contains(*to.node));
  }

  void give(const char* from, const Input& to, Tensor&& g) {
    if (!g.defined()) return;
    if (observer) [[unlikely]]
      observer->gradient(from, g, false);
    check<AutogradError>(!recording || g.requires_grad(), from,
                         ": can be differentiated once only: its rule leaves the history of the gradient: "
                         "write the rule in Tensors, without detach() or NoGrad");
    check<DtypeError>(g.dtype() == to.dtype, from, ": rule gave a gradient of ", g.dtype(), " for an input of ",
                      to.dtype, ": must be equal");
    if (g.shape() != to.shape) {  // the input was broadcast
      check<ShapeError>(core::broadcasts_to(to.shape, g.shape()), from, ": rule gave a gradient ", g.shape(),
                        " for an input ", to.shape, ": must have the input's shape, or one that it was broadcast to");
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

  /// Shows a complete gradient to whoever wants it. False: nothing lies beyond.
  bool goes_on(Node& node, Tensor& g) const {
    if (asked) return asked->arrived(node, g) && !node.is_leaf();
    if (node.is_leaf()) node.accumulate(std::move(g));
    return !node.is_leaf();
  }

  void walk(const char* from, const Input& root, const Tensor& seed) {
    if (leads_somewhere(root)) give(from, root, Tensor(seed));
    std::vector<Tensor> grads;
    Wanted wanted;
    while (!pending.empty()) {
      const auto newest = pending.extract(pending.begin());
      Pending& now = newest.mapped();
      Node& node = *now.node;
      if (node.hooks && (!asked || asked->shows(node))) now.g = run_hooks(node, std::move(now.g));
      if (!goes_on(node, now.g)) continue;
      const RunningRule running(node);
      check<AutogradError>(!node.released(), node.name,
                           ": what it kept for backward is gone, an earlier backward() used "
                           "it: detach() what is carried over from the step before, as a hidden state is, or pass "
                           "{.retain_graph = true} there to go through the graph twice");
      wanted.clear();
      for (const Input& input : node.inputs) wanted.push_back(leads_somewhere(input));
      grads.clear();
      if (node.adds_in_place) grads.push_back(take(node.inputs[0]));
      if (observer) [[unlikely]]
        observer->gradient(node.name, now.g, true);
      node.pull(now.node, now.g, wanted, grads);
      now.g = Tensor();
      for (size_t i = 0; i < grads.size(); ++i)
        if (wanted[i]) give(node.name, node.inputs[i], std::move(grads[i]));
      if (!retain_graph) node.release();  // saved values die as soon as they are used
    }
  }
};

}  // namespace

void Pass::run(const char* from, const Tensor& output, const Tensor& seed) const {
  Walk walk{*this, {}};
  walk.walk(from, {output.node(), output.shape(), output.dtype()}, seed);
}

Tensor seed_for(const char* op, const Tensor& output, const Tensor& seed) {
  check<AutogradError>(
      output.requires_grad(), op, ": ", output.shape(),
      " has no history: no tensor that requires "
      "grad led to it, or it was made under NoGrad or detached: make what it depends on with parameter(…)");
  check<AutogradError>(seed.defined() || output.numel() == 1, op, ": ", output.shape(),
                       " is not one number: "
                       "reduce it, as in mean(loss), or pass the gradient that arrives at it");
  check<ShapeError>(!seed.defined() || seed.shape() == output.shape(), op, ": output ", output.shape(), ", seed ",
                    seed.shape(), ": must have the same shape");
  check<DtypeError>(!seed.defined() || seed.dtype() == output.dtype(), op, ": output ", output.dtype(), ", seed ",
                    seed.dtype(), ": must have the same dtype: convert the seed with to(Dtype)");
  return seed.defined() ? seed : Tensor(core::full(output.shape(), 1.0, output.dtype()));
}

void Tensor::backward(const BackwardOptions& options) const { backward(Tensor(), options); }

void Tensor::backward(const Tensor& seed, const BackwardOptions& options) const {
  const Tensor g = seed_for("backward", *this, seed).detach();
  const NoGrad no_history;
  Pass{.retain_graph = options.retain_graph}.run("backward", *this, g);
}

}  // namespace heed
