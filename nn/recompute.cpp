#include <heed/nn/recompute.h>

#include <set>

#include <heed/autograd/graph.h>
#include <heed/autograd/joint.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/watch.h>

namespace heed::nn {

namespace {

// The draws of the forward pass from the default generator: the counters from `first` on.
struct Drawn {
  uint64_t seed, first, count;
};

// Without this check, the gradient of a parameter that visit() does not name would be lost silently.
void check_all_named(const Tensor& y, const Tensor& x, const std::vector<Tensor>& inputs) {
  std::set<const Node*> named{x.node().get()};
  for (const Tensor& input : inputs) named.insert(input.node().get());
  for (const LeafOf& leaf : leaves(y))
    check<AutogradError>(
        named.contains(leaf.node.get()), "recompute: the layer uses a parameter ", leaf.shape,
        " that its visit() does not name: its gradient would be lost: name it there, or freeze it with "
        "requires_grad(false)");
}

// The derivative by x and the parameters, each as it enters the layer: if a parameter also led to x, the gradient
// through x is propagated by other nodes. So x is a fresh view, or detached when not recording, and grad() stops at x.
std::vector<Tensor> inside_again(const Tensor& g, const Wanted& wanted, const std::vector<Tensor>& inputs,
                                 const std::vector<Tensor>&, const Drawn& drawn,
                                 const std::function<Tensor(const Tensor&)>& again) {
  const bool recording = grad_enabled();
  const EnableGrad on;
  Generator then(drawn.seed);
  then.set_counter(drawn.first);
  const GeneratorGuard same_draws(then);  // the shared generator is not used
  const Tensor x =
      recording ? inputs[0].reshape(inputs[0].shape()) : Tensor(inputs[0].array()).requires_grad(wanted[0]);
  const Tensor y = [&] {
    const NoWatch as_before;  // a patch that was made since must not change it
    return again(x);
  }();
  const uint64_t count = then.counter() - drawn.first;
  check<AutogradError>(count == 0 || count == drawn.count, "recompute: ", count, " draws of ", drawn.count,
                       " in the forward pass: another thread drew from the default generator at the same time: give "
                       "each thread a generator of its own (GeneratorGuard)");

  std::vector<Tensor> grads(inputs.size());
  if (!y.requires_grad()) return grads;  // it depends on none of the inputs
  if (!recording) check_all_named(y, x, inputs);
  std::vector<Tensor> asked;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (wanted[i]) asked.push_back(i == 0 ? x : inputs[i]);
  const std::vector<Tensor> found = grad(y, asked, {.seed = g, .create_graph = recording, .partial = true});
  for (size_t i = 0, next = 0; i < inputs.size(); ++i)
    if (wanted[i]) grads[i] = found[next++];
  return grads;
}

}  // namespace

void check_draws_repeat(const Module& layer) {
  for (const NamedModule& inner : named_modules(layer)) {
    const auto* const dropout = dynamic_cast<const Dropout*>(inner.module);
    check(!dropout || !dropout->generator || !dropout->training || dropout->p == 0.0, "recompute: ", class_name(layer),
          inner.name.empty() ? "" : ": " + inner.name,
          ": its Dropout has a generator of its own, which will have moved "
          "on when backward draws again: let it use the default generator (of this thread alone: GeneratorGuard)");
  }
}

Tensor recomputed(const Tensor& y, const Tensor& x, const Module& layer, const Generator& before,
                  std::function<Tensor(const Tensor&)> again) {
  std::vector<Tensor> inputs{x}, constants;
  for (const Tensor& parameter : layer.parameters()) inputs.push_back(parameter);
  for (const NamedTensor& entry : layer.state_dict()) constants.push_back(entry.tensor);
  const Drawn drawn{before.seed(), before.counter(), default_generator().counter() - before.counter()};
  // Safe unwatched: each tensor that the layer names is watched itself.
  const Unwatched<std::function<Tensor(const Tensor&)>> inside{std::move(again)};
  return op("recompute", y.array(), inputs, keep(inputs, constants, drawn, inside), inside_again);
}

}  // namespace heed::nn
