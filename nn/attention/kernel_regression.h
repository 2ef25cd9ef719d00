// Kernel regression: attention in statistics.
//
//     f(q) = Σᵢ α(q, kᵢ) vᵢ,   α(q, kᵢ) = K(q, kᵢ) / Σⱼ K(q, kⱼ)        Nadaraya 1964, Watson 1964
//
// The estimate at q is the mean of the known values, each weighted by how near its key is. softmax(s) is K / ΣK for
// K = exp(s): so dot-product attention is kernel regression with K = exp(q·k / √d), and a Gaussian K of width h is
// attention with s = -‖q - k‖² / 2h² = q·k / h² - ‖q‖² / 2h² - ‖k‖² / 2h². ‖q‖² is the same for all keys and cancels,
// ‖k‖² does if all keys are equally long.
//
//     NadarayaWatson model(Gaussian({.width = 0.5, .learn_width = true}));      // distance_kernels.h
//     Tensor loss = mean(square(model(x, x, y, {.mask = !eye_mask(n)}).output - y));
//
// The mask leaves each point out of its own estimate: otherwise the best width is zero, each point being its own
// only neighbour. The form exp(-((q - k) w)² / 2) in "Dive into Deep Learning" is this one with w = 1/h.
#pragma once

#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/unseen.h>

namespace heed::nn {

/// Kernel: one of distance_kernels.h, or any score that names its normaliser (scores.h).
template <class Kernel> struct NadarayaWatson : Module {
  Kernel kernel;

  explicit NadarayaWatson(Kernel k) : kernel(std::move(k)) {}

  /// queries (…, n, d), keys (…, m, d), values (…, m, p) -> output (…, n, p), weights (…, n, m).
  /// In one dimension, d and p may be omitted: queries (n), keys (m), values (m) -> output (n).
  Attended operator()(const Tensor& queries, const Tensor& keys, const Tensor& values,
                      AttentionOptions options = {}) const {
    const Scope scope(*this);
    options.normaliser = Kernel::normaliser;
    const auto column = [](const Tensor& x) { return x.dim() == 1 ? x.unsqueeze(-1) : x; };
    const Tensor scores = guarded_scores("NadarayaWatson", kernel, column(queries), column(keys), options);
    Attended result = attend(scores, column(values), options);
    if (values.dim() == 1) result.output = result.output.squeeze(-1);
    return scope(std::move(result));
  }

  void visit(Visitor& v) override { v("kernel", kernel); }
};

}  // namespace heed::nn
