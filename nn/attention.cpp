#include <heed/nn/attention.h>

#include <cmath>
#include <limits>

#include <heed/autograd/ops.h>
#include <heed/nn/attention_trace.h>
#include <heed/nn/masks.h>

namespace heed::nn {

namespace {

Tensor normalise(const Tensor& scores, const Tensor& allowed, Normaliser normaliser) {
  constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
  if (normaliser == Normaliser::softmax)  // a row of -∞ alone gives zeros
    return softmax(allowed.defined() ? where(allowed, scores, minus_infinity) : scores, -1);
  const Tensor kernel = allowed.defined() ? where(allowed, scores, 0.0) : scores;
  const Tensor total = sum(kernel, -1, keepdim);
  const Tensor someone = ne(total, 0.0);
  return where(someone, kernel / where(someone, total, 1.0), 0.0);
}

}  // namespace

Attended attend(const Tensor& scores, const Tensor& values, const AttentionOptions& o) {
  check<ShapeError>(scores.dim() >= 2 && values.dim() >= 2 && scores.size(-1) == values.size(-2), "attend: scores ",
                    scores.shape(), ", values ", values.shape(), ": must be (…, n, m) and (…, m, p): one value a key");
  const Tensor allowed = permitted("attend", scores.shape(), o);
  const Tensor weights = normalise(add_mask("attend", scores, o), allowed, o.normaliser);
  AttentionTrace::record(weights);
  return {matmul(o.dropout > 0.0 ? dropout(weights, o.dropout) : weights, values), weights};
}

Attended attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o) {
  check<ShapeError>(q.dim() >= 2 && k.dim() >= 2 && q.size(-1) == k.size(-1), "attention: queries ", q.shape(),
                    ", keys ", k.shape(), ": must be (…, n, d) and (…, m, d): the last axes differ");
  const double scale = o.scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(-1))));
  return attend(matmul(q * scale, k.transpose(-2, -1)), v, o);
}

}  // namespace heed::nn
