// Ready-made attention layers. Each is a score, its projections and attend(), and returns the
// pair (output, weights).
//
//     DotProductAttention()                                    q·k, no parameters
//     AdditiveAttention(query_dim, key_dim, hidden_dim)        wᵀ tanh(W_q q + W_k k)
//     MultiplicativeAttention(query_dim, key_dim)              (W q + b)ᵀ k
//     KeyValueAttention(query_dim, key_dim, value_dim)         one query, separate keys and values
//     SelfAttention(input_dim, hidden_dim)                     q, k and v from one sequence
//     PerHeadAttention(input_dim, hidden_dim, num_heads)       full-size heads side by side
//
// None divides its scores by √d by default; the last three can, by .scale. Names of classes, parameters and
// arguments are those of the introduction "About ATTENTION in Deep Learning"; nn/tutorial.h has its classes with
// their original results, and says what heed does differently.
//
// Shapes: B batch, n queries or positions, m keys, h heads; all calls take AttentionOptions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <heed/nn/attention/learned_scores.h>
#include <heed/nn/attention/scores.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

/// q (B, n, d), k (B, m, d), v (B, m, p) -> output (B, n, p), weights (B, n, m).
struct DotProductAttention : Attention<DotScore> {
  explicit DotProductAttention(double dropout_ = 0.0) : Attention(DotScore(), dropout_) {}
};

/// q (B, n, query_dim), k (B, m, key_dim), v (B, m, p) -> output (B, n, p), weights (B, n, m).
struct AdditiveAttention : Attention<AdditiveScore> {
  AdditiveAttention(Whole query_dim, Whole key_dim, Whole hidden_dim, const AdditiveOptions& o = {},
                    double dropout_ = 0.0)
      : Attention(AdditiveScore(query_dim, key_dim, hidden_dim, o), dropout_) {}
  void visit(Visitor& v) override { score.visit(v); }  // query_layer, not score.query_layer
};

/// q (B, n, query_dim), k (B, m, key_dim), v (B, m, p) -> output (B, n, p), weights (B, n, m).
struct MultiplicativeAttention : Attention<MultiplicativeScore> {
  MultiplicativeAttention(Whole query_dim, Whole key_dim, const LinearOptions& o = {}, double dropout_ = 0.0)
      : Attention(MultiplicativeScore(query_dim, key_dim, o), dropout_) {}
  void visit(Visitor& v) override { score.visit(v); }
};

struct KeyValueOptions {
  std::optional<int64_t> value_input = std::nullopt;  // width of the input values; default key_dim
  double scale = 1.0;                                 // of q·k; Vaswani et al. use 1/√key_dim
};

/// Keys and values with projections of their own: relevance of the keys to one query, weights, weighted average.
///
/// query (B, query_dim), keys (B, m, key_dim), values (B, m, value_input) -> output (B, value_dim),
/// weights (B, m). Several queries (B, n, query_dim) -> (B, n, value_dim), (B, n, m).
struct KeyValueAttention : Module {
  Linear query_layer;  // query_dim -> key_dim
  Linear key_layer;    // key_dim -> key_dim
  Linear value_layer;  // value_input -> value_dim
  double scale;

  KeyValueAttention(Whole query_dim, Whole key_dim, Whole value_dim, const KeyValueOptions& o = {});
  Attended operator()(const Tensor& query, const Tensor& keys, const Tensor& values,
                      const AttentionOptions& options = {}) const;
  void visit(Visitor& v) override;
};

struct SelfAttentionOptions {
  double scale = 1.0;    // of q·k; Vaswani et al. use 1/√hidden_dim
  double dropout = 0.0;  // of the weights, while training
};

/// x (B, n, input_dim) -> output (B, n, hidden_dim), weights (B, n, n).
struct SelfAttention : Module {
  Linear query_layer, key_layer, value_layer;  // input_dim -> hidden_dim
  double scale, dropout;

  SelfAttention(Whole input_dim, Whole hidden_dim, const SelfAttentionOptions& o = {});
  Attended operator()(const Tensor& x, const AttentionOptions& options = {}) const;
  void visit(Visitor& v) override;
};

/// Every head is a SelfAttention of full width, and a linear layer combines them into one output.
///
/// x (B, n, input_dim) -> output (B, n, hidden_dim), weights (B, h, n, n). Parameters: 3h(IH + H)
/// + hH·H + H, where nn::MultiHeadAttention, which divides one width E among its heads, has 4(E² + E) for
/// any h. Where they overlap (H = E/h, scale 1/√H), this output is the first H columns of that one.
struct PerHeadAttention : Module {
  std::vector<Linear> query_layers, key_layers, value_layers;  // h each, input_dim -> hidden_dim
  Linear linear;                                               // h hidden_dim -> hidden_dim
  double scale, dropout;

  PerHeadAttention(Whole input_dim, Whole hidden_dim, Whole num_heads, const SelfAttentionOptions& o = {});
  Attended operator()(const Tensor& x, const AttentionOptions& options = {}) const;
  void visit(Visitor& v) override;
};

}  // namespace heed::nn
