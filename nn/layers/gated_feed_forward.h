// Gated feed-forward networks: one half of the hidden layer gates the other.
//
//     SwiGLU(x) = (silu(x W_gateᵀ) ⊙ x W_upᵀ) W_downᵀ                       Shazeer 2020, eq. 6
//     GEGLU(x)  = (gelu(x W_gateᵀ) ⊙ x W_upᵀ) W_downᵀ
//
// Three matrices where FeedForward has two: at ⅔ of its hidden width both have equally many
// parameters. Names are Llama's: gate_proj, up_proj, down_proj; no biases by default.
#pragma once

#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/layers/activations.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct GatedFeedForwardOptions {
  int64_t hidden = 2048;
  double dropout = 0.0;  // of the hidden layer
  bool bias = false;
};

/// x (…, d) -> (…, d), each position separately. `gate` is any function of a tensor.
struct GatedFeedForward : Module {
  Linear gate_proj, up_proj, down_proj;  // d -> hidden, d -> hidden, hidden -> d
  Dropout dropout;
  Tensor (*gate)(const Tensor&);

  GatedFeedForward(Whole width, Tensor (*gate_)(const Tensor&), const GatedFeedForwardOptions& o = {})
      : gate_proj(width, o.hidden, {.bias = o.bias}),
        up_proj(width, o.hidden, {.bias = o.bias}),
        down_proj(o.hidden, width, {.bias = o.bias}),
        dropout(o.dropout),
        gate(gate_) {}

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(down_proj(dropout(scope("hidden", gate(gate_proj(x)) * up_proj(x)))));
  }

  void visit(Visitor& v) override {
    v("gate_proj", gate_proj);
    v("up_proj", up_proj);
    v("down_proj", down_proj);
    v("dropout", dropout);
  }
};

struct SwiGLU : GatedFeedForward {
  explicit SwiGLU(Whole width, const GatedFeedForwardOptions& o = {}) : GatedFeedForward(width, silu, o) {}
};

struct GEGLU : GatedFeedForward {
  explicit GEGLU(Whole width, const GatedFeedForwardOptions& o = {}) : GatedFeedForward(width, gelu, o) {}
};

}  // namespace heed::nn
