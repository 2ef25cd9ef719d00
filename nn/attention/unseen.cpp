#include <heed/nn/attention/unseen.h>

#include <heed/autograd/ops.h>
#include <heed/core/ops/ops.h>
#include <heed/nn/attention/masks.h>

namespace heed::nn {

namespace {

// Whether any element along the axis is true; the axis stays, with size 1.
Tensor any_along(const Tensor& mask, int64_t axis) {
  return mask.size(axis) == 1 ? mask : sum(mask, {axis}, keepdim) > 0.0;
}

// Queries that attend to any key, (…, n, 1), and keys that any query attends to, (…, m, 1).
Tensor asking(const Tensor& permitted) { return any_along(permitted, -1); }
Tensor seen(const Tensor& permitted) { return any_along(permitted, -2).transpose(-2, -1); }

// x (…, rows, width), with zeros in the rows that no permitted score reads.
Tensor only(const Tensor& x, Tensor rows) {
  while (rows.dim() > x.dim()) rows = any_along(rows, 0).squeeze(0);
  for (int64_t i = 3; i <= rows.dim(); ++i)
    if (x.size(-i) == 1) rows = any_along(rows, -i);
  return where(rows, x, 0.0);
}

bool nothing_forbidden(const AttentionOptions& o, int64_t queries, int64_t keys) {
  return !o.mask && !o.key_mask && (!o.causal || queries <= keys);
}

// If so, a weight of 0 is enough to exclude it.
bool tame(const Tensor& x) { return core::tame(x.array()); }

// The mask for inputs shared by all heads, (B, ·, ·): whether any head permits the pair.
Tensor permitted_to_any_head(const char* op, int64_t heads, const Tensor& query, const Tensor& key,
                             const AttentionOptions& o) {
  Shape scores = scores_shape(query, key);
  if (heads > 0) scores = {scores[0], heads, scores[1], scores[2]};
  const Tensor permitted = attention_mask(op, scores, query.dtype(), o).permitted;
  return permitted.dim() == 4 ? any_along(permitted, 1).squeeze(1) : permitted;
}

}  // namespace

QueriesKeys taking_part(const char* op, const Tensor& q, const Tensor& k, const AttentionOptions& o) {
  const Shape scores = scores_shape(q, k);
  if (nothing_forbidden(o, q.size(-2), k.size(-2)) || (tame(q) && tame(k))) return {q, k};
  return taking_part(q, k, attention_mask(op, scores, q.dtype(), o).permitted);
}

QueriesKeys taking_part(const Tensor& q, const Tensor& k, const Tensor& permitted) {
  return {only(q, asking(permitted)), only(k, seen(permitted))};
}

std::optional<Tensor> pairs_to_guard(const char* op, const Tensor& q, const Tensor& k, const AttentionOptions& o) {
  if (nothing_forbidden(o, q.size(-2), k.size(-2)) && !o.causal) return std::nullopt;
  if (tame(q) && tame(k)) return std::nullopt;
  const Tensor permitted = attention_mask(op, scores_shape(q, k), q.dtype(), o).permitted;
  return permitted.defined() && permitted.size(-2) > 1 ? std::optional(permitted) : std::nullopt;
}

void check_scores(const char* op, const Tensor& scores, const Tensor& q, const Tensor& k) {
  const Shape wanted = scores_shape(q, k);
  const int64_t n = q.size(-2), m = k.size(-2);
  check<ShapeError>(scores.dim() == wanted.rank() && scores.size(-2) == n && scores.size(-1) == m &&
                        core::broadcasts_to(scores.shape(), wanted),
                    op, ": queries ", q.shape(), ", keys ", k.shape(), ": the score gave ", scores.shape(),
                    ": must be ", wanted,
                    ", each query with each key: make pairs with q.unsqueeze(-2) and k.unsqueeze(-3)");
}

LayerInputs taking_part(const char* op, int64_t heads, const LayerInputs& in, const AttentionOptions& o) {
  const auto& [query, key, value] = in;
  if (nothing_forbidden(o, query.size(1), key.size(1))) return in;
  if (tame(query) && tame(key) && tame(value)) return in;
  const Tensor permitted = permitted_to_any_head(op, heads, query, key, o);
  return {only(query, asking(permitted)), only(key, seen(permitted)), only(value, seen(permitted))};
}

Tensor taking_part(const char* op, int64_t heads, const Tensor& x, const AttentionOptions& o) {
  if (nothing_forbidden(o, x.size(1), x.size(1)) || tame(x)) return x;
  const Tensor permitted = permitted_to_any_head(op, heads, x, x, o);
  const Tensor asks = asking(permitted);
  return only(x, (o.key_mask ? asks & o.key_mask->unsqueeze(-1) : asks) | seen(permitted));
}

Tensor without_padding(const Tensor& x, const Tensor& real) { return tame(x) ? x : only(x, real.unsqueeze(-1)); }

}  // namespace heed::nn
