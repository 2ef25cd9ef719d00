// What the Transformer's encoder and decoder share: layers in sequence, and a norm at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <heed/nn/clone.h>
#include <heed/nn/layers/norm.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// Each layer is a clone of the given one, so that all have the same initial values, as in PyTorch: fill `layers` by
/// hand for independent ones.
template <class Layer> struct TransformerStack : Module {
  std::vector<Layer> layers;
  std::optional<LayerNorm> norm;  // for pre-norm layers

  TransformerStack(const char* name, const Layer& layer, Whole count, std::optional<LayerNorm> last)
      : norm(std::move(last)) {
    check(count >= 0, name, ": ", count, " layers: must not be negative");
    for (int64_t i = 0; i < count; ++i) layers.push_back(clone(layer));
  }

  Tensor normed(const Tensor& x) const { return norm ? (*norm)(x) : x; }

  void visit(Visitor& v) override {
    v("layers", layers);
    v("norm", norm);
  }
};

}  // namespace heed::nn
