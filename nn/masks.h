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

/// (n, m): the last query may attend to every key, each query before it to one key less. With n = m:
/// position i to j <= i. With n < m the queries are the newest n of m positions, as with a cache.
Tensor causal_mask(int64_t queries, int64_t keys);
Tensor causal_mask(int64_t n);

/// (B, keys): key j of sequence b exists iff j < lengths[b]. A key mask.
Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t keys);
/// The same from lengths (…) i64: (…, keys). For lengths (B, queries), one a query, it is a mask.
Tensor padding_mask(const Tensor& lengths, int64_t keys);

/// (n, n), true on the diagonal: !eye_mask(n) leaves each position itself out.
Tensor eye_mask(int64_t n);

/// All that the options permit for scores of this shape, as one boolean mask; empty if that is
/// everything. Errors, in the name of `op`, where a mask does not fit.
Tensor permitted(const char* op, const Shape& scores, const AttentionOptions& options);

/// The scores, plus the options' mask where it is floating and not -∞.
Tensor add_mask(const char* op, const Tensor& scores, const AttentionOptions& options);
bool has_floating_mask(const AttentionOptions& options);

}  // namespace heed::nn
