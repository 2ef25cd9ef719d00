// Recomputation: memory for time.
//
//     x = recompute(block, x);   // in place of  x = block(x)
//
// Backward needs what a layer has computed inside, and keeping it is most of a training step's memory.
// Here only x and y are kept, and backward computes the inside again, a layer at a time: one more forward
// pass, about a third more time (Chen, Xu, Zhang & Guestrin 2016, "Training Deep Nets with Sublinear
// Memory Cost"; torch.utils.checkpoint). The values are those of y = layer(x), to the bit: dropout draws
// again what it drew from the default generator. (A Dropout with a generator of its own is refused: that one
// has moved on.)
#pragma once

#include <functional>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/core/random.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// y = layer(x), computed by `again` when the generator stood as in `before`. Its gradient calls `again`.
Tensor recomputed(const Tensor& y, const Tensor& x, const Module& layer, const Generator& before,
                  std::function<Tensor(const Tensor&)> again);

/// Throws Error where a Dropout that is at work has a generator of its own.
void check_draws_repeat(const Module& layer);

/// layer(x) for a layer that calling does not change. It may be gone when backward comes: a copy, which
/// shares its tensors, is kept. AutogradError in backward where x or what the layer's visit() names, frozen weights
/// and buffers too, was changed in place since, or where the layer uses a parameter that it does not name.
template <class Layer> Tensor recompute(const Layer& layer, const Tensor& x) {
  if (!grad_enabled()) return layer(x);
  check_draws_repeat(layer);
  const Generator before = default_generator();
  const auto y = [&] {
    const NoGrad off;
    return layer(x);
  };
  return recomputed(y(), x, layer, before, [layer](const Tensor& again) { return layer(again); });
}

}  // namespace heed::nn
