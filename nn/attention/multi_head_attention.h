// Multi-head attention: h small attentions in parallel, each over projections of its own.
//
//     MultiHead(Q, K, V) = [head₁ … head_h] W_Oᵀ + b_O                 Vaswani et al. 2017, § 3.2.2
//     headᵢ = Attention(Q W_Q,ᵢᵀ, K W_K,ᵢᵀ, V W_V,ᵢᵀ),   width d = E / h each; with a bias each, unless told not to
//
// Names, shapes and initial values are those of torch.nn.MultiheadAttention(batch_first=True): its
// checkpoints load unchanged, but its boolean masks mean the opposite of ours (masks.h).
//
// Weights are returned only if need_weights is set, and per head unless average_weights is; PyTorch returns
// their average by default. Introductions to attention use other names: nn/tutorial.h.
//
// Shapes: B batch, n queries, m keys, E width of the layer, h heads of width d = E / h (autograd/ops/heads.h).
#pragma once

#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/extra_keys.h>
#include <heed/nn/attention/kv_cache.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct MultiHeadOptions {
  double dropout = 0.0;  // of the weights, while training
  bool bias = true;
  std::optional<int64_t> kdim = std::nullopt;  // widths of keys and values, if not E
  std::optional<int64_t> vdim = std::nullopt;
  bool add_bias_kv = false;    // one more key and value, learnt: bias_k, bias_v
  bool add_zero_attn = false;  // one more key and value of zeros: lets a query attend to nothing
};

struct MultiHeadAttention : Module {
  int64_t num_heads;
  double dropout;
  Tensor in_proj_weight;                               // (3E, E): W_Q, W_K and W_V stacked; or, if widths differ:
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;  // (E, E), (E, kdim), (E, vdim)
  Tensor in_proj_bias;                                 // (3E)
  Tensor bias_k, bias_v;  // (1, 1, E), if add_bias_kv: after the keys and values of every sequence
  bool add_zero_attn;
  Linear out_proj;  // E -> E

  /// Error unless embed_dim is a multiple of num_heads.
  MultiHeadAttention(Whole embed_dim, Whole num_heads, const MultiHeadOptions& = {});

  /// query (B, n, E), key (B, m, kdim), value (B, m, vdim) -> output (B, n, E) and, if requested,
  /// weights (B, h, n, m), before dropout. Error, naming the shapes, if they do not fit. Keys
  /// added by add_bias_kv and add_zero_attn are seen by every query and have one column each.
  Attended operator()(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionOptions& = {}) const;
  Attended operator()(const Tensor& x, const AttentionOptions& options = {}) const { return (*this)(x, x, x, options); }

  // The same in two steps, for keys and values that are used by several calls (kv_cache.h):
  //     mha(q, k, v, options)  =  mha.attend_to(q, mha.keys_values(k, v), options)
  /// Both (B, h, m, d). Keys that the key mask, (B, m), excludes may hold anything.
  KeysValues keys_values(const Tensor& key, const Tensor& value,
                         const std::optional<Tensor>& key_mask = std::nullopt) const;
  Attended attend_to(const Tensor& query, const KeysValues& memory, const AttentionOptions& = {}) const;

  void visit(Visitor& v) override;

 private:
  Tensor weight(int64_t i) const;  // of queries (0), keys (1) and values (2)
  Tensor bias(int64_t i) const;
  ExtraKeys extra_keys() const { return {bias_k, bias_v, add_zero_attn}; }
  Attended attend_to_itself(const Tensor& x, const AttentionOptions&) const;
  Attended attend_and_mix(const Tensor& q, const KeysValues& memory, const AttentionOptions&) const;
};

}  // namespace heed::nn
