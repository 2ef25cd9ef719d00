#include <heed/nn/attention.h>

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/attention_trace.h>

namespace heed::nn {

Attended attend(const Tensor& scores, const Tensor& values, const AttentionOptions& o) {
  check<ShapeError>(scores.dim() >= 2 && values.dim() >= 2 && scores.size(-1) == values.size(-2),
                    "attend: scores ", scores.shape(), ", values ", values.shape(),
                    ": must be (…, n, m) and (…, m, p): one value a key");
  return weighted_average(attention_weights(scores, o), values, o);
}

Attended weighted_average(const Tensor& weights, const Tensor& values, const AttentionOptions& o) {
  AttentionTrace::record(weights);
  return {matmul(o.dropout > 0.0 ? dropout(weights, o.dropout) : weights, values), weights};
}

Attended attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
  check<ShapeError>(q.dim() >= 2 && k.dim() >= 2 && q.size(-1) == k.size(-1), "attention: queries ",
                    q.shape(), ", keys ", k.shape(),
                    ": must be (…, n, d) and (…, m, d): the last axes differ");
  const double scale = o.scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(-1))));
  return attend(matmul(q * scale, k.transpose(-2, -1)), v, o);
}

}  // namespace heed::nn
