// The position-wise feed-forward network: attention mixes positions, this network mixes features.
#pragma once

#include <heed/nn/layers/activations.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct FeedForwardOptions {
  int64_t hidden = 2048;
  double dropout = 0.1;
  Tensor (*activation)(const Tensor&) = relu;  // any function of a tensor: gelu, silu, …
  bool bias = true;
};

/// W₂ dropout(f(W₁ x + b₁)) + b₂ at each position separately (Vaswani et al. 2017, eq. 2). x (…, d).
struct FeedForward : Module {
  Linear linear1, linear2;  // d -> hidden -> d
  Dropout dropout;
  Tensor (*activation)(const Tensor&);

  explicit FeedForward(Whole width, const FeedForwardOptions& o = {})
      : linear1(width, o.hidden, {.bias = o.bias}),
        linear2(o.hidden, width, {.bias = o.bias}),
        dropout(o.dropout),
        activation(o.activation) {
    check(activation != nullptr, "FeedForward: activation is null: pass a function, such as relu");
  }

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(linear2(dropout(scope("hidden", activation(linear1(x))))));
  }

  void visit(Visitor& v) override {
    v("linear1", linear1);
    v("dropout", dropout);
    v("linear2", linear2);
  }
};

}  // namespace heed::nn
