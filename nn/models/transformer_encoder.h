// The Transformer's encoder (Vaswani et al. 2017, figure 1, left), as torch.nn has it.
// The decoder is in transformer_decoder.h, both together in transformer.h.
//
//     post-norm   x = norm1(x + attn(x));   x = norm2(x + ff(x))   as in the paper
//     pre-norm    x = x + attn(norm1(x));   x = x + ff(norm2(x))   (Xiong et al. 2020)
//
// Pre-norm trains without warm-up. Names, shapes and initial values are those of torch.nn's
// TransformerEncoderLayer and TransformerEncoder, except that batch comes first. Dropout: on the
// weights, after the attention, inside the feed-forward network, and after it.
#pragma once

#include <optional>
#include <vector>

#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/layers/feed_forward.h>
#include <heed/nn/layers/norm.h>

namespace heed::nn {

struct TransformerOptions {  // of an encoder's or a decoder's layer
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  Tensor (*activation)(const Tensor&) = relu;
  double layer_norm_eps = 1e-5;
  bool norm_first = false;  // pre-norm
  bool bias = true;
};

struct TransformerCall {
  std::optional<Tensor> mask = std::nullopt;      // (n, n), (B, n, n), (B or 1, h or 1, n, n): masks.h
  std::optional<Tensor> key_mask = std::nullopt;  // boolean (B, n): false for padding
  bool causal = false;
};

/// x (B, n, d_model) -> (B, n, d_model).
struct TransformerEncoderLayer : Module {
  MultiHeadAttention self_attn;
  FeedForward feed_forward;  // linear1, linear2
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;
  bool norm_first;

  TransformerEncoderLayer(int64_t d_model, int64_t num_heads, const TransformerOptions& = {});
  Tensor operator()(const Tensor& x, const TransformerCall& = {}) const;
  void visit(Visitor& v) override;
};

/// Layers one after the other. Each is a clone of the one given, so that all start alike, as in
/// PyTorch: `layers` may be filled by hand for independent starts.
struct TransformerEncoder : Module {
  std::vector<TransformerEncoderLayer> layers;
  std::optional<LayerNorm> norm;  // at the end; pre-norm layers want one

  TransformerEncoder(const TransformerEncoderLayer& layer, int64_t count, std::optional<LayerNorm> norm = std::nullopt);
  Tensor operator()(const Tensor& x, const TransformerCall& = {}) const;
  void visit(Visitor& v) override {
    v("layers", layers);
    v("norm", norm);
  }
};

}  // namespace heed::nn
