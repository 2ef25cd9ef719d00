// GEMM: C = A B, the kernel where a Transformer spends most of its time.
//
// Operands are strided, so that a transposed or head-split matrix is never copied first. The fast
// path packs blocks of B, and of A unless its rows are contiguous, into panels that fit the caches and multiplies them in registers
// (Goto & van de Geijn 2008); small products are not packed. The plain triple loop that
// defines the result is plain_products.h: matmul; kernels/gemm.md goes from there to here, step by step.
//
// Same bits for any number of threads: K is never split between threads, the K block is a constant,
// and the path depends on the shape and strides only. On every path a block of K is summed from
// zero and then added to C, so that the error grows with the block and the number of blocks, not with K;
// the bias is added last.
#pragma once

#include <cstdint>

namespace heed::core {

template <class T> struct Gemm {
  int64_t m, n, k;  // C (m × n) = A (m × k) B (k × n)
  const T* a;
  int64_t a_row, a_col;  // A(i, l) = a[i·a_row + l·a_col]
  const T* b;
  int64_t b_row, b_col;
  T* c;
  int64_t c_row;            // C(i, j) = c[i·c_row + j]: rows are contiguous
  bool accumulate = false;  // C += A B
  const T* bias = nullptr;  // (n), added to every row
  // A batch: entry p of an operand begins p times this many elements further on. 0 repeats it.
  int64_t batch = 1, a_batch = 0, b_batch = 0, c_batch = 0;
};

/// O(batch·m·n·k) time. Parallel over tiles and batch entries. k = 0 gives zeros (or the bias).
template <class T> void gemm(const Gemm<T>& product);

}  // namespace heed::core
