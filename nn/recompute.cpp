#include <heed/nn/recompute.h>

#include <set>

#include <heed/autograd/graph.h>
#include <heed/autograd/joint.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/dropout.h>

namespace heed::nn {

namespace {

// What the forward pass drew from the default generator: the counters from `first` on.
struct Drawn {
  uint64_t seed, first, count;
};

// A gradient that only the inside knows of would be lost in silence.
void check_all_named(const Tensor& y, const Tensor& x, const std::vector<Tensor>& inputs) {
  std::set<const Node*> named{x.node().get()};
  for (const Tensor& input : inputs) named.insert(input.node().get());
  for (const LeafOf& leaf : leaves(y))
    check<AutogradError>(
        named.contains(leaf.node.get()), "recompute: the layer uses a parameter ", leaf.shape,
        " that its visit() does not name: its gradient would be lost: name it there, or freeze it with "
        "requires_grad(false)");
}

// The derivative by x and the parameters, each as it enters the layer: where a parameter also led to x, what comes
// that way is another node's to find. So x is a view of its own, and grad() stops at what it is asked for.
std::vector<Tensor> inside_again(const Tensor& g, const Wanted& wanted, const std::vector<Tensor>& inputs,
                                 const std::vector<Tensor>&, const Drawn& drawn,
                                 const std::function<Tensor(const Tensor&)>& again) {
  const bool recording = grad_enabled();
  const EnableGrad on;
  Generator then(drawn.seed);
  then.set_counter(drawn.first);
  const GeneratorGuard same_draws(then);  // the generator that all threads share is left alone
  const Tensor x =
      recording ? inputs[0].reshape(inputs[0].shape()) : Tensor(inputs[0].array()).requires_grad(wanted[0]);
  const Tensor y = again(x);
  const uint64_t count = then.counter() - drawn.first;
  check<AutogradError>(count == 0 || count == drawn.count, "recompute: ", count, " draws of ", drawn.count,
                       " in the forward pass: another thread drew from the default generator at the same time: give "
                       "each thread a generator of its own (GeneratorGuard)");

  std::vector<Tensor> grads(inputs.size());
  if (!y.requires_grad()) return grads;  // nothing that is asked for leads to it
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
  // The layer's tensors are those that it names, which are watched, each.
  const Unwatched<std::function<Tensor(const Tensor&)>> inside{std::move(again)};
  return op("recompute", y.array(), inputs, keep(inputs, constants, drawn, inside), inside_again);
}

}  // namespace heed::nn
