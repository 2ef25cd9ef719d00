// Inputs that take no part in an attention are removed before anything is computed from them.
//
// A weight of 0 keeps a key out of the output, but not out of every gradient: a score or a projection
// of it may be NaN, and 0·NaN is NaN. So keys that no query may see, and queries that may see
// no key, are replaced by zeros first, and get the gradient 0.
#pragma once

#include <heed/nn/attention/attention.h>

namespace heed::nn {

struct QueriesKeys {
  Tensor q, k;  // (…, n, ·), (…, m, ·)
};

// Only if there is a mask, and an element that is not finite or so large that it may overflow.
/// For a score, which does not see the mask.
QueriesKeys taking_part(const char* op, const Tensor& q, const Tensor& k, const AttentionOptions&);

struct LayerInputs {
  Tensor query, key, value;  // (B, n, ·), (B, m, ·), (B, m, ·)
};
/// For a layer that projects its inputs for `heads` heads (0: no axis of heads).
LayerInputs taking_part(const char* op, int64_t heads, const LayerInputs&, const AttentionOptions&);
/// Self-attention: positions that the key mask excludes are not used as queries either.
Tensor taking_part(const char* op, int64_t heads, const Tensor& x, const AttentionOptions&);
/// x (B, n, ·) with zeros at padding, where `real` (B, n) is false.
Tensor without_padding(const Tensor& x, const Tensor& real);

}  // namespace heed::nn
