// Losses: how wrong a prediction is, as one value to minimise. Meanings and defaults are PyTorch's.
//
// Reduction over the elements (or rows): their mean, their sum, their sum divided by the size of
// the first axis (batchmean), or none.
// One difference: logits are (…, C), classes last, never (N, C, d).
#pragma once

#include <cstdint>
#include <optional>

#include <heed/autograd/tensor.h>

namespace heed::nn {

enum class Reduction : uint8_t { mean, sum, none, batchmean };

struct LossOptions {
  Reduction reduction = Reduction::mean;
};

// (p - t)² and |p - t|, prediction and target of one shape.
Tensor mse_loss(const Tensor& prediction, const Tensor& target, const LossOptions& = {});
Tensor l1_loss(const Tensor& prediction, const Tensor& target, const LossOptions& = {});

struct HuberOptions {
  double delta = 1.0;
  Reduction reduction = Reduction::mean;
};

/// ½ d² while |d| <= δ, else δ (|d| - ½ δ), d = p - t (Huber 1964).
Tensor huber_loss(const Tensor& prediction, const Tensor& target, const HuberOptions& = {});

/// max(0, 1 - y s), the max-margin loss of a classifier with score s and label y = ±1.
Tensor hinge_loss(const Tensor& score, const Tensor& label, const LossOptions& = {});

struct BceOptions {
  std::optional<Tensor> pos_weight = std::nullopt;  // factor of the positive term; broadcasts
  Reduction reduction = Reduction::mean;
};

/// -t log σ(x) - (1 - t) log(1 - σ(x)), targets t in 0 … 1. Stable for large |x|.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target, const BceOptions& = {});

struct KlDivOptions {
  bool log_target = false;  // the target also holds logarithms
  Reduction reduction = Reduction::mean;
};

/// p (log p - log q), elementwise: how far q, given as log_probs, is from the target p. The sum over
/// the classes is KL(p ‖ q) (Kullback & Leibler 1951); batchmean is its mean over rows. Where
/// p is 0 the term is 0, whatever q is.
Tensor kl_div(const Tensor& log_probs, const Tensor& target, const KlDivOptions& = {});

struct CrossEntropyOptions {
  std::optional<Tensor> weight = std::nullopt;  // (C), one per class; the mean is then weighted
  int64_t ignore_index = -100;                  // rows with this target do not count
  double label_smoothing = 0.0;                 // ε of the target's 1 is spread evenly over all classes
  Reduction reduction = Reduction::mean;
};

/// -log softmax(logits)_target: logits (…, C), target (…) i64. One op, so that neither
/// probabilities nor their logarithms are kept. If all rows are ignored, the mean is NaN. Warns
/// once on stderr, in the first calls, if the logits look like probabilities or their logarithms.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& = {});

struct NllOptions {
  std::optional<Tensor> weight = std::nullopt;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
};

/// The same from log_probs = log_softmax(logits, -1).
Tensor nll_loss(const Tensor& log_probs, const Tensor& target, const NllOptions& = {});

}  // namespace heed::nn
