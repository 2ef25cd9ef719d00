// How gradients are propagated. The order is the loop in Pass::run(): take the newest node that a gradient has
// reached; its rule turns the gradient into those of its inputs, where they wait (pending.cpp sums them, pass.cpp
// leaves them with parameters).
//
// That is a topological order: ids grow with creation and inputs exist before outputs, so the newest waiting node
// has received all its contributions. No sort, no visited set, no recursion.
#include <heed/autograd/engine.h>

#include <heed/autograd/pass.h>
#include <heed/autograd/pending.h>

namespace heed {

void Pass::run(const char* from, const Tensor& output, const Tensor& seed) const {
  Pending pending(*this);
  const Input root{output.node(), output.shape(), output.dtype()};
  if (pending.wants(root)) pending.give(from, root, seed);
  while (!pending.empty()) {
    auto [node, g] = pending.newest();
    if (!arrive(*node, g)) continue;  // it ends here: at a leaf, which keeps it, or at an input of grad()
    const RunningRule running(*node);
    check<AutogradError>(!node->released(), node->name,
                         ": what it kept for backward is gone, an earlier backward() used it: detach() what is carried "
                         "over from the step before, as a hidden state is, or pass {.retain_graph = true} there to go "
                         "through the graph twice");
    observe_gradient(node->name, g, true);
    node->pull(node, g, pending);
    if (!retain_graph) node->release();  // saved values die as soon as they are used
  }
}

void Tensor::backward(const BackwardOptions& options) const { backward(Tensor(), options); }

void Tensor::backward(const Tensor& seed, const BackwardOptions& options) const {
  const Tensor g = seed_for("backward", *this, seed).detach();
  const NoGrad no_history;
  Pass{.retain_graph = options.retain_graph}.run("backward", *this, g);
}

}  // namespace heed
