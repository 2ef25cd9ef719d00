// Multi-head attention: h small attentions side by side, each over projections of its own.
//
//     MultiHead(Q, K, V) = [head₁ … head_h] W_Oᵀ + b_O                 Vaswani et al. 2017, § 3.2.2
//     headᵢ = Attention(Q W_Q,ᵢᵀ, K W_K,ᵢᵀ, V W_V,ᵢᵀ),   width d = E / h each
//
// Names, shapes and initial values are those of torch.nn.MultiheadAttention(batch_first=True): its
// checkpoints load unchanged, but its boolean masks mean the opposite of ours (masks.h). The class
// MultiHeadAttention(num_heads, d_model) of heed's first seed is this one, called with (v, k, q).
//
// Weights come a head each unless average_weights is set; PyTorch averages unless told not to.
#pragma once

#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/kv_cache.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct MultiHeadOptions {
  double dropout = 0.0;  // of the weights, while training
  bool bias = true;
  std::optional<int64_t> kdim = std::nullopt;  // widths of keys and values, where they are not E
  std::optional<int64_t> vdim = std::nullopt;
  bool add_bias_kv = false;    // one more key and value, learnt: bias_k, bias_v
  bool add_zero_attn = false;  // one more key and value of zeros: a place to look at nothing
};

struct MultiHeadCall {
  std::optional<Tensor> mask = std::nullopt;      // (n, m), (B, n, m), (B or 1, h or 1, n, m): masks.h
  std::optional<Tensor> key_mask = std::nullopt;  // boolean (B, m): false for padding
  bool causal = false;
  bool need_weights = false;     // also return them; else they are never formed
  bool average_weights = false;  // … as their mean over the heads, (B, n, m)
};

struct MultiHeadAttention : Module {
  int64_t num_heads;
  double dropout;
  Tensor in_proj_weight;                               // (3E, E): W_Q, W_K and W_V, one below the other, or else these:
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;  // (E, E), (E, kdim), (E, vdim)
  Tensor in_proj_bias;                                 // (3E)
  Tensor bias_k, bias_v;  // (1, 1, E), if asked for: behind the keys and values of every sequence
  bool add_zero_attn;
  Linear out_proj;  // E -> E

  /// Error unless embed_dim is a multiple of num_heads.
  MultiHeadAttention(int64_t embed_dim, int64_t num_heads, const MultiHeadOptions& = {});

  /// query (B, n, E), key (B, m, kdim), value (B, m, vdim) -> output (B, n, E) and, if wanted,
  /// weights (B, h, n, m), before dropout. Error, naming the shapes, where they do not fit. Keys
  /// that add_bias_kv and add_zero_attn add are seen by every query and have a column each.
  Attended operator()(const Tensor& query, const Tensor& key, const Tensor& value, const MultiHeadCall& = {}) const;
  Attended operator()(const Tensor& x, const MultiHeadCall& call = {}) const { return (*this)(x, x, x, call); }

  // The same in two steps, for keys and values that serve more than one query (kv_cache.h):
  //     m(q, k, v, call)  =  m.attend_to(q, m.keys_values(k, v), call)
  /// Both (B, h, m, d). What the key mask, (B, m), leaves out may hold anything.
  KeysValues keys_values(const Tensor& key, const Tensor& value,
                         const std::optional<Tensor>& key_mask = std::nullopt) const;
  Attended attend_to(const Tensor& query, const KeysValues& memory, const MultiHeadCall& = {}) const;

  void visit(Visitor& v) override;

 private:
  Attended attend_heads(const Tensor& q, KeysValues memory, const MultiHeadCall& call) const;
  AttentionOptions options(const MultiHeadCall& call) const;
};

}  // namespace heed::nn
