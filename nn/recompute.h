// Recomputation: less memory for more time.
//
//     x = recompute(block, x);   // instead of  x = block(x)
//
// Backward needs the values computed inside a layer, and keeping them takes most of a training step's memory.
// Here only x and y are kept, and backward recomputes the inside, one layer at a time: one more forward
// pass, about a third more time (Chen, Xu, Zhang & Guestrin 2016, "Training Deep Nets with Sublinear
// Memory Cost"; torch.utils.checkpoint). The values are those of y = layer(x), to the bit: dropout repeats
// its draws from the default generator. (A Dropout with a generator of its own is refused: that generator
// has advanced.)
#pragma once

#include <functional>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/core/random.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// y = layer(x), computed by `again` with the generator in the state `before`. Its gradient calls `again`.
Tensor recomputed(const Tensor& y, const Tensor& x, const Module& layer, const Generator& before,
                  std::function<Tensor(const Tensor&)> again);

/// Throws Error if an active Dropout has a generator of its own.
void check_draws_repeat(const Module& layer);

/// layer(x) for a layer that a call does not change. The layer need not live until backward: a copy, which
/// shares its tensors, is kept. AutogradError in backward if x or a tensor that the layer's visit() names, even frozen
/// weights and buffers, was changed in place since, or if the layer uses a parameter that it does not name.
/// While a capture or a patch lives (capture.h), layer(x) itself is called, and its inside is kept.
template <class Layer> Tensor recompute(const Layer& layer, const Tensor& x) {
  if (!grad_enabled() || watches) return layer(x);
  check_draws_repeat(layer);
  const Generator before = default_generator();
  const auto y = [&] {
    const NoGrad off;
    return layer(x);
  };
  return recomputed(y(), x, layer, before, [layer](const Tensor& again) { return layer(again); });
}

}  // namespace heed::nn
