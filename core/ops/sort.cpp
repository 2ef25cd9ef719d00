// Sorting along an axis: which position comes first, second, …
#include <algorithm>
#include <vector>

#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/strided_walk.h>

namespace heed::core {

namespace {

// A total order of values: NaN equals NaN and is larger than all others.
template <class T> bool is_less(T a, T b) { return a < b || (b != b && a == a); }

// An element with its position, so that comparing reads memory in order.
template <class T> struct SortEntry {
  T number;
  int64_t position;
};

template <class T> void sort_entries(std::vector<SortEntry<T>>& row, bool descending) {
  using E = SortEntry<T>;
  if (descending)
    std::stable_sort(row.begin(), row.end(), [](const E& a, const E& b) { return is_less(b.number, a.number); });
  else std::stable_sort(row.begin(), row.end(), [](const E& a, const E& b) { return is_less(a.number, b.number); });
}

}  // namespace

Array argsort(const Array& x, int64_t axis, bool descending) {
  const OpName at("argsort");
  check_defined(x);
  const int along = normalize_axis("argsort", axis, x.shape());
  const int64_t n = x.shape()[along], step = x.strides()[along];
  const Array order(x.shape(), Dtype::i64);
  if (x.numel() == 0) return order;
  const Array firsts = select(x, along, 0), places = select(order, along, 0);
  const int64_t place_step = order.strides()[along];
  const LoopNest<2> nest(firsts.shape(), {firsts.strides(), places.strides()});
  const int64_t rows_at_once = std::max<int64_t>(1, elementwise_grain / 8 / n);
  dispatch(x.dtype(), [&]<class T>() {
    parallel_for(firsts.numel(), rows_at_once, [&](int64_t begin, int64_t end) {
      std::vector<SortEntry<T>> row(static_cast<size_t>(n));
      nest.walk(begin, end, [&](const Run<2>& run) {
        for (int64_t r = 0; r < run.n; ++r) {
          const T* const in = firsts.data<T>() + run.offset[0] + r * run.stride[0];
          int64_t* const out = places.data<int64_t>() + run.offset[1] + r * run.stride[1];
          for (int64_t i = 0; i < n; ++i) row[static_cast<size_t>(i)] = {in[i * step], i};
          sort_entries(row, descending);
          for (int64_t i = 0; i < n; ++i) out[i * place_step] = row[static_cast<size_t>(i)].position;
        }
      });
    });
  });
  return order;
}

}  // namespace heed::core
