#include <heed/nn/recompute.h>

#include <heed/autograd/node.h>

namespace heed::nn {

Tensor recomputed(const Tensor& y, const Tensor& x, const std::vector<Tensor>& parameters, const Generator& before,
                  std::function<Tensor(const Tensor&)> again) {
  std::vector<Tensor> inputs{x};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  std::vector<Saved> kept;
  for (const Tensor& input : inputs) kept.push_back(saved(input));
  const uint64_t drawn = default_generator().counter() - before.counter();

  return op("recompute", y.array(), inputs, [kept, before, drawn, again = std::move(again)](const Tensor& g, const Tensor&) {
    const bool recording = grad_enabled();
    const EnableGrad on;
    Generator then = before;
    const GeneratorGuard same_draws(then);  // the generator that all threads share is left alone
    std::vector<Tensor> from;
    for (const Saved& input : kept) from.push_back(input());
    // What led to x is another node's to go through, unless the gradient's own history must reach it.
    if (!recording && from[0].requires_grad()) from[0] = parameter(from[0]);
    const Tensor y = again(from[0]);
    const uint64_t drawn_again = then.counter() - before.counter();
    check<AutogradError>(drawn_again == 0 || drawn_again == drawn, "recompute: ", drawn_again, " draws of ", drawn,
                         " in the forward pass: another thread drew from the default generator at the same time: give "
                         "each thread a generator of its own (GeneratorGuard)");

    std::vector<Tensor> wanted;
    for (const Tensor& input : from)
      if (input.requires_grad()) wanted.push_back(input);
    const std::vector<Tensor> found = grad(y, wanted, {.seed = g, .create_graph = recording});
    std::vector<Tensor> grads;
    for (size_t i = 0, next = 0; i < from.size(); ++i)
      grads.push_back(from[i].requires_grad() ? found[next++] : Tensor());
    return grads;
  });
}

}  // namespace heed::nn
