// MultiHead<Score>: several small attentions in parallel, with any score.
//
//     MultiHead(Q, K, V) = [head₁ … head_h] W_Oᵀ + b_O                 Vaswani et al. 2017, § 3.2.2
//     headᵢ = attend(score(Q W_Q,ᵢᵀ, K W_K,ᵢᵀ), V W_V,ᵢᵀ),   width d = E / h each
//
// MultiHeadAttention (multi_head_attention.h) is this with ScaledDotScore, PyTorch's names
// and the fused kernel; here the score is arbitrary, and the weights are always formed. All heads share
// one score module, which sees q (B, h, n, d): heads differ in their projections,
// and in their widths for a kernel with .widths.
//
//     MultiHead attention(64, 4, Gaussian({.learn_width = true, .widths = {0.5, 1, 2, 4}}));
#pragma once

#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/attention/scores.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct MultiHeadScoreOptions {
  double dropout = 0.0;  // of the weights, while training
  bool bias = true;
  std::optional<int64_t> kdim = std::nullopt;  // widths of keys and values, if not E
  std::optional<int64_t> vdim = std::nullopt;
};

template <class Score> struct MultiHead : Module {
  int64_t num_heads;
  Linear q_proj, k_proj, v_proj;  // E, kdim, vdim -> E
  Attention<Score> attention;
  Linear out_proj;  // E -> E

  /// Error unless embed_dim is a multiple of num_heads.
  MultiHead(Whole embed_dim, Whole heads, Score score = Score(), const MultiHeadScoreOptions& o = {})
      : num_heads(heads),
        q_proj(embed_dim, embed_dim, {.bias = o.bias}),
        k_proj(o.kdim.value_or(embed_dim), embed_dim, {.bias = o.bias}),
        v_proj(o.vdim.value_or(embed_dim), embed_dim, {.bias = o.bias}),
        attention(std::move(score), o.dropout),
        out_proj(embed_dim, embed_dim, {.bias = o.bias}) {
    check<ShapeError>(heads > 0 && embed_dim % heads == 0, "MultiHead: width ", embed_dim, ", ", heads,
                      " heads: every head gets an equal part: make the width a multiple of the heads");
  }

  /// query (B, n, E), key (B, m, kdim), value (B, m, vdim) -> output (B, n, E), weights
  /// (B, h, n, m).
  Attended operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                      const AttentionOptions& options = {}) const {
    const Scope scope(*this);
    check<ShapeError>(query.dim() == 3 && key.dim() == 3 && value.dim() == 3, "MultiHead: query ", query.shape(),
                      ", key ", key.shape(), ", value ", value.shape(), ": must be (B, n, width), batch first",
                      query.dim() == 2 ? ": give one sequence a batch axis with unsqueeze(0)" : "");
    const LayerInputs in = taking_part("MultiHead", num_heads, {query, key, value}, options);
    const auto heads = [this](const Tensor& x) { return split_heads(x, num_heads); };
    const Attended each =
        attention(heads(q_proj(in.query)), heads(k_proj(in.key)), heads(v_proj(in.value)), options);  // (B, h, n, d)
    return {scope(out_proj(merge_heads(scope("heads", each.output)))), each.weights};
  }
  Attended operator()(const Tensor& x, const AttentionOptions& options = {}) const { return (*this)(x, x, x, options); }

  void visit(Visitor& v) override {
    v("q_proj", q_proj);
    v("k_proj", k_proj);
    v("v_proj", v_proj);
    v("attention", attention);
    v("out_proj", out_proj);
  }
};

}  // namespace heed::nn
