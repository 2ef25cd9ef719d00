// How scores become weights: the first half of attend(). All five give 0 where a mask forbids, and
// a row of zeros, with zero gradient, if every key is forbidden. A NaN among the scores stays visible.
#include <limits>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/masks.h>

namespace heed::nn {

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

// sᵢ / Σ sⱼ. A compact kernel may reach no key, even without a mask: that too gives a row of zeros.
Tensor kernel_sum(const Tensor& given) {
  const Tensor seen = given.detach();
  Tensor scores = given;
  if (any(seen < 0.0)) {
    const Tensor nothing = eq(seen, minus_infinity);  // a caller's mask: a weight of 0
    check(!any((seen < 0.0) & !nothing), "attend: scores ", given.shape(),
          ", kernel_sum: some are below 0, and the farthest key would weigh most: ",
          "give the values of a kernel, or take Normaliser::softmax");
    scores = where(nothing, 0.0, given);
  }
  const Tensor total = sum(scores, -1, keepdim);
  check(!any(eq(total.detach(), -minus_infinity)), "attend: scores ", given.shape(),
        ", kernel_sum: the sum of a row is infinite, and has no shares: ",
        "give finite values of a kernel, or their logarithm and Normaliser::softmax");
  const Tensor someone = ne(total, 0.0);
  return where(someone, scores / where(someone, total, 1.0), 0.0);
}

// The point of the simplex that is nearest to the scores (Martins & Astudillo 2016, alg. 1):
//
//     wᵢ = max(0, sᵢ - τ),   τ = (Σ_S sⱼ - 1) / |S|,   S = {j: s₍ⱼ₎ > (s₍₁₎ + … + s₍ⱼ₎ - 1) / j},
//
// where s₍₁₎ >= s₍₂₎ >= … : O(m log m) per row. The support S is found without history, because it is
// constant wherever the derivative exists; given S, the weights are linear in the scores.
Tensor sparsemax(const Tensor& scores) {
  Tensor support, shift;
  {
    const NoGrad no_history;
    const Tensor largest = amax(scores, -1, keepdim);
    shift = where(largest > minus_infinity, largest, 0.0);               // cancels, and preserves precision
    const Tensor sorted = topk(scores - shift, scores.size(-1)).values;  // best first
    const Tensor rank = arange(1, static_cast<double>(scores.size(-1)) + 0.5, 1, scores.dtype());
    const Tensor members = (rank * sorted + 1.0 > cumsum(sorted, -1)).to(scores.dtype());
    const Tensor least = sum(members, -1, keepdim);  // |S|: S is the |S| largest
    const Tensor threshold = amin(where(rank <= least, sorted, 0.0), -1, keepdim);
    const Tensor beaten = (scores - shift < threshold) | eq(scores, minus_infinity);
    support = !beaten;  // so that NaN is in it and stays visible
  }
  const Tensor centred = where(support, scores - shift, 0.0);
  const Tensor size = maximum(sum(support.to(scores.dtype()), -1, keepdim), 1.0);
  const Tensor tau = (sum(centred, -1, keepdim) - 1.0) / size;
  return where(support, maximum(centred - tau, 0.0), 0.0);  // rounding may leave -1e-17
}

// One-hot at the largest score, the first of equals. Small changes of the scores do not change the
// weights, so the scores' gradient is zero: the weights have no history. The values keep theirs.
Tensor hard(const Tensor& scores) {
  const NoGrad no_history;
  const Tensor best = one_hot(argmax(scores, -1), scores.size(-1)).to(scores.dtype());
  const Tensor weights = where(ne(scores, minus_infinity), best, 0.0);
  return where(ne(scores, scores), scores, weights);  // NaN stays
}

}  // namespace

Tensor attention_weights(const Tensor& scores, const AttentionOptions& o) {
  check_no_scale(o);
  return masked_weights(scores, attention_mask("attend", scores.shape(), scores.dtype(), o), o.normaliser);
}

Tensor masked_weights(const Tensor& scores, const AttentionMask& mask, Normaliser normaliser) {
  if (scores.size(-1) == 0) return scores;                     // no keys
  const bool by_value = normaliser == Normaliser::kernel_sum;  // 0 is nothing; elsewhere -∞ is
  const Tensor sums = mask.added.defined() ? scores + mask.added : scores;
  const Tensor s = mask.permitted.defined() ? where(mask.permitted, sums, by_value ? 0.0 : minus_infinity) : sums;
  switch (normaliser) {
    case Normaliser::softmax: return softmax(s, -1);
    case Normaliser::kernel_sum: return kernel_sum(s);
    case Normaliser::sparsemax: return sparsemax(s);
    case Normaliser::sigmoid: return sigmoid(s);
    case Normaliser::hard: return hard(s);
  }
  fail<Error>("attend: normaliser = ", static_cast<int>(normaliser), ": is not a Normaliser: ", "use one of its names");
}

}  // namespace heed::nn
