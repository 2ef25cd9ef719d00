// What the forward and the backward pass of blockwise attention share: the sizes of blocks, the operands, and which
// weights count.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include <heed/core/kernels/kernels.h>
#include <heed/core/ops/blockwise_attention.h>
#include <heed/core/ops/causal.h>

namespace heed::core {

// Blocks: a task has task_queries queries; they are multiplied with block_keys keys at a time, in strips of
// strip_queries, so that a strip's scores (16 KiB in f32) stay in the L1 cache between their uses.
// The smaller the strip, the fewer scores are computed that the causal rule forbids.
inline constexpr int64_t task_queries = 256;
inline constexpr int64_t strip_queries = 32;
inline constexpr int64_t block_keys = 128;
inline constexpr int64_t few_queries =
    4;  // up to this many, as when one token is written at a time, no keys are packed

/// (B, h, rows, width) in memory, the last axis contiguous.
template <class T> struct Heads {
  T* data;
  int64_t batch, head, row;

  explicit Heads(const Array& x)
      : data(x.data<T>()), batch(x.strides()[0]), head(x.strides()[1]), row(x.strides()[2]) {}
  T* at(int64_t b, int64_t h, int64_t i) const { return data + b * batch + h * head + i * row; }
};

/// Sizes, the operands, and which weights count.
template <class T> struct Problem {
  int64_t batch, heads, key_heads, queries, keys, width, value_width;
  Heads<T> q, k, v;
  T scale;
  const bool* mask = nullptr;
  std::array<int64_t, 4> mask_strides{};
  AttentionRule rule;

  explicit Problem(const AttentionInputs& in)
      : batch(in.q.shape()[0]),
        heads(in.q.shape()[1]),
        key_heads(in.k.shape()[1]),
        queries(in.q.shape()[2]),
        keys(in.k.shape()[2]),
        width(in.q.shape()[3]),
        value_width(in.v.shape()[3]),
        q(in.q),
        k(in.k),
        v(in.v),
        scale(static_cast<T>(in.rule.scale)),
        rule(in.rule) {
    if (!in.mask.defined()) return;
    const Array whole = expand(in.mask, Shape{batch, heads, queries, keys});
    mask = whole.data<bool>();
    for (int axis = 0; axis < 4; ++axis) mask_strides[static_cast<size_t>(axis)] = whole.strides()[axis];
  }

  int64_t group() const { return heads / key_heads; }
  bool forbids() const { return mask || rule.causal; }
  bool drops() const { return rule.dropout.p > 0.0; }

  /// Query i sees keys [0, seen_by(i)) at most; key j is seen by queries from first_query(j) on at most.
  int64_t seen_by(int64_t i) const { return rule.causal ? keys_seen(i, queries, keys) : keys; }
  int64_t first_query(int64_t j) const { return rule.causal ? first_to_see(j, queries, keys) : 0; }

  /// Writes -inf to those of query i's scores for keys [j, j + n) that the mask or the causal rule forbids.
  void forbid(int64_t b, int64_t h, int64_t i, int64_t j, int64_t n, T* scores) const {
    constexpr T forbidden = -std::numeric_limits<T>::infinity();
    const int64_t seen = std::clamp<int64_t>(seen_by(i) - j, 0, n);
    std::fill(scores + seen, scores + n, forbidden);
    if (!mask) return;
    const auto& s = mask_strides;
    kernels_of<T>().where(mask + b * s[0] + h * s[1] + i * s[2] + j * s[3], s[3], scores, 1, &forbidden, 0, scores,
                          seen);
  }

  /// 0 for a weight that is dropped, 1 / (1 - p) for one that is kept.
  void keep_factors(int64_t b, int64_t h, int64_t i, int64_t j, int64_t n, T* factors) const {
    std::array<bool, block_keys> kept;
    rule.dropout.keep(static_cast<uint64_t>(((b * heads + h) * queries + i) * keys + j), n, kept.data());
    const T factor = static_cast<T>(rule.dropout.factor());
    for (int64_t l = 0; l < n; ++l) factors[l] = kept[static_cast<size_t>(l)] ? factor : T(0);
  }
};

}  // namespace heed::core
