// Inputs that take no part in an attention are removed before anything is computed from them.
//
// A weight of 0 keeps a key out of the output, but not out of every gradient: a score or a projection
// of it may be NaN, and 0·NaN is NaN. So keys that no query may see, and queries that may see
// no key, are replaced by zeros first, and get the gradient 0.
#pragma once

#include <optional>
#include <vector>

#include <heed/autograd/ops/views.h>
#include <heed/nn/attention/attention.h>

namespace heed::nn {

struct QueriesKeys {
  Tensor q, k;  // (…, n, ·), (…, m, ·)
};

// Only if there is a mask, and an element that is not finite or so large that it may overflow.
/// For a score, which does not see the mask.
QueriesKeys taking_part(const char* op, const Tensor& q, const Tensor& k, const AttentionOptions&);

/// permitted (…, n, m), if it differs from query to query and such an element is among the inputs; else nothing.
std::optional<Tensor> pairs_to_guard(const char* op, const Tensor& q, const Tensor& k, const AttentionOptions&);
/// The queries and keys of permitted pairs, zeros in place of the others.
QueriesKeys taking_part(const Tensor& q, const Tensor& k, const Tensor& permitted);

/// ShapeError unless scores (…, n, m) are those of q (…, n, ·) and k (…, m, ·).
void check_scores(const char* op, const Tensor& scores, const Tensor& q, const Tensor& k);

/// score(q, k, context…), whose gradients no forbidden pair reaches: a NaN in a key that one query may see,
/// and another may not, spoils the one only. It takes any score that treats queries one by one; it is then
/// called once per query, which is slow, but such inputs are rare.
template <class Score, class... More>
Tensor guarded_scores(const char* op, const Score& score, const Tensor& q, const Tensor& k, const AttentionOptions& o,
                      const More&... context) {
  const std::optional<Tensor> permitted = pairs_to_guard(op, q, k, o);
  if (!permitted) {
    const QueriesKeys part = taking_part(op, q, k, o);
    const Tensor scores = score(part.q, part.k, context...);
    check_scores(op, scores, q, k);
    return scores;
  }
  const int64_t n = q.size(-2);
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < n; ++i) {
    const auto row = [&](const Tensor& x) { return x.size(-2) == n ? x.slice(-2, i, i + 1) : x; };
    const QueriesKeys part = taking_part(row(q), k, row(*permitted));
    rows.push_back(score(part.q, part.k, row(context)...));
  }
  const Tensor scores = cat(rows, -2);
  check_scores(op, scores, q, k);
  return scores;
}

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
