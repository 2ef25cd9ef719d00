// Grouped-query attention (Ainslie et al. 2023): several query heads share one head of keys
// and values, so that the cache of a long text is h / g times smaller.
//
//     g = h   multi-head attention, with three separate projections
//     g = 1   multi-query attention (Shazeer 2019)
//
// Names are those of Llama's layers: q_proj.weight (h d, E), k_proj.weight and v_proj.weight
// (g d, E), o_proj.weight (E, h d). Query head i reads key head i / (h / g). Self-attention only.
#pragma once

#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/kv_cache.h>
#include <heed/nn/attention/rotary.h>
#include <heed/nn/layers/linear.h>

namespace heed::nn {

struct GroupedQueryOptions {
  std::optional<int64_t> num_kv_heads = std::nullopt;  // g; else as many as heads
  std::optional<int64_t> head_dim = std::nullopt;      // d; else E / h
  double dropout = 0.0;                                // of the weights, while training
  bool bias = false;
  std::optional<RotaryPositions> rope = std::nullopt;  // of width d, on queries and keys
};

struct GroupedQueryAttention : Module {
  int64_t num_heads, num_kv_heads;
  double dropout;
  Linear q_proj, k_proj, v_proj, o_proj;
  std::optional<RotaryPositions> rope;

  /// ShapeError unless num_heads is a multiple of num_kv_heads and rope has the width of a head.
  GroupedQueryAttention(Whole embed_dim, Whole num_heads, const GroupedQueryOptions& = {});

  /// x (B, n, E) -> output (B, n, E) and, if requested, weights (B, h, n, m), before dropout. With a cache, x continues
  /// its sequences and is added to it: m is n plus its length. Else m = n.
  Attended operator()(const Tensor& x, const AttentionOptions& = {}, KeyValueCache* cache = nullptr) const;
  void visit(Visitor& v) override;
};

}  // namespace heed::nn
