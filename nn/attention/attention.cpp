#include <heed/nn/attention/attention.h>

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/autograd/ops/masked_matmul.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/masks.h>

namespace heed::nn {

namespace {

Attended averaged(Tensor weights, const Tensor& values, const AttentionMask& mask, const AttentionOptions& o) {
  weights = seen("weights", std::move(weights));
  if (watches && mask.permitted.defined()) weights = where(mask.permitted, weights, 0.0);  // if replaced
  AttentionTrace::record(weights);  // for whoever looks on (attention_trace.h)
  const Tensor kept = o.dropout != 0.0 ? dropout(weights, o.dropout) : weights;
  const bool of_heads = weights.dim() == 4;
  // W V. A forbidden 0·NaN does not count (masked_matmul.h).
  return {masked_matmul(kept, values, mask.permitted), o.average_weights && of_heads ? mean(weights, 1) : weights};
}

void check_values(const Tensor& scores, const Tensor& values) {
  check<ShapeError>(scores.dim() >= 2 && values.dim() >= 2 && scores.size(-1) == values.size(-2), "attend: scores ",
                    scores.shape(), ", values ", values.shape(),
                    ": must be (…, n, m) and (…, m, p): one value per key");
}

}  // namespace

// W = normalised scores, 0 where forbidden (masked_weights in normalisers.cpp); the output is W V.
Attended attend(const Tensor& given, const Tensor& values, const AttentionOptions& o) {
  check_values(given, values);
  check_no_scale(o);
  const Tensor scores = seen("scores", given);
  const AttentionMask mask = attention_mask("attend", scores.shape(), scores.dtype(), o);
  return averaged(masked_weights(scores, mask, o.normaliser), values, mask, o);
}

Attended weighted_average(const Tensor& weights, const Tensor& values, const AttentionOptions& o) {
  return averaged(weights, values, attention_mask("attend", weights.shape(), weights.dtype(), o), o);
}

Attended attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
  check_one_width("attention", q, k);
  const double scale = o.scale.value_or(inverse_root(q.size(-1)));
  const AttentionMask mask = attention_mask("attention", scores_shape(q, k), q.dtype(), o);
  const Tensor scores = seen("scores", pair_dots(seen("q", q) * scale, seen("k", k), mask.permitted));  // S = Q Kᵀ / √d
  check_values(scores, v);
  Attended out = averaged(masked_weights(scores, mask, o.normaliser), seen("v", v), mask, o);
  AttentionTrace::record_inputs(q, k, scale);
  return out;
}

}  // namespace heed::nn
