#include <heed/nn/attention/masks.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <heed/autograd/ops.h>
#include <heed/core/number.h>
#include <heed/nn/attention/attention.h>

namespace heed::nn {

Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t keys) {
  return padding_mask(tensor_i64(lengths), keys);
}

Tensor padding_mask(const Tensor& lengths, int64_t keys) {
  check<DtypeError>(lengths.dtype() == Dtype::i64, "padding_mask: lengths ", lengths.dtype(), " ", lengths.shape(),
                    ": lengths must be int64: convert them with to(Dtype::i64)");
  return arange(keys) < lengths.unsqueeze(-1);
}

Tensor sliding_window_mask(int64_t queries, int64_t keys, int64_t before, int64_t after) {
  check(before >= 0 && after >= 0, "sliding_window_mask: before = ", before, ", after = ", after,
        ": must not be negative");
  const double last = static_cast<double>(keys) - static_cast<double>(queries);
  const int64_t whole = std::max(queries, keys);                                 // no key is farther from a query
  const Tensor key = arange(keys), place = arange(queries).unsqueeze(1) + last;  // (m), (n, 1)
  return (key >= place - static_cast<double>(std::min(before, whole))) &
         (key <= place + static_cast<double>(std::min(after, whole)));
}

Tensor prefix_mask(const std::vector<int64_t>& prefix_lengths, int64_t n) {
  return padding_mask(prefix_lengths, n).unsqueeze(1) | causal_mask(n);
}

Tensor block_diagonal_mask(const std::vector<int64_t>& lengths) {
  constexpr int64_t most = int64_t{1} << 31;  // positions: the mask has their square
  int64_t places = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    check(lengths[i] >= 0, "block_diagonal_mask: length ", lengths[i], " of sequence ", i, ": must not be negative");
    check<ShapeError>(lengths[i] <= most - places, "block_diagonal_mask: length ", lengths[i], " of sequence ", i,
                      ": no memory holds such a mask: give shorter sequences");
    places += lengths[i];
  }
  const Tensor of = zeros({places}, Dtype::i64);  // the sequence of each position
  for (size_t i = 0, begin = 0; i < lengths.size(); begin += static_cast<size_t>(lengths[i++]))
    std::fill_n(of.array().data<int64_t>() + begin, lengths[i], static_cast<int64_t>(i));
  return eq(of.unsqueeze(1), of);
}

Tensor eye_mask(int64_t n) { return eq(arange(n), arange(n).unsqueeze(1)); }

namespace {

constexpr double forbids = -std::numeric_limits<double>::infinity();

}  // namespace

Tensor mask_for_heads(const char* op, const Tensor& mask, const Shape& scores) {
  const Shape& shape = mask.shape();
  const int rank = scores.rank();
  const bool heads = rank == 4;
  const int64_t n = scores[rank - 2], m = scores.back();
  Tensor aligned = mask;
  if (heads && shape.rank() == 3) aligned = mask.unsqueeze(1);
  const bool of_keys = rank > 2 && shape == Shape{scores[0], m};
  const bool of_heads = heads && shape.rank() == 3 && shape[0] == scores[1];
  check<ShapeError>(core::broadcasts_to(aligned.shape(), scores), op, ": mask ", shape, ", scores ", scores,
                    heads ? cat(": with heads a mask is (", n, ", ", m, "), (", scores[0], ", ", n, ", ", m,
                                "), one per sequence, or (", scores[0], " or 1, ", scores[1], " or 1, ", n, ", ", m,
                                "): give it these sizes, or 1")
                          : std::string(": the mask does not broadcast to (…, queries, keys): give it these sizes, "
                                        "or 1"),
                    of_keys ? "; a mask of keys, (batch, keys), belongs in .key_mask" : "",
                    of_heads ? "; a mask per head needs a batch axis: unsqueeze(0)" : "");
  while (aligned.dim() < 2) aligned = aligned.unsqueeze(0);
  return aligned;
}

Shape scores_shape(const Tensor& q, const Tensor& k) {
  check<ShapeError>(q.dim() >= 2 && k.dim() >= 2, "attention: queries ", q.shape(), ", keys ", k.shape(),
                    ": must be (…, n, width) and (…, m, width)");
  const auto batch = [](const Tensor& x) {
    return Shape(std::span(x.shape().begin(), static_cast<size_t>(x.dim() - 2)));
  };
  Shape scores = core::broadcast("attention", batch(q), batch(k));
  scores.push_back(q.size(-2));
  scores.push_back(k.size(-2));
  return scores;
}

void check_one_width(const char* op, const Tensor& q, const Tensor& k) {
  if (q.dim() >= 2 && k.dim() >= 2 && q.size(-1) == k.size(-1)) return;
  const bool transposed = q.dim() >= 2 && k.dim() >= 2 && q.size(-1) == k.size(-2);
  fail<ShapeError>(op, ": queries ", q.shape(), ", keys ", k.shape(), ": must be (…, n, d) and (…, m, d): ",
                   transposed ? "the keys look transposed: put one key in each row with k.transpose(-2, -1)"
                              : "the last axes differ: project one of them to the other's width");
}

std::optional<Tensor> AttentionMask::as_one() const {
  if (added.defined()) return permitted.defined() ? where(permitted, added, forbids) : added;
  return permitted.defined() ? std::optional(permitted) : std::nullopt;
}

AttentionMask attention_mask(const char* op, const Shape& scores, Dtype dtype, const AttentionOptions& o) {
  check(o.dropout >= 0.0 && o.dropout <= 1.0, op, ": dropout = ", o.dropout, ": a probability lies in 0 … 1");
  check(!o.scale || std::isfinite(*o.scale), op, ": scale = ", o.scale.value_or(0.0), ": must be a finite number");
  if (o.scale) core::check_holds(op, scores, dtype, *o.scale);
  AttentionMask all;
  const auto also = [&all](const Tensor& mask) {
    all.permitted = all.permitted.defined() ? all.permitted & mask : mask;
  };
  check(!o.mask || o.mask->defined(), op, ": mask, an empty Tensor: has no elements: leave it out");
  check(!o.key_mask || o.key_mask->defined(), op, ": key_mask, an empty Tensor: has no elements: leave it out");
  if (o.mask) {
    const Dtype given = o.mask->dtype();
    check<DtypeError>(given == Dtype::boolean || is_floating(given), op, ": mask ", given, " ", o.mask->shape(),
                      ": a mask is boolean, true = may "
                      "attend, or floating, added to the scores: convert it with ne(mask, 0.0)");
    const Tensor mask = mask_for_heads(op, *o.mask, scores);
    if (given == Dtype::boolean) {
      also(mask);
    } else {
      check<DtypeError>(given == dtype, op, ": mask ", given, ", scores ", dtype,
                        ": a mask that is added has the scores' dtype: convert it with "
                        "to(Dtype)");
      const Tensor some = ne(mask.detach(), forbids);
      also(some);
      all.added = where(some, mask, 0.0);
    }
  }
  if (o.key_mask) {
    check<DtypeError>(o.key_mask->dtype() == Dtype::boolean, op, ": key_mask ", o.key_mask->dtype(), " ",
                      o.key_mask->shape(), ": a key mask is boolean, true = may attend: ",
                      is_floating(o.key_mask->dtype()) ? "if 0 keeps and -∞ forbids, convert it with eq(key_mask, 0.0)"
                                                       : "convert it with ne(key_mask, 0.0)");
    const int64_t queries = scores[scores.rank() - 2], keys = scores.back();
    const bool of_news = queries < keys && o.key_mask->shape() == Shape{scores[0], queries};
    check<ShapeError>(scores.rank() > 2 && o.key_mask->shape() == Shape{scores[0], keys}, op, ": key_mask ",
                      o.key_mask->shape(), ", scores ", scores, ": a key mask is (batch, keys), one row per sequence: ",
                      of_news ? cat("give it all ", keys, " keys, those that a cache holds first")
                              : std::string("a mask of queries and keys belongs in .mask"));
    Shape shape = Shape::filled(scores.rank(), 1);
    shape[0] = scores[0];
    shape[scores.rank() - 1] = scores.back();
    also(o.key_mask->reshape(shape));
  }
  if (o.causal) also(causal_mask(scores[scores.rank() - 2], scores.back()));
  return all;
}

double inverse_root(int64_t d) { return d > 0 ? 1.0 / std::sqrt(static_cast<double>(d)) : 1.0; }

bool has_floating_mask(const AttentionOptions& o) { return o.mask && is_floating(o.mask->dtype()); }

}  // namespace heed::nn
