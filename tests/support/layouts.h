// One tensor in many layouts: the same elements, in every memory layout that a user can make.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/views.h>

namespace heed::test {

enum class Layout { contiguous, permuted, sliced, expanded };

inline constexpr std::array<Layout, 4> all_layouts{Layout::contiguous, Layout::permuted, Layout::sliced,
                                                   Layout::expanded};

inline const char* name_of(Layout layout) {
  switch (layout) {
    case Layout::contiguous: return "contiguous";
    case Layout::permuted: return "permuted";
    case Layout::sliced: return "sliced";
    case Layout::expanded: return "expanded";
  }
  return "";
}

/// x's elements in another layout: its axes reversed in memory; or every second element of a larger
/// array, from the second on, along each axis. `expanded` repeats the elements at index 0 of the first
/// axis along it (stride 0), so its elements differ from x's.
inline Tensor laid_out(const Tensor& x, Layout layout) {
  const NoGrad plain;
  const int rank = x.dim();
  if (layout == Layout::permuted) {
    Shape reversed;
    for (int i = rank - 1; i >= 0; --i) reversed.push_back(i);
    return x.permute(reversed).clone().permute(reversed);
  }
  if (layout == Layout::sliced) {
    Shape larger;
    for (int64_t size : x.shape()) larger.push_back(2 * size + 1);
    Tensor part = zeros(larger, x.dtype());
    for (int i = 0; i < rank; ++i) part = part.slice(i, 1, 2 * x.shape()[i] + 1, 2);
    return part.copy_(x);
  }
  if (layout == Layout::expanded && rank > 0) return x.slice(0, 0, 1).clone().expand(x.shape());
  return x;
}

/// Whether x has this layout, and it differs from the earlier ones.
inline bool has_layout(const Tensor& x, Layout layout) {
  if (layout == Layout::permuted) return x.dim() > 1 && x.numel() > 1;
  if (layout == Layout::sliced) return x.dim() > 0 && x.numel() > 0;
  if (layout == Layout::expanded) return x.dim() > 0 && x.shape()[0] > 1 && x.numel() > 0;
  return true;
}

/// `shape` filled with distinct values from low to high, in an order that looks random; none is
/// within (high - low) / (4 numel) of another, nor of the middle. Each `turn` gives other values.
inline Tensor spread(const Shape& shape, double low, double high, int turn = 0, Dtype dtype = Dtype::f64) {
  const int64_t n = shape.numel();
  std::vector<double> values(static_cast<size_t>(n));
  int64_t step = 1;  // a step that is coprime to n visits every position once
  for (int64_t candidate = n * 5 / 8 + 1; candidate < n; ++candidate) {
    int64_t a = candidate, b = n;
    while (b) a = std::exchange(b, a % b);
    if (a == 1) {
      step = candidate;
      break;
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    const double at = static_cast<double>((i * step + turn) % n) + 0.26 + 0.11 * (turn % 4);
    values[size_t(i)] = low + (high - low) * at / static_cast<double>(n);
  }
  return tensor(values, shape, dtype);
}

}  // namespace heed::test
