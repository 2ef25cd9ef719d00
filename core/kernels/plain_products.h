// Matrix products, and what they are made of: the loops that define them. matmul and attention are the definitions of
// whole ops (core/ops/gemm.h and attention); the others are kernels.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/core/kernels/kernels.h>
#include <heed/core/kernels/plain.h>

namespace heed::core::plain {

/// C (m × n) = A (m × k) B (k × n), all row by row.
template <class T> void matmul(const T* a, const T* b, T* c, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double total = 0;
      for (int64_t l = 0; l < k; ++l) total += static_cast<double>(a[i * k + l]) * b[l * n + j];
      c[i * n + j] = static_cast<T>(total);
    }
  }
}

/// O = softmax(scale Q Kᵀ) V of one head: q (n × d), k (m × d), v (m × p) -> output (n × p), weights (n × m).
/// permitted(i, j) says whether query i may attend to key j; factor(i, j) multiplies a weight after the softmax
/// (dropout). A query that may attend to no key gets zeros.
template <class T, class Permitted, class Factor>
void attention(const T* q, const T* k, const T* v, int64_t n, int64_t m, int64_t d, int64_t p, double scale,
               Permitted permitted, Factor factor, T* output, T* weights) {
  for (int64_t i = 0; i < n; ++i) {
    T* const row = weights + i * m;
    for (int64_t j = 0; j < m; ++j) {
      double score = 0;
      for (int64_t l = 0; l < d; ++l) score += static_cast<double>(q[i * d + l]) * k[j * d + l];
      row[j] = static_cast<T>(permitted(i, j) ? scale * score : -infinity);
    }
    if (m > 0) softmax(row, 1, row, m);
    for (int64_t j = 0; j < m; ++j) row[j] *= static_cast<T>(factor(i, j));
    for (int64_t l = 0; l < p; ++l) {
      double mean = 0;
      for (int64_t j = 0; j < m; ++j) mean += static_cast<double>(row[j]) * v[j * p + l];
      output[i * p + l] = static_cast<T>(mean);
    }
  }
}

// The kernels of gemm. Each sums over all of k, then adds to C and the bias.

constexpr int tile_rows = 4, tile_columns = 4;

/// C = A B [+ C] [+ bias], A and B in panels of tile_rows rows and tile_columns columns.
template <class T> void gemm_block(const GemmBlock<T>& p) {
  for (int64_t i = 0; i < p.m; ++i) {
    const T* const a = p.a + i / tile_rows * p.a_panel + i % tile_rows * p.a_row;
    for (int64_t j = 0; j < p.n; ++j) {
      const T* const b = p.b + j / tile_columns * p.b_panel + j % tile_columns;
      double total = 0;
      for (int64_t l = 0; l < p.k; ++l) total += static_cast<double>(a[l * p.a_col]) * b[l * p.b_row];
      if (p.accumulate) total += p.c[i * p.c_row + j];
      if (p.bias) total += p.bias[j];
      p.c[i * p.c_row + j] = static_cast<T>(total);
    }
  }
}

/// The same where k is contiguous in A and in B.
template <class T> void gemm_dots(const GemmDots<T>& p) {
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.n; ++j) {
      double total = 0;
      for (int64_t l = 0; l < p.k; ++l) total += static_cast<double>(p.a[i * p.a_row + l]) * p.b[j * p.b_col + l];
      if (p.accumulate) total += p.c[i * p.c_row + j];
      if (p.bias) total += p.bias[j];
      p.c[i * p.c_row + j] = static_cast<T>(total);
    }
  }
}

/// y (n) += x (k) B (k × n)
template <class T>
void add_row_times_matrix(const T* x, int64_t x_stride, const T* b, int64_t b_row, T* y, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; ++j) {
    double total = 0;
    for (int64_t l = 0; l < k; ++l) total += static_cast<double>(x[l * x_stride]) * b[l * b_row + j];
    y[j] = static_cast<T>(y[j] + total);
  }
}

/// Panels of `width`: element i of step l goes to panel i / width, step by step.
template <class T> void pack(const T* from, int64_t across, int64_t along, int64_t n, int64_t k, int64_t width, T* to) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t l = 0; l < k; ++l) to[i / width * width * k + l * width + i % width] = from[i * across + l * along];
}

/// to[j, i] = from[i, j]
template <class T>
void transpose(const T* from, int64_t from_row, int64_t rows, int64_t columns, T* to, int64_t to_row) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) to[j * to_row + i] = from[i * from_row + j];
}

/// to = from
template <class T> void stream(const T* from, T* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = from[i];
}

}  // namespace heed::core::plain
