// What attention's forward and backward passes share (attention.cpp): blocks, operands, and which
// weights count.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include <heed/core/kernels/kernels.h>
#include <heed/core/ops/attention.h>
#include <heed/core/random.h>

namespace heed::core {

// Blocks: a task has task_queries queries; they meet the keys block_keys at a time, in strips of
// strip_queries, so that a strip's scores (16 KiB in f32) stay in the L1 cache between their uses.
// The smaller the strip, the less is computed behind the causal diagonal.
inline constexpr int64_t task_queries = 256;
inline constexpr int64_t strip_queries = 32;
inline constexpr int64_t block_keys = 128;
inline constexpr int64_t few_queries = 4;  // for so many, as when a token is written at a time, no keys are packed

/// (B, h, rows, width) in memory, the last axis adjacent.
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
  bool causal;
  double dropout;
  uint64_t seed, call;

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
        scale(static_cast<T>(in.scale)),
        causal(in.causal),
        dropout(in.dropout),
        seed(in.seed),
        call(in.call) {
    if (!in.mask.defined()) return;
    const Array whole = expand(in.mask, Shape{batch, heads, queries, keys});
    mask = whole.data<bool>();
    for (int axis = 0; axis < 4; ++axis) mask_strides[static_cast<size_t>(axis)] = whole.strides()[axis];
  }

  int64_t group() const { return heads / key_heads; }
  bool forbids() const { return mask || causal; }

  /// Query i sees keys [0, seen_by(i)) at most.
  int64_t seen_by(int64_t i) const { return causal ? std::clamp<int64_t>(i + 1 + keys - queries, 0, keys) : keys; }

  /// -inf to those of query i's scores for keys [j, j + n) that the mask or the diagonal forbids.
  void forbid(int64_t b, int64_t h, int64_t i, int64_t j, int64_t n, T* scores) const {
    constexpr T forbidden = -std::numeric_limits<T>::infinity();
    const int64_t seen = std::clamp<int64_t>(seen_by(i) - j, 0, n);
    std::fill(scores + seen, scores + n, forbidden);
    if (!mask) return;
    const auto& s = mask_strides;
    kernels_of<T>().where(mask + b * s[0] + h * s[1] + i * s[2] + j * s[3], s[3], scores, 1, &forbidden, 0, scores,
                          seen);
  }

  /// 0 for a weight that is dropped, 1 / (1 - dropout) for one that is kept.
  void keep_factors(int64_t b, int64_t h, int64_t i, int64_t j, int64_t n, T* factors) const {
    const double threshold = dropout * 4294967296.0;
    const T kept = dropout < 1.0 ? static_cast<T>(1.0 / (1.0 - dropout)) : T(0);
    const auto first = static_cast<uint64_t>(((b * heads + h) * queries + i) * keys + j);
    std::array<uint32_t, block_keys> words;
    words_at(seed, call, first, words.data(), n);
    for (int64_t l = 0; l < n; ++l) factors[l] = words[static_cast<size_t>(l)] >= threshold ? kept : T(0);
  }
};

}  // namespace heed::core
