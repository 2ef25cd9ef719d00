// Multi-head attention: h small attentions side by side, each over projections of its own.
//
//     MultiHead(Q, K, V) = [head₁ … head_h] W_Oᵀ + b_O                 Vaswani et al. 2017, § 3.2.2
//     headᵢ = Attention(Q W_Q,ᵢᵀ, K W_K,ᵢᵀ, V W_V,ᵢᵀ),   width d = E / h each
//
// Names, shapes and initial values are those of torch.nn.MultiheadAttention(batch_first=True): its
// checkpoints load unchanged, but its boolean masks mean the opposite of ours (masks.h). The class
// MultiHeadAttention(num_heads, d_model) of heed's first seed is this one, called with (v, k, q).
// add_bias_kv and add_zero_attn are not offered.
#pragma once

#include <heed/nn/attention.h>
#include <heed/nn/linear.h>

namespace heed::nn {

struct MultiHeadOptions {
  double dropout = 0.0;                         // of the weights, while training
  bool bias = true;
  std::optional<int64_t> kdim = std::nullopt;   // widths of keys and values, where they are not E
  std::optional<int64_t> vdim = std::nullopt;
};

struct MultiHeadCall {
  std::optional<Tensor> mask = std::nullopt;      // boolean, to (B, h, n, m); true = may attend
  std::optional<Tensor> key_mask = std::nullopt;  // boolean (B, m): false for padding
  bool causal = false;
  bool need_weights = false;                      // also return them; else they are never formed
};

struct MultiHeadAttention : Module {
  int64_t num_heads;
  double dropout;
  Tensor in_proj_weight;  // (3E, E): W_Q, W_K and W_V, one below the other, or else these:
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;  // (E, E), (E, kdim), (E, vdim)
  Tensor in_proj_bias;    // (3E)
  Linear out_proj;        // E -> E

  /// Error unless embed_dim is a multiple of num_heads.
  MultiHeadAttention(int64_t embed_dim, int64_t num_heads, const MultiHeadOptions& = {});

  /// query (B, n, E), key (B, m, kdim), value (B, m, vdim) -> output (B, n, E) and, if wanted,
  /// weights (B, h, n, m), before dropout. Error, naming the shapes, where they do not fit.
  Attended operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                      const MultiHeadCall& = {}) const;
  Attended operator()(const Tensor& x, const MultiHeadCall& call = {}) const {
    return (*this)(x, x, x, call);
  }

  void visit(Visitor& v) override;
};

}  // namespace heed::nn
