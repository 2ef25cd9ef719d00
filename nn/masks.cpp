#include <heed/nn/masks.h>

#include <algorithm>
#include <limits>

#include <heed/autograd/ops.h>
#include <heed/nn/attention.h>

namespace heed::nn {

Tensor causal_mask(int64_t queries, int64_t keys) {
  return arange(keys) <= arange(queries).unsqueeze(1) + (static_cast<double>(keys) - static_cast<double>(queries));
}

Tensor causal_mask(int64_t n) { return causal_mask(n, n); }

Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t keys) {
  return padding_mask(tensor_i64(lengths), keys);
}

Tensor padding_mask(const Tensor& lengths, int64_t keys) {
  return arange(keys) < lengths.unsqueeze(-1);
}

Tensor sliding_window_mask(int64_t queries, int64_t keys, int64_t before, int64_t after) {
  check(before >= 0 && after >= 0, "sliding_window_mask: before = ", before, ", after = ", after,
        ": are numbers of places: must not be negative");
  const double last = static_cast<double>(keys) - static_cast<double>(queries);
  const int64_t whole = std::max(queries, keys);  // no key is farther from a query
  const Tensor key = arange(keys), place = arange(queries).unsqueeze(1) + last;  // (m), (n, 1)
  return (key >= place - static_cast<double>(std::min(before, whole))) &
         (key <= place + static_cast<double>(std::min(after, whole)));
}

Tensor prefix_mask(const std::vector<int64_t>& prefix_lengths, int64_t n) {
  return padding_mask(prefix_lengths, n).unsqueeze(1) | causal_mask(n);
}

Tensor block_diagonal_mask(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> sequence;  // of each position
  for (size_t i = 0; i < lengths.size(); ++i) {
    check(lengths[i] >= 0, "block_diagonal_mask: length ", lengths[i], " of sequence ", i,
          ": must not be negative");
    sequence.insert(sequence.end(), static_cast<size_t>(lengths[i]), static_cast<int64_t>(i));
  }
  const Tensor of = tensor_i64(sequence);
  return eq(of.unsqueeze(1), of);
}

Tensor eye_mask(int64_t n) { return eq(arange(n), arange(n).unsqueeze(1)); }

namespace {

constexpr double forbids = -std::numeric_limits<double>::infinity();

bool broadcasts(const Shape& mask, const Shape& scores) {
  if (mask.rank() > scores.rank()) return false;
  for (int i = 1; i <= mask.rank(); ++i) {
    const int64_t size = mask[mask.rank() - i];
    if (size != 1 && size != scores[scores.rank() - i]) return false;
  }
  return true;
}

}  // namespace

Tensor permitted(const char* op, const Shape& scores, const AttentionOptions& o) {
  Tensor all;
  const auto also = [&all](const Tensor& mask) { all = all.defined() ? all & mask : mask; };
  if (o.mask) {
    const Shape& shape = o.mask->shape();
    check<DtypeError>(o.mask->dtype() == Dtype::boolean || is_floating(o.mask->dtype()), op,
                      ": mask ", o.mask->dtype(), " ", shape,
                      ": a mask is boolean, true = may "
                      "attend, or floating, added to the scores: convert it with ne(mask, 0.0)");
    const bool of_keys = scores.rank() > 2 && shape == Shape{scores[0], scores.back()};
    const bool of_sequences = scores.rank() == 4 && shape.rank() == 3 && shape[0] == scores[0];
    check<ShapeError>(
        broadcasts(shape, scores), op, ": mask ", shape, ", scores ", scores,
        ": the mask does not broadcast to (…, queries, keys): give it these sizes, or 1",
        of_keys ? "; a mask of keys, (batch, keys), goes to .key_mask" : "",
        of_sequences ? "; one mask a sequence lacks the axis of heads: unsqueeze(1)" : "");
    also(has_floating_mask(o) ? ne(o.mask->detach(), forbids) : *o.mask);
  }
  if (o.key_mask) {
    check<DtypeError>(o.key_mask->dtype() == Dtype::boolean, op, ": key_mask ", o.key_mask->dtype(),
                      " ", o.key_mask->shape(),
                      ": a key mask is boolean, "
                      "true = may attend: convert it with ne(key_mask, 0.0)");
    check<ShapeError>(scores.rank() > 2 && o.key_mask->shape() == Shape{scores[0], scores.back()},
                      op, ": key_mask ", o.key_mask->shape(), ", scores ", scores,
                      ": a key mask is (batch, keys), one row a sequence: ",
                      "a mask of queries and keys goes to .mask");
    Shape shape = Shape::filled(scores.rank(), 1);
    shape[0] = scores[0];
    shape[scores.rank() - 1] = scores.back();
    also(o.key_mask->reshape(shape));
  }
  if (o.causal) also(causal_mask(scores[scores.rank() - 2], scores.back()));
  return all;
}

Tensor add_mask(const char* op, const Tensor& scores, const AttentionOptions& o) {
  if (!has_floating_mask(o)) return scores;
  check<DtypeError>(o.mask->dtype() == scores.dtype(), op, ": mask ", o.mask->dtype(), ", scores ",
                    scores.dtype(),
                    ": a mask that is added has the scores' dtype: convert it with "
                    "to(Dtype)");
  return scores + where(ne(o.mask->detach(), forbids), *o.mask, 0.0);
}

bool has_floating_mask(const AttentionOptions& o) { return o.mask && is_floating(o.mask->dtype()); }

}  // namespace heed::nn
