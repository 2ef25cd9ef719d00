// Walking strided operands together: the one loop nest under every elementwise op.
//
// N operands of one shape, each with its own strides, are cut into runs along the innermost axis.
// Axes that all operands lay out evenly are merged first, so contiguous operands are a single run;
// a kernel is then called once per run with a start and a stride for each operand.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>

#include <heed/core/parallel.h>
#include <heed/core/shape.h>

namespace heed::core {

template <size_t N> struct Run {
  std::array<int64_t, N> offset;  // of each operand's first element
  std::array<int64_t, N> stride;  // from one element to the next
  int64_t n;
};

/// Elements per task. Below this, threads cost more than they save.
inline constexpr int64_t elementwise_grain = 32768;

/// Rows of n elements per task.
inline int64_t row_grain(int64_t n) { return std::max<int64_t>(1, elementwise_grain / std::max<int64_t>(n, 1)); }

/// The merged loop nest. Sizes of 1 are dropped; rank >= 1.
template <size_t N> struct LoopNest {
  Shape shape;
  std::array<Strides, N> strides;

  LoopNest(const Shape& full, const std::array<std::reference_wrapper<const Strides>, N>& all) {
    for (int i = 0; i < full.rank(); ++i) {
      if (full[i] == 1) continue;
      bool merges = shape.rank() > 0;
      const int last = shape.rank() - 1;
      for (size_t k = 0; merges && k < N; ++k) merges = strides[k][last] == all[k].get()[i] * full[i];
      if (merges) {
        shape[last] *= full[i];
        for (size_t k = 0; k < N; ++k) strides[k][last] = all[k].get()[i];
      } else {
        shape.push_back(full[i]);
        for (size_t k = 0; k < N; ++k) strides[k].push_back(all[k].get()[i]);
      }
    }
    if (shape.rank() == 0) {
      shape.push_back(1);
      for (size_t k = 0; k < N; ++k) strides[k].push_back(1);
    }
  }

  /// Calls body(Run) for the elements begin … end-1, counted in row-major order.
  template <class Body> void walk(int64_t begin, int64_t end, Body&& body) const {
    const int inner = shape.rank() - 1;
    int64_t index[Shape::max_rank]{};
    int64_t rest = begin;
    for (int i = inner; i >= 0; --i) {
      index[i] = rest % shape[i];
      rest /= shape[i];
    }
    Run<N> run;
    for (size_t k = 0; k < N; ++k) {
      run.stride[k] = strides[k][inner];
      run.offset[k] = 0;
      for (int i = 0; i <= inner; ++i) run.offset[k] += index[i] * strides[k][i];
    }
    for (int64_t done = begin; done < end; done += run.n) {
      run.n = shape[inner] - index[inner];
      if (run.n > end - done) run.n = end - done;
      body(static_cast<const Run<N>&>(run));
      for (size_t k = 0; k < N; ++k) run.offset[k] -= index[inner] * run.stride[k];
      index[inner] = 0;
      for (int i = inner - 1; i >= 0; --i) {  // count up the outer axes
        for (size_t k = 0; k < N; ++k) run.offset[k] += strides[k][i];
        if (++index[i] < shape[i]) break;
        for (size_t k = 0; k < N; ++k) run.offset[k] -= shape[i] * strides[k][i];
        index[i] = 0;
      }
    }
  }
};

/// True if each operand lays out all axes evenly: contiguous, or one element repeated. Then there is
/// one run, and its strides are those of the last axis.
template <size_t N>
bool is_one_run(const Shape& shape, const std::array<std::reference_wrapper<const Strides>, N>& strides) {
  bool even = true;
  for (int i = 1; even && i < shape.rank(); ++i)
    for (const Strides& of : strides) even = even && of[i - 1] == of[i] * shape[i];
  return even;
}

/// Walks all elements of `shape`, on several threads if there are many. `body` must be safe to
/// call on several threads at once, for disjoint runs.
template <size_t N, class Body>
void for_each_run(const Shape& shape, const std::array<std::reference_wrapper<const Strides>, N>& strides,
                  Body&& body) {
  const int64_t numel = shape.numel();
  if (numel == 0) return;
  if (numel <= elementwise_grain && is_one_run<N>(shape, strides)) {  // toy sizes: no loop nest to set up
    Run<N> run{.offset = {}, .stride = {}, .n = numel};
    for (size_t k = 0; k < N; ++k) run.stride[k] = shape.rank() == 0 ? 1 : strides[k].get().back();
    return body(static_cast<const Run<N>&>(run));
  }
  const LoopNest<N> nest(shape, strides);
  parallel_for(numel, elementwise_grain, [&](int64_t begin, int64_t end) { nest.walk(begin, end, body); });
}

}  // namespace heed::core
