// Heads: several attentions side by side in one tensor.
//
// Shapes: B batch, n positions, h heads of width d, g heads of keys and values that h heads of queries share.
#pragma once

#include <heed/autograd/tensor.h>

namespace heed {

/// (B, n, h d) -> (B, h, n, d), a view; and back, a copy unless the heads lie side by side in memory.
Tensor split_heads(const Tensor& x, int64_t heads);
Tensor merge_heads(const Tensor& x);

/// (B, g, m, d) -> (B, heads, m, d): each head repeated heads / g times in a row, for grouped queries; and the sum
/// over these repeats, (B, heads, m, d) -> (B, g, m, d).
Tensor repeat_heads(const Tensor& x, int64_t heads);
Tensor sum_repeated_heads(const Tensor& x, int64_t groups);

}  // namespace heed
