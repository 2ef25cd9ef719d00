// Sequential: layers in sequence.
//
//     nn::Sequential model(nn::Linear(2, 64), nn::ReLU(), nn::Linear(64, 2));
//     Tensor logits = model(x);
//
// Names are 0, 1, …: "0.weight", "2.bias". For a list of layers of one type, called in the model's
// own way, use std::vector<Layer>: visit() names its members in the same way.
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include <heed/nn/module.h>

namespace heed::nn {

template <class... Layers> struct Sequential : Module {
  std::tuple<Layers...> layers;

  explicit Sequential(Layers... l) : layers(std::move(l)...) {}

  Tensor operator()(Tensor x) const {
    const Scope scope(*this);
    std::apply([&x](const auto&... layer) { ((x = layer(x)), ...); }, layers);
    return scope(std::move(x));
  }

  /// The i-th layer:  model.get<0>().weight
  template <size_t i> auto& get() { return std::get<i>(layers); }

  void visit(Visitor& v) override {
    size_t i = 0;
    std::apply([&](auto&... layer) { (v(std::to_string(i++), layer), ...); }, layers);
  }
};

}  // namespace heed::nn
