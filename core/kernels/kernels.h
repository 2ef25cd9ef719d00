// The kernel table: loops over raw memory, compiled once for each instruction set.
//
// Everything fast in heed ends here. A table holds one function per job and element type; the
// sources kernels_baseline.cpp, kernels_avx2.cpp, kernels_avx512.cpp and kernels_neon.cpp each
// compile kernels.inc at their own vector width, and dispatch.cpp picks one table at start
// (HEED_ISA=baseline|avx2|avx512|neon overrides; a name this machine cannot run is an Error). Each
// function has a plain twin in plain.h or beside it (plain_*.h), the loop that defines it; HEED_ISA=plain runs on these.
//
// All pointers are to distinct or identical ranges, never to partly overlapping ones.
// Strides are in elements: 1 contiguous, 0 one element repeated, others walked one by one.
// Thread-safe: no function keeps state.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace heed::core {

// y = f(x). The only list of these functions: names and definitions (plain_maps.h) and kernels (maps.inc)
// are found by tag, and one that is missing does not compile.
enum class Unary : uint8_t {
  neg,
  abs,
  sign,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tanh,
  sigmoid,
  erf,
  relu,
  gelu,
  gelu_tanh,
  silu,
  softplus,
  floor,
  ceil,
  round,
  count
};

// y = f(a, b).
enum class Binary : uint8_t { add, sub, mul, div, maximum, minimum, pow, count };

// y = f(x, g): derivatives of the activations, so that backward is one pass: g · f'(x).
enum class UnaryGrad : uint8_t { relu, gelu, gelu_tanh, silu, tanh_from_output, sigmoid_from_output, count };

// C (m × n) = A B [+ C] [+ bias], one depth k summed from zero, on one thread. B's columns are contiguous within a
// group of tile_columns. Groups of tile_rows rows of A are a_panel apart, groups of columns of B
// b_panel: tile_rows·a_row and tile_columns where the matrix is not packed.
template <class T> struct GemmBlock {
  int64_t m, n, k;
  const T* a;
  int64_t a_row, a_col, a_panel;
  const T* b;
  int64_t b_row, b_panel;
  T* c;
  int64_t c_row;
  bool accumulate;
  const T* bias;  // (n) or null
};

// The same for few rows: k contiguous in A and in B (column j of B begins at b + j·b_col).
template <class T> struct GemmDots {
  int64_t m, n, k;
  const T* a;
  int64_t a_row;
  const T* b;
  int64_t b_col;
  T* c;
  int64_t c_row;
  bool accumulate;
  const T* bias;
};

template <class T> struct KernelsOf {
  using UnaryFn = void (*)(const T* x, int64_t x_stride, T* y, int64_t n);
  using BinaryFn = void (*)(const T* a, int64_t a_stride, const T* b, int64_t b_stride, T* y, int64_t n);
  using UnaryGradFn = void (*)(const T* x, const T* g, T* y, int64_t n);  // all contiguous

  UnaryFn unary[static_cast<int>(Unary::count)];
  BinaryFn binary[static_cast<int>(Binary::count)];
  // The same with y stored past the caches (streaming.h); functions bound by arithmetic have no streamed
  // version: their entry is the one above.
  UnaryFn unary_streamed[static_cast<int>(Unary::count)];
  BinaryFn binary_streamed[static_cast<int>(Binary::count)];
  UnaryGradFn unary_grad[static_cast<int>(UnaryGrad::count)];

  // Σ xᵢ and Σ aᵢ bᵢ over n contiguous elements, summed pairwise in blocks: error O(log n) ulp. The
  // order depends on n only.
  T (*sum)(const T* x, int64_t n);
  T (*dot)(const T* a, const T* b, int64_t n);
  T (*max)(const T* x, int64_t n);                                             // NaN if any is NaN; n > 0
  void (*axpy)(T alpha, const T* x, T* y, int64_t n);                          // y += alpha x
  void (*add_rows)(const T* x, int64_t x_row, int64_t rows, T* y, int64_t n);  // y += each of the rows, in order

  // Contiguous rows of length n. A row whose maximum is -inf (every key masked) gives zeros.
  using RowsFn = void (*)(const T* x, int64_t rows, T* y, int64_t n);
  RowsFn softmax, log_softmax;
  // ln Σ exp x = max x + the value; that is ln(1 + beside), beside = Σ exp(x - max x) - 1 to its last digit.
  // NaN where max x is infinite.
  T (*log_sum_exp)(const T* x, int64_t n, T* highest, T* beside);
  T (*sum_below)(const T* x, const T* w, T highest, int64_t n);                 // Σ w (highest - x), w null: all 1
  using ExpMinusFn = void (*)(const T* x, T shift, T factor, T* y, int64_t n);  // factor exp(x - shift)
  ExpMinusFn exp_minus, exp_minus_streamed;
  void (*softmax_grad)(const T* y, const T* g, T* dx, int64_t n);      // y (g - Σ g y)
  void (*log_softmax_grad)(const T* y, const T* g, T* dx, int64_t n);  // g - exp(y) Σ g

  // For attention, a block of scores at a time (softmax.inc).
  T (*online_softmax)(T* s, int64_t n, T* highest, T* total);
  // factor y (g - mean)
  void (*softmax_grad_again)(const T* y, const T* g, T mean, T factor, T* dx, int64_t n);
  // a where the mask is true, else b
  void (*where)(const bool* mask, int64_t mask_stride, const T* a, int64_t a_stride, const T* b, int64_t b_stride, T* y,
                int64_t n);

  // y = (x - mean) rstd w + b, with biased variance.
  using LayerNormFn = void (*)(const T* x, int64_t rows, const T* w, const T* b, T eps, T* y, T* mean, T* rstd,
                               int64_t n);
  LayerNormFn layer_norm, layer_norm_streamed;
  // dx from g; dw += g x̂ and db += g where these are not null.
  void (*layer_norm_grad)(const T* x, const T* w, const T* g, T mean, T rstd, T* dx, T* dw, T* db, int64_t n);
  void (*rms_norm)(const T* x, const T* w, T eps, T* y, T* rstd, int64_t n);  // x rstd w
  void (*rms_norm_grad)(const T* x, const T* w, const T* g, T rstd, T* dx, T* dw, int64_t n);

  // One step of Adam with decoupled decay over n parameters (Loshchilov & Hutter 2019, alg. 2):
  //     m += rate1 (g - m);  v += rate2 (g² - v);  p -= step m / (√v + eps) + decay p.
  // rate1 = 1-β₁, rate2 = 1-β₂: the digits of these are lost in a β that is f32.
  void (*adamw)(T* p, const T* g, T* m, T* v, int64_t n, T rate1, T rate2, T step, T eps, T decay);

  // Gates of n hidden units of one sequence (recurrence.h). x, p: projections of input and state;
  // `gates` is kept for the gradient: r, z, the candidate and p's part of it, or i, f, g, o, tanh
  // c. y may be h, dh may be g, and so on.
  void (*gru)(const T* x, const T* p, const T* h, T* gates, T* y, int64_t n);
  void (*gru_grad)(const T* gates, const T* h, const T* g, T* dx, T* dp, T* dh, int64_t n);
  void (*lstm)(const T* x, const T* p, const T* c, T* gates, T* next_c, T* y, int64_t n);
  void (*lstm_grad)(const T* gates, const T* c, const T* g, const T* g_next_c, T* dx, T* dc, int64_t n);

  // GEMM's inner part (gemm.h), on tiles of tile_rows × tile_columns held in registers.
  int tile_rows, tile_columns;
  void (*gemm_block)(const GemmBlock<T>& block);
  void (*gemm_dots)(const GemmDots<T>& block);
  // y (n) += x (k) B (k × n), B's columns contiguous.
  void (*add_row_times_matrix)(const T* x, int64_t x_stride, const T* b, int64_t b_row, T* y, int64_t n, int64_t k);
  // Panels of `width` elements per step: to[l·width + i] = from[i·across + l·along], i < width, l < k;
  // then the next panel, until n are done. The last panel may be narrower, at the same distances.
  void (*pack)(const T* from, int64_t across, int64_t along, int64_t n, int64_t k, int64_t width, T* to);
  // to[j·to_row + i] = from[i·from_row + j] for i < rows, j < columns.
  void (*transpose)(const T* from, int64_t from_row, int64_t rows, int64_t columns, T* to, int64_t to_row);
  // The same, and to = from, past the caches where the processor can (streaming.h).
  void (*transpose_streamed)(const T* from, int64_t from_row, int64_t rows, int64_t columns, T* to, int64_t to_row);
  void (*stream)(const T* from, T* to, int64_t n);
};

// Weights that are kept narrow and widened on the way into a product (ops/compact_matrix.h): 16-bit floats
// (half.h), or integers with one scale per row.
enum class CompactType : uint8_t { f16, bf16, i8 };

// Indexed by CompactType. Elements need no alignment.
struct CompactKernels {
  void (*widen[3])(const void* w, float scale, float* y, int64_t n);  // y = scale w
  // yⱼ = scaleⱼ Σ x w over the k elements of each of the n rows of w, each sum short as in gemm_dots; scales null: all 1
  void (*dots[3])(const float* x, const void* w, const float* scales, float* y, int64_t n, int64_t k);
};

struct Kernels {
  const char* isa;
  KernelsOf<float> f32;
  KernelsOf<double> f64;
  CompactKernels compact;
};

/// The table in use. Chosen once, at first use.
const Kernels& kernels();

template <class T> const KernelsOf<T>& kernels_of();
template <> inline const KernelsOf<float>& kernels_of<float>() { return kernels().f32; }
template <> inline const KernelsOf<double>& kernels_of<double>() { return kernels().f64; }

}  // namespace heed::core
