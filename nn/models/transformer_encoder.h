// The Transformer's encoder (Vaswani et al. 2017, figure 1, left), as in torch.nn.
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
#include <utility>

#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/layers/feed_forward.h>
#include <heed/nn/layers/norm.h>
#include <heed/nn/models/transformer_stack.h>

namespace heed::nn {

struct TransformerOptions {  // of an encoder's or a decoder's layer
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  Tensor (*activation)(const Tensor&) = relu;
  double layer_norm_eps = 1e-5;
  bool norm_first = false;  // pre-norm
  bool bias = true;
};

/// x (B, n, d_model) -> (B, n, d_model). The options are those of its self-attention.
struct TransformerEncoderLayer : Module {
  MultiHeadAttention self_attn;
  FeedForward feed_forward;  // linear1, linear2
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;
  bool norm_first;

  TransformerEncoderLayer(Whole d_model, Whole num_heads, const TransformerOptions& = {});
  Tensor operator()(const Tensor& x, const AttentionOptions& = {}) const;
  void visit(Visitor& v) override;
};

/// `count` independent clones of `layer`, equal at first, one after the other.
struct TransformerEncoder : TransformerStack<TransformerEncoderLayer> {
  TransformerEncoder(const TransformerEncoderLayer& layer, Whole count, std::optional<LayerNorm> last = std::nullopt)
      : TransformerStack("TransformerEncoder", layer, count, std::move(last)) {}
  Tensor operator()(const Tensor& x, const AttentionOptions& = {}) const;
};

}  // namespace heed::nn
