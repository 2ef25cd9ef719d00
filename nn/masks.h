// Masks: who may attend to whom. One convention, everywhere in heed:
//
//     boolean    true = may attend (torch.nn.MultiheadAttention's mean the opposite: give !mask)
//     floating   added to the scores before they are normalised; -∞ forbids. In the scores' dtype;
//                a gradient flows to it, so a bias of positions may be learnt
//
// Both broadcast to the scores (…, queries, keys); boolean ones combine with & and |, floating ones
// with +. Where no key is permitted the weights are zeros, in either form.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct AttentionOptions;

/// (n, m): the last query may attend to every key, each query before it to one key less. With
/// n = m: position i to j <= i. With n < m the queries are the newest n of m, as with a cache.
Tensor causal_mask(int64_t queries, int64_t keys);
Tensor causal_mask(int64_t n);

/// (B, keys): key j of sequence b exists iff j < lengths[b]. A key mask.
Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t keys);
/// The same from lengths (…) i64: (…, keys). For lengths (B, queries), one a query, it is a mask.
Tensor padding_mask(const Tensor& lengths, int64_t keys);

/// (n, m): keys at most `before` places back and `after` ahead of the query's own place, which is
/// as in a causal mask: the last query's is the last key. With after = 0 it is causal as well.
Tensor sliding_window_mask(int64_t queries, int64_t keys, int64_t before, int64_t after = 0);

/// (B, n, n): a prefix that all positions see, causal behind it (Raffel et al. 2020, § 3.2.1).
Tensor prefix_mask(const std::vector<int64_t>& prefix_lengths, int64_t n);

/// (n, n), n the lengths' sum: sequences packed one behind the other do not see each other.
Tensor block_diagonal_mask(const std::vector<int64_t>& lengths);

/// (n, n), true on the diagonal: !eye_mask(n) leaves each position itself out.
Tensor eye_mask(int64_t n);

/// All that the options permit for scores of this shape, as one boolean mask; empty if that is
/// everything. Errors, in the name of `op`, where a mask does not fit.
Tensor permitted(const char* op, const Shape& scores, const AttentionOptions& options);

/// The scores, plus the options' mask where it is floating and not -∞.
Tensor add_mask(const char* op, const Tensor& scores, const AttentionOptions& options);
bool has_floating_mask(const AttentionOptions& options);

}  // namespace heed::nn
