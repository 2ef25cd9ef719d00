// What takes no part in an attention is taken out before anything is computed from it.
//
// A weight of 0 keeps a key from the output, not from every gradient: what a score or a projection
// made of it may be NaN, and 0·NaN is NaN. So keys that no query may see, and queries that may see
// no key, become zeros first, and get the gradient 0.
#pragma once

#include <heed/nn/attention/attention.h>

namespace heed::nn {

struct QueriesKeys {
  Tensor q, k;  // (…, n, ·), (…, m, ·)
};

// Only where there is a mask, and a number that is not finite, or so large that it may become so.
/// For a score, which knows of no mask.
QueriesKeys taking_part(const char* op, const Tensor& q, const Tensor& k, const AttentionOptions&);

struct LayerInputs {
  Tensor query, key, value;  // (B, n, ·), (B, m, ·), (B, m, ·)
};
/// For a layer that projects its inputs for so many heads (0: no axis of heads).
LayerInputs taking_part(const char* op, int64_t heads, const LayerInputs&, const AttentionOptions&);
/// Self-attention: what the key mask leaves out asks nothing, either.
Tensor taking_part(const char* op, int64_t heads, const Tensor& x, const AttentionOptions&);
/// x (B, n, ·) with zeros at padding, where `real` (B, n) is false.
Tensor without_padding(const Tensor& x, const Tensor& real);

}  // namespace heed::nn
