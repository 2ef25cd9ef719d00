#include <heed/core/gemm.h>

#include <algorithm>

#include <heed/core/kernels/kernels.h>
#include <heed/core/parallel.h>
#include <heed/core/storage.h>

namespace heed::core {
namespace {

// Depth of one packed block: a panel of A (tile_rows × depth) stays in the L1 cache while it is used.
constexpr int64_t max_depth = 384;
// Rows of A in one task; its packed block (192 KiB in f32) stays in the L2 cache.
constexpr int64_t block_rows = 120;

template <class T>
T* data(const Storage& storage) {
  return reinterpret_cast<T*>(storage.bytes());
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
void fill_rows(const Gemm<T>& p, int64_t entry) {
  for (int64_t i = 0; i < p.m; ++i) {
    T* row = p.c + entry * p.c_batch + i * p.c_row;
    for (int64_t j = 0; j < p.n; ++j) {
      if (!p.accumulate) row[j] = T(0);
      if (p.bias) row[j] += p.bias[j];
    }
  }
}

/// One entry without packing A; B is packed only where its columns are not adjacent.
template <class T>
void small(const Gemm<T>& p, int64_t entry) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  GemmBlock<T> block{p.m, p.n, p.k, p.a + entry * p.a_batch, p.a_row, p.a_col, kernel.tile_rows * p.a_row,
                     p.b + entry * p.b_batch, p.b_row, kernel.tile_columns,
                     p.c + entry * p.c_batch, p.c_row, p.accumulate, p.bias};
  Storage packed;
  if (p.b_col != 1) {
    const int64_t width = kernel.tile_columns;
    packed = Storage(sizeof(T) * static_cast<size_t>(ceil_div(p.n, width) * width * p.k));
    kernel.pack(block.b, p.b_col, p.b_row, p.n, p.k, width, data<T>(packed));
    block.b = data<T>(packed);
    block.b_row = width;
    block.b_panel = width * p.k;
  }
  kernel.gemm_block(block);
}

template <class T>
void large(const Gemm<T>& p, int64_t entry) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  const int64_t mr = kernel.tile_rows, nr = kernel.tile_columns;
  const T* a = p.a + entry * p.a_batch;
  const T* b = p.b + entry * p.b_batch;
  T* c = p.c + entry * p.c_batch;
  const int64_t depths = ceil_div(p.k, max_depth);
  const int64_t depth = ceil_div(p.k, depths);
  const int64_t panels = ceil_div(p.n, nr);
  const Storage b_packed(sizeof(T) * static_cast<size_t>(panels * nr * depth));
  for (int64_t l = 0; l < p.k; l += depth) {
    const int64_t k = std::min(depth, p.k - l);
    parallel_for(panels, 4, [&](int64_t begin, int64_t end) {
      kernel.pack(b + l * p.b_row + begin * nr * p.b_col, p.b_col, p.b_row, std::min(end * nr, p.n) - begin * nr, k,
                  nr, data<T>(b_packed) + begin * nr * k);
    });
    parallel_for(p.m, block_rows, [&](int64_t begin, int64_t end) {
      const int64_t rows = end - begin;
      const Storage a_packed(sizeof(T) * static_cast<size_t>(ceil_div(rows, mr) * mr * k));
      kernel.pack(a + begin * p.a_row + l * p.a_col, p.a_row, p.a_col, rows, k, mr, data<T>(a_packed));
      kernel.gemm_block({rows, p.n, k, data<T>(a_packed), 1, mr, mr * k, data<T>(b_packed), nr, nr * k,
                         c + begin * p.c_row, p.c_row, p.accumulate || l > 0, l > 0 ? nullptr : p.bias});
    });
  }
}

}  // namespace

template <class T>
void gemm(const Gemm<T>& p) {
  if (p.m <= 0 || p.n <= 0 || p.batch <= 0) return;
  if (p.k <= 0) {
    for (int64_t entry = 0; entry < p.batch; ++entry) fill_rows(p, entry);
    return;
  }
  const bool is_small = p.m * p.n * p.k <= 64 * 64 * 64;
  const int64_t entries = is_small ? std::max<int64_t>(1, 64 * 64 * 64 / (p.m * p.n * p.k)) : 1;
  parallel_for(p.batch, entries, [&](int64_t begin, int64_t end) {
    for (int64_t entry = begin; entry < end; ++entry) is_small ? small(p, entry) : large(p, entry);
  });
}

template void gemm(const Gemm<float>&);
template void gemm(const Gemm<double>&);

}  // namespace heed::core
