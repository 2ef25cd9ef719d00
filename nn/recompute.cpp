#include <heed/nn/recompute.h>

#include <heed/autograd/joint.h>
#include <heed/nn/clone.h>
#include <heed/nn/dropout.h>

namespace heed::nn {

namespace {

// What the forward pass drew from the default generator: the counters from `first` on.
struct Drawn {
  uint64_t seed, first, count;
};

// The derivative by x and the parameters, each as it enters the layer: where a parameter also led to x, what comes
// that way is another node's to find. So x is a view of its own, and grad() stops at what it is asked for.
std::vector<Tensor> inside_again(const Tensor& g, const Wanted& wanted, const std::vector<Tensor>& inputs,
                                 const Drawn& drawn, const std::function<Tensor(const Tensor&)>& again) {
  const bool recording = grad_enabled();
  const EnableGrad on;
  Generator then(drawn.seed);
  then.set_counter(drawn.first);
  const GeneratorGuard same_draws(then);  // the generator that all threads share is left alone
  const Tensor x = recording ? inputs[0].reshape(inputs[0].shape()) : Tensor(inputs[0].array()).requires_grad(wanted[0]);
  const Tensor y = again(x);
  const uint64_t count = then.counter() - drawn.first;
  check<AutogradError>(count == 0 || count == drawn.count, "recompute: ", count, " draws of ", drawn.count,
                       " in the forward pass: another thread drew from the default generator at the same time: give "
                       "each thread a generator of its own (GeneratorGuard)");

  std::vector<Tensor> asked;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (wanted[i]) asked.push_back(i == 0 ? x : inputs[i]);
  const std::vector<Tensor> found = grad(y, asked, {.seed = g, .create_graph = recording, .partial = true});
  std::vector<Tensor> grads(inputs.size());
  for (size_t i = 0, next = 0; i < inputs.size(); ++i)
    if (wanted[i]) grads[i] = found[next++];
  return grads;
}

}  // namespace

void check_draws_repeat(const Module& layer) {
  for (const NamedModule& inner : named_modules(layer)) {
    const auto* const dropout = dynamic_cast<const Dropout*>(inner.module);
    check(!dropout || !dropout->generator || !dropout->training || dropout->p == 0.0, "recompute: ", class_name(layer),
          inner.name.empty() ? "" : ": " + inner.name, ": its Dropout has a generator of its own, which will have moved "
          "on when backward draws again: let it use the default generator (of this thread alone: GeneratorGuard)");
  }
}

Tensor recomputed(const Tensor& y, const Tensor& x, const std::vector<Tensor>& parameters, const Generator& before,
                  std::function<Tensor(const Tensor&)> again) {
  std::vector<Tensor> inputs{x};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  const Drawn drawn{before.seed(), before.counter(), default_generator().counter() - before.counter()};
  // The layer's tensors are its parameters, which are watched as inputs.
  const Unwatched<std::function<Tensor(const Tensor&)>> layer{std::move(again)};
  return op("recompute", y.array(), inputs, keep(inputs, drawn, layer), inside_again);
}

}  // namespace heed::nn
