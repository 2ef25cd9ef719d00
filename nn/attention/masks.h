// Masks: which query may attend to which key. One convention, everywhere in heed:
//
//     boolean    true = may attend (torch.nn.MultiheadAttention's mean the opposite: pass !mask)
//     floating   added to the scores before normalisation; -∞ forbids. It has the scores' dtype
//                and gets a gradient, so a position bias can be learnt
//
// Both broadcast to the scores (…, queries, keys); boolean ones combine with & and |, floating ones
// with +. If no key is permitted the weights are zeros, in either form. Scores of four axes are always
// (B, h, n, m), and a mask of three axes is then (B, n, m): one per sequence, never one per head, which is
// (1, h, n, m).
//
// A forbidden key affects neither output nor gradient, whatever it holds: NaN or infinity in padding does
// not spread. (In attend() with scores of your own this holds for values; the keys are yours.)
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <heed/autograd/ops/create.h>

namespace heed::nn {

struct AttentionOptions;
enum class Normaliser : uint8_t;

using heed::causal_mask;  // (n, m), or (n, n): no query sees a key after its own position

/// (B, keys): key j of sequence b exists iff j < lengths[b]. A key mask.
Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t keys);
/// The same from lengths (…) i64: (…, keys). From lengths (B, queries), one per query, it is a .mask, not a .key_mask.
Tensor padding_mask(const Tensor& lengths, int64_t keys);

/// (n, m): keys at most `before` positions before and `after` positions after the query's own position;
/// as in a causal mask, the last query stands at the last key. With after = 0 it is also causal.
Tensor sliding_window_mask(int64_t queries, int64_t keys, int64_t before, int64_t after = 0);

/// (B, n, n): a prefix that all positions see, causal after it (Raffel et al. 2020, § 3.2.1).
Tensor prefix_mask(const std::vector<int64_t>& prefix_lengths, int64_t n);

/// (n, n), n the sum of the lengths: packed sequences do not see each other.
Tensor block_diagonal_mask(const std::vector<int64_t>& lengths);

/// (n, n), true on the diagonal: !eye_mask(n) excludes each position itself.
Tensor eye_mask(int64_t n);

/// The mask with the axes of the scores, (…, n, m), checked against them: only here is an
/// axis of heads distinguished from a batch axis. Scores of four axes are (B, h, n, m): a mask of two
/// axes is then (n, m), one of three (B, n, m), one of four (B or 1, h or 1, n, m). It is never
/// (h, n, m): a mask per head has four axes.
Tensor mask_for_heads(const char* op, const Tensor& mask, const Shape& scores);

/// (…, n, m) for queries (…, n, ·) and keys (…, m, ·). ShapeError if they do not fit together.
Shape scores_shape(const Tensor& q, const Tensor& k);
/// ShapeError, in the name of `op`, unless queries and keys have one width.
void check_one_width(const char* op, const Tensor& q, const Tensor& k);

/// The options' mask, key mask and causality combined, for scores to whose shape both tensors
/// broadcast. Empty: everything is permitted, nothing is added.
struct AttentionMask {
  Tensor permitted;  // boolean; false where the floating mask is -∞, too
  Tensor added;      // floating, in the scores' dtype: 0 where it was -∞

  /// Both as one mask: boolean, or floating with -∞ at what is forbidden.
  std::optional<Tensor> as_one() const;
};

/// Throws an Error that names `op` if a mask does not fit.
AttentionMask attention_mask(const char* op, const Shape& scores, Dtype, const AttentionOptions&);
bool has_floating_mask(const AttentionOptions& options);
double inverse_root(int64_t d);  // 1/√d, or 1 without a width, where every q·k is 0

/// The first step of attend(), for a combined mask.
Tensor masked_weights(const Tensor& scores, const AttentionMask& mask, Normaliser normaliser);

}  // namespace heed::nn
