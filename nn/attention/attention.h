// Attention: a weighted mean whose weights are computed from the data.
//
//     Attention(Q, K, V) = softmax(Q Kᵀ / √d) V                    Vaswani et al. 2017, eq. 1
//
// Each query asks every key "how much should I heed you?"; the answers become weights that sum to
// one, and the output is the mean of the values under these weights. The factor 1/√d keeps the scores at unit
// variance if q and k have it (ibid., footnote 4), so that softmax stays out of its flat region.
//
// Nadaraya-Watson regression (kernel_regression.h) is the same sum with other scores; scores.h and
// distance_kernels.h hold the scores. Every attention is attend() of a score, attention() below, or the fused form of
// the latter, scaled_dot_product_attention (its own header), which never forms the weights.
//
// Shapes: … any batch axes, n queries, m keys, d key width, p value width.
#pragma once

#include <cstdint>
#include <optional>

#include <heed/nn/module.h>

namespace heed::nn {

/// How scores become weights (normalisers.cpp).
enum class Normaliser : uint8_t {
  softmax,     // exp(sᵢ) / Σ exp(sⱼ): for scores of any sign
  kernel_sum,  // sᵢ / Σ sⱼ: for finite scores >= 0, the values of a kernel (-∞ counts as 0); 0 if the sum is 0
  sparsemax,   // max(0, sᵢ - τ), τ such that they sum to 1: most weights are exactly 0
  sigmoid,     // 1 / (1 + exp(-sᵢ)): each key independently; the weights do not sum to 1
  hard,        // 1 for the largest score, 0 for the others: no gradient through the scores
};

/// What every attention takes: attend(), and the call of each layer.
struct AttentionOptions {
  std::optional<Tensor> mask = std::nullopt;      // (n, m), (B, n, m), (B or 1, h or 1, n, m): masks.h
  std::optional<Tensor> key_mask = std::nullopt;  // boolean (B, m): false for padding
  bool causal = false;  // a query sees no key after its own position; the last query stands at the last key
  double dropout =
      0.0;  // probability of dropping a weight; in a layer's call: if not 0, in place of the layer's, in eval() too
  Normaliser normaliser = Normaliser::softmax;
  std::optional<double> scale = std::nullopt;  // of q·k, instead of 1/√d; given scores are not scaled
  bool need_weights = false;                   // for layers that need not form them: return the weights
  bool average_weights = false;                // return the mean of the h heads' weights, (B, n, m)
};

struct Attended {
  Tensor output;   // (…, n, p)
  Tensor weights;  // (…, n, m), before dropout: rows sum to 1 (but for sigmoid), or are 0 if no key is permitted
};

/// The two steps of attend(): scores (…, n, m) become weights, then the weights average the values.
/// The second REQUIRES weights of 0 where the options' masks forbid, which the first ensures.
Tensor attention_weights(const Tensor& scores, const AttentionOptions& = {});
Attended weighted_average(const Tensor& weights, const Tensor& v, const AttentionOptions& = {});

/// Mean of `values` (…, m, p) under the normalised scores (…, n, m). O(n m p).
///
/// A query with no permitted key gets zeros, and zero gradient, rather than 0/0. A value that a
/// query may not see affects neither its output nor its gradient, even if it is NaN. For keys this is up
/// to whoever made the scores: attention() below and Attention<Score> (scores.h) ensure it.
Attended attend(const Tensor& scores, const Tensor& values, const AttentionOptions& = {});

/// Scaled dot-product attention: q (…, n, d), k (…, m, d), v (…, m, p).
/// O(n m (d + p)) time, O(n m) memory: the weights are kept for backward and returned.
Attended attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& = {});

}  // namespace heed::nn
