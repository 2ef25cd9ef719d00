#include <heed/core/ops/gemm.h>

#include <algorithm>

#include <heed/core/kernels/kernels.h>
#include <heed/core/memory/storage.h>
#include <heed/core/parallel.h>

namespace heed::core {

#ifdef HEED_WITH_BLIS
template <class T> void gemm_blis(const Gemm<T>& p);  // gemm_blis.cpp
#endif

namespace {

// Sizes of the blocks, after Goto & van de Geijn 2008. A strip of A (tile_rows × depth, 12 KiB in
// f32) stays in the L1 cache, a block of B (depth × block_columns, 384 KiB) in L2. max_depth is a
// constant, and no longer than a kernel's sum (sum_depth in gemm_tile.inc): each is summed from zero and then added to C,
// so the error is that of short sums, however large K is, and the order of the additions depends on K only.
constexpr int64_t max_depth = 384;
constexpr int64_t block_rows = 96;
constexpr int64_t block_columns = 256;
constexpr int64_t max_columns = 4096;  // bounds the memory for packed B

// Multiply-adds that make a task worth its thread.
constexpr int64_t task_work = 1 << 16;

template <class T> T* memory(const Storage& storage) { return reinterpret_cast<T*>(storage.bytes()); }

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The size of equal parts of n: at most `most`, and a multiple of `unit`.
int64_t even_part(int64_t n, int64_t most, int64_t unit) {
  return ceil_div(ceil_div(n, ceil_div(n, most)), unit) * unit;
}

template <class T> void clear(const Gemm<T>& p) {
  if (p.accumulate) return;
  for (int64_t i = 0; i < p.m; ++i) std::fill_n(p.c + i * p.c_row, p.n, T(0));
}

/// After the last block, so that no partial sum is rounded to the magnitude of the bias.
template <class T> void add_bias(const Gemm<T>& p) {
  if (!p.bias) return;
  for (int64_t i = 0; i < p.m; ++i) kernels_of<T>().axpy(T(1), p.bias, p.c + i * p.c_row, p.n);
}

/// Few rows, and each column of B contiguous, as in x Wᵀ: dot products.
template <class T> void few_rows_times_transposed(const Gemm<T>& p) {
  Storage adjacent;
  const T* a = p.a;
  int64_t a_row = p.a_row;
  if (p.a_col != 1) {
    adjacent = Storage(sizeof(T) * static_cast<size_t>(p.m * p.k));
    kernels_of<T>().pack(p.a, p.a_col, p.a_row, p.k, p.m, p.k, memory<T>(adjacent));
    a = memory<T>(adjacent);
    a_row = p.k;
  }
  parallel_for(p.n, equal_grain(p.n, ceil_div(task_work, p.m * p.k), 4), [&](int64_t begin, int64_t end) {
    kernels_of<T>().gemm_dots({p.m, end - begin, p.k, a, a_row, p.b + begin * p.b_col, p.b_col, p.c + begin, p.c_row,
                               p.accumulate, p.bias ? p.bias + begin : nullptr});
  });
}

/// One row, and each row of B contiguous.
template <class T> void row_times_matrix(const Gemm<T>& p) {
  clear(p);
  parallel_for(p.n, equal_grain(p.n, ceil_div(task_work, p.k), 64), [&](int64_t begin, int64_t end) {
    kernels_of<T>().add_row_times_matrix(p.a, p.a_col, p.b + begin, p.b_row, p.c + begin, end - begin, p.k);
  });
  add_bias(p);
}

/// Rows of A packed into strips of tile_rows, reused while tasks need the same rows.
template <class T> struct PackedRows {
  Storage numbers;
  int64_t row = -1;
};

/// Steps [l, l + k) of the sums in rows [row, row + m) and columns [col, col + n) of C.
template <class T>
void multiply_block(const Gemm<T>& p, int64_t row, int64_t col, int64_t l, int64_t m, int64_t n, int64_t k, const T* b,
                    int64_t b_row, int64_t b_panel, PackedRows<T>& packed) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  const int64_t mr = kernel.tile_rows;
  const T* const a = p.a + row * p.a_row + l * p.a_col;
  T* const c = p.c + row * p.c_row + col;
  const T* const bias = p.bias && l + k == p.k ? p.bias + col : nullptr;
  const bool accumulate = p.accumulate || l > 0;
  GemmBlock<T> block{m, n, k, a, p.a_row, p.a_col, mr * p.a_row, b, b_row, b_panel, c, p.c_row, accumulate, bias};
  // Contiguous rows are read in place: each is then a stream of its own.
  if (p.a_col != 1 && m * k > 8192) {
    if (packed.row != row) {
      packed = {Storage(sizeof(T) * static_cast<size_t>(ceil_div(m, mr) * mr * k)), row};
      kernel.pack(a, p.a_row, p.a_col, m, k, mr, memory<T>(packed.numbers));
    }
    block.a = memory<T>(packed.numbers);
    block.a_row = 1;
    block.a_col = mr;
    block.a_panel = mr * k;
  }
  kernel.gemm_block(block);
}

/// Rows of C per task: few, to keep many threads busy, but enough to outweigh the cost of a task.
int64_t rows_of_a_task(int64_t m, int64_t tasks_across, int64_t work_of_a_row, int64_t tile_rows) {
  int64_t rows = even_part(m, block_rows, tile_rows);
  while (ceil_div(m, rows) * tasks_across < 32 && rows > 2 * tile_rows && rows * work_of_a_row > 2 * task_work) {
    rows = even_part(rows, ceil_div(rows, 2), tile_rows);
  }
  return rows;
}

/// One product: B packed by all threads, then each task multiplies a block of C.
template <class T> void blocked(const Gemm<T>& p) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  const int64_t mr = kernel.tile_rows, nr = kernel.tile_columns;
  const int64_t depth = even_part(p.k, max_depth, 1);
  const int64_t columns = std::min(p.n, max_columns);
  const int64_t rows =
      rows_of_a_task(p.m, ceil_div(columns, block_columns), std::min(columns, block_columns) * depth, mr);
  const bool pack_b = p.b_col != 1 || (p.m > 64 && p.k * p.n > 4096);
  const Storage packed =
      pack_b ? Storage(sizeof(T) * static_cast<size_t>(ceil_div(columns, nr) * nr * depth)) : Storage();
  for (int64_t first = 0; first < p.n; first += columns) {
    const int64_t n = std::min(columns, p.n - first);
    const int64_t width = even_part(n, block_columns, nr);
    for (int64_t l = 0; l < p.k; l += depth) {
      const int64_t k = std::min(depth, p.k - l);
      const T* b = p.b + l * p.b_row + first * p.b_col;
      if (pack_b) {
        parallel_for(n, ceil_div(8192, k * nr) * nr, [&](int64_t begin, int64_t end) {
          kernel.pack(b + begin * p.b_col, p.b_col, p.b_row, end - begin, k, nr, memory<T>(packed) + begin * k);
        });
      }
      const int64_t tasks_across = ceil_div(n, width);
      const int64_t strips = ceil_div(p.m, rows), tasks = strips * tasks_across;
      // With enough strips for all threads, one thread takes a whole strip.
      const int64_t grain =
          std::max(ceil_div(task_work, rows * width * k), strips >= 4 * num_threads() ? tasks_across : 1);
      parallel_for(tasks, grain, [&](int64_t begin, int64_t end) {
        PackedRows<T> a;
        for (int64_t task = begin; task < end; ++task) {
          const int64_t row = task / tasks_across * rows, col = task % tasks_across * width;
          const T* b_block = pack_b ? memory<T>(packed) + col * k : b + col;
          multiply_block(p, row, first + col, l, std::min(rows, p.m - row), std::min(width, n - col), k, b_block,
                         pack_b ? nr : p.b_row, pack_b ? nr * k : nr, a);
        }
      });
    }
  }
}

/// Operands that fit the L1 cache, used in place.
template <class T> void small(const Gemm<T>& p) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  kernel.gemm_block({p.m, p.n, p.k, p.a, p.a_row, p.a_col, kernel.tile_rows * p.a_row, p.b, p.b_row,
                     kernel.tile_columns, p.c, p.c_row, p.accumulate, p.bias});
}

template <class T> void multiply(const Gemm<T>& p) {
  if (p.k <= 0) return clear(p), add_bias(p);
  if (p.b_col == 1 && p.m > 1 && p.n * p.k <= 4096 && p.m * p.n * p.k <= 2 * task_work) return small(p);
  if (p.b_row == 1 && p.m <= 8 && p.k >= 64) return few_rows_times_transposed(p);
  if (p.b_col == 1 && p.m == 1 && p.n >= 64) return row_times_matrix(p);
  blocked(p);
}

/// A column is a row of the transposed product: Cᵀ = Bᵀ Aᵀ.
template <class T> void multiply_column(const Gemm<T>& p) {
  multiply(Gemm<T>{1, p.m, p.k, p.b, p.b_col, p.b_row, p.a, p.a_col, p.a_row, p.c, p.m, p.accumulate});
  add_bias(p);
}

/// One entry of a batch.
template <class T> void multiply_entry(const Gemm<T>& p) {
  const bool column = p.n == 1 && p.m > 1 && p.c_row == 1 && p.k >= 64;
  column ? multiply_column(p) : multiply(p);
}

}  // namespace

template <class T> void gemm(const Gemm<T>& p) {
  if (p.m <= 0 || p.n <= 0 || p.batch <= 0) return;
#ifdef HEED_WITH_BLIS
  if (p.batch == 1 && p.k > 0) return gemm_blis(p), add_bias(p);
#endif
  if (p.batch == 1) return multiply_entry(p);
  // Many entries: each thread takes whole entries. Few large ones: all threads work on each in turn.
  const int64_t work = p.m * p.n * std::max<int64_t>(1, p.k);
  const int64_t grain = p.batch >= 8 || work < task_work ? ceil_div(task_work, work) : p.batch;
  parallel_for(p.batch, grain, [&](int64_t begin, int64_t end) {
    Gemm<T> product = p;
    for (int64_t entry = begin; entry < end; ++entry) {
      product.a = p.a + entry * p.a_batch;
      product.b = p.b + entry * p.b_batch;
      product.c = p.c + entry * p.c_batch;
      multiply_entry(product);
    }
  });
}

template void gemm(const Gemm<float>&);
template void gemm(const Gemm<double>&);

}  // namespace heed::core
