// Kernels: scores that decrease with the distance u = ‖q - k‖ / width.
//
//     Gaussian      exp(-u²/2)            Epanechikov   ¾ (1 - u²)₊       (Epanechikov 1969)
//     Boxcar        [u <= 1]              Triangular    (1 - u)₊          (d2l's "Epanechikov")
//     Constant      1: the plain mean
//
// The Gaussian's score is its logarithm, because softmax normalises it without overflow or 0/0 however
// far the keys are. The other scores are the kernel's value, normalised by
// its sum: compact kernels are 0 beyond u = 1, and a query without a key in reach gets zeros. The width is fixed, or
// learnt as its logarithm; there is one for all, or one per head.
#pragma once

#include <vector>

#include <heed/nn/attention/attention.h>

namespace heed::nn {

/// ‖qᵢ - kⱼ‖²: q (…, n, d), k (…, m, d) -> (…, n, m). Computed from the differences, so that near points
/// lose no precision; O(n m d) time and memory.
Tensor squared_distances(const Tensor& q, const Tensor& k);

struct KernelOptions {
  double width = 1.0;
  bool learn_width = false;
  std::vector<double> widths = {};  // instead of width: one per head, for q (…, h, n, d)
};

/// What the kernels below share: a width.
struct DistanceKernel : Module {
  std::vector<double> fixed_widths;  // one, or one per head
  Tensor log_width;                  // () or (h), if learnt

  explicit DistanceKernel(const KernelOptions& = {});
  std::vector<double> widths() const;
  double width() const { return widths().front(); }
  /// factor · u², from the squared distances: one pass over the scores for both factors.
  Tensor scaled_squares(const Tensor& q, const Tensor& k, double factor = 1.0) const;
  Tensor scaled_distances(const Tensor& q, const Tensor& k) const;  // u; gradient 0 at u = 0

  void visit(Visitor& v) override { v("log_width", log_width); }

 private:
  /// factor * distances / widths^power
  Tensor divided(const Tensor& distances, double power, double factor = 1.0) const;
};

struct Gaussian : DistanceKernel {
  static constexpr Normaliser normaliser = Normaliser::softmax;
  using DistanceKernel::DistanceKernel;
  Tensor operator()(const Tensor& q, const Tensor& k) const;
};

struct Epanechikov : DistanceKernel {
  static constexpr Normaliser normaliser = Normaliser::kernel_sum;
  using DistanceKernel::DistanceKernel;
  Tensor operator()(const Tensor& q, const Tensor& k) const;
};

struct Triangular : DistanceKernel {
  static constexpr Normaliser normaliser = Normaliser::kernel_sum;
  using DistanceKernel::DistanceKernel;
  Tensor operator()(const Tensor& q, const Tensor& k) const;
};

/// Its width cannot be learnt: the derivative is 0 wherever it exists.
struct Boxcar : DistanceKernel {
  static constexpr Normaliser normaliser = Normaliser::kernel_sum;
  explicit Boxcar(const KernelOptions& = {});
  Tensor operator()(const Tensor& q, const Tensor& k) const;
};

struct Constant : Module {
  static constexpr Normaliser normaliser = Normaliser::kernel_sum;
  Tensor operator()(const Tensor& q, const Tensor& k) const;
  void visit(Visitor&) override {}
};

}  // namespace heed::nn
