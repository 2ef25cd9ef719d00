// Indexing by arrays of positions, concatenation, and top-k.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <span>

#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/strided_walk.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

// The most values that are added to one element one by one in f32; if there can be more, the sum is in f64.
constexpr int64_t many_additions = 512;

void check_index(const char* op, const Array& index) {
  check_defined(index, "index");
  check<DtypeError>(index.dtype() == Dtype::i64, op, ": index ", index.shape(), " of ", index.dtype(),
                    ": positions are int64: convert with to(Dtype::i64)");
}

void check_position(const char* op, int64_t position, int64_t at, int64_t limit, const Shape& shape) {
  check<IndexError>(position >= 0 && position < limit, op, ": ", shape, ": position ", position, " (entry ", at,
                    " of the index) is out of range: must be in 0 … ", limit - 1);
}

// index's shape must fit inside x's, except along the axis.
void check_gather(const char* op, const Array& x, int axis, const Array& index) {
  check_defined(x);
  check_index(op, index);
  bool fits = index.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || index.shape()[i] <= x.shape()[i];
  check<ShapeError>(fits, op, ": ", x.shape(), " with index ", index.shape(), " along axis ", axis,
                    ": the index needs as many axes, and only axis ", axis, " may be longer");
}

// Calls body(flat position in index, offset in x) for every entry of the index, in order.
template <class Body> void for_each_indexed(const char* op, const Array& x, int axis, const Array& index, Body&& body) {
  const Array positions = contiguous(index);
  const int64_t* const at = positions.data<int64_t>();
  Strides others = x.strides();
  const int64_t step = others[axis], limit = x.shape()[axis];
  others[axis] = 0;
  if (index.numel() == 0) return;
  const LoopNest<2> nest(index.shape(), {positions.strides(), others});
  nest.walk(0, index.numel(), [&](const Run<2>& run) {
    for (int64_t i = 0; i < run.n; ++i) {
      const int64_t flat = run.offset[0] + i * run.stride[0];
      check_position(op, at[flat], flat, limit, x.shape());
      body(flat, run.offset[1] + i * run.stride[1] + at[flat] * step);
    }
  });
}

}  // namespace

Array gather(const Array& x, int64_t axis, const Array& index) {
  const OpName at("gather");
  const int i = normalize_axis("gather", axis, x.shape());
  check_gather("gather", x, i, index);
  const Array y(index.shape(), x.dtype());
  dispatch(x.dtype(), [&]<class T>() {
    for_each_indexed("gather", x, i, index,
                     [in = x.data<T>(), out = y.data<T>()](int64_t flat, int64_t offset) { out[flat] = in[offset]; });
  });
  count_work(0, y, index, y);
  return y;
}

Array scatter_add(const Array& x, int64_t axis, const Array& index, const Array& src) {
  const OpName at("scatter_add");
  const int i = normalize_axis("scatter_add", axis, x.shape());
  check_gather("scatter_add", x, i, index);
  check<ShapeError>(src.shape() == index.shape(), "scatter_add: index ", index.shape(), ", source ", src.shape(),
                    ": must have the same shape");
  check<DtypeError>(src.dtype() == x.dtype(), "scatter_add: ", x.dtype(), " and ", src.dtype(),
                    ": dtypes differ: convert one with to(Dtype)");
  if (x.dtype() == Dtype::f32 && index.size(i) > many_additions)
    return to(scatter_add(to(x, Dtype::f64), i, index, to(src, Dtype::f64)), x.dtype());
  const Array y = clone(x), from = contiguous(src);
  dispatch(x.dtype(), [&]<class T>() {
    for_each_indexed("scatter_add", y, i, index,
                     [in = from.data<T>(), out = y.data<T>()](int64_t flat, int64_t offset) {
                       out[offset] = add_wrapping(out[offset], in[flat]);
                     });
  });
  count_elementwise(src, index, y);
  return y;
}

namespace {

// Calls body(n, position) for each entry n of the index; all positions are in range.
template <class Body>
void for_each_position(const char* op, const Array& index, const Array& x, int axis, Body&& body) {
  const Array positions = contiguous(index);
  for (int64_t n = 0; n < index.numel(); ++n) {
    const int64_t position = positions.data<int64_t>()[n];
    check_position(op, position, n, x.shape()[axis], x.shape());
    body(n, position);
  }
}

// A contiguous array as (outer, axis, inner): slices along the axis are rows of `inner` elements.
struct Slices {
  int64_t outer = 1, inner = 1;
  Slices(const Shape& shape, int axis) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

}  // namespace

Array index_select(const Array& x, int64_t axis, const Array& index) {
  const OpName at("index_select");
  const int i = normalize_axis("index_select", axis, x.shape());
  check_index("index_select", index);
  check<ShapeError>(index.rank() == 1, "index_select: index ", index.shape(), ": needs one axis: reshape({-1}) it");
  Shape shape = x.shape();
  shape[i] = index.numel();
  const Array y(shape, x.dtype());
  if (!x.is_contiguous()) {
    for_each_position("index_select", index, x, i,
                      [&](int64_t n, int64_t position) { copy_into(select(y, i, n), select(x, i, position)); });
    return y;
  }
  const Slices slices(x.shape(), i);
  dispatch(x.dtype(), [&]<class T>() {
    for_each_position("index_select", index, x, i, [&](int64_t n, int64_t position) {
      for (int64_t o = 0; o < slices.outer; ++o)
        std::copy_n(x.data<T>() + (o * x.shape()[i] + position) * slices.inner, slices.inner,
                    y.data<T>() + (o * shape[i] + n) * slices.inner);
    });
  });
  count_work(0, y, index, y);
  return y;
}

Array index_add(const Array& x, int64_t axis, const Array& index, const Array& src) {
  const OpName at("index_add");
  const int i = normalize_axis("index_add", axis, x.shape());
  check_index("index_add", index);
  Shape shape = x.shape();
  shape[i] = index.numel();
  check<ShapeError>(index.rank() == 1 && src.shape() == shape, "index_add: ", x.shape(), ", index ", index.shape(),
                    ", source ", src.shape(), ": the source must be ", shape);
  check<DtypeError>(src.dtype() == x.dtype(), "index_add: ", x.dtype(), " and ", src.dtype(),
                    ": dtypes differ: convert one with to(Dtype)");
  if (x.dtype() == Dtype::f32 && index.numel() > many_additions)
    return to(index_add(to(x, Dtype::f64), i, index, to(src, Dtype::f64)), x.dtype());
  const Array y = clone(x), from = contiguous(src);
  const Slices slices(x.shape(), i);
  dispatch(x.dtype(), [&]<class T>() {
    for_each_position("index_add", index, x, i, [&](int64_t n, int64_t position) {
      for (int64_t o = 0; o < slices.outer; ++o) {
        const T* const in = from.data<T>() + (o * shape[i] + n) * slices.inner;
        T* const out = y.data<T>() + (o * x.shape()[i] + position) * slices.inner;
        for (int64_t k = 0; k < slices.inner; ++k) out[k] = add_wrapping(out[k], in[k]);
      }
    });
  });
  count_elementwise(src, index, y);
  return y;
}

namespace {

void check_id(const Array& table, const Array& ids, int64_t id, int64_t n) {
  check<IndexError>(id >= 0 && id < table.size(0), "embedding: table ", table.shape(), ", ids ", ids.shape(), ": id ",
                    id, " (entry ", n, ") is outside the vocabulary: ids run from 0 to ", table.size(0) - 1);
}

}  // namespace

Array embedding(const Array& table, const Array& ids) {
  const OpName at_work("embedding");
  check_defined(table, "table");
  check_index("embedding", ids);
  check<ShapeError>(table.rank() == 2, "embedding: table ", table.shape(), ": needs two axes (rows, width)");
  const int64_t width = table.size(1);
  Shape shape = ids.shape();
  shape.push_back(width);
  const Array y(shape, table.dtype()), from = contiguous(table), at = contiguous(ids);
  dispatch(table.dtype(), [&]<class T>() {
    for (int64_t n = 0; n < at.numel(); ++n) {
      const int64_t id = at.data<int64_t>()[n];
      check_id(table, ids, id, n);
      std::copy_n(from.data<T>() + id * width, width, y.data<T>() + n * width);
    }
  });
  count_work(0, y, ids, y);  // the rows that are read
  return y;
}

void add_rows(const Array& table, const Array& ids, const Array& rows, int64_t padding_row) {
  const OpName at_work("embedding");
  const int64_t width = table.size(1);
  const Array by = contiguous(rows), at = contiguous(ids);
  const std::span<const int64_t> id_of(at.data<int64_t>(), static_cast<size_t>(at.numel()));
  std::vector<int64_t> times;  // how often each id occurs; filled only if that may be often
  if (at.numel() > many_additions) times.resize(static_cast<size_t>(table.size(0)));
  for (size_t n = 0; n < id_of.size(); ++n) {
    if (id_of[n] == padding_row) continue;
    check_id(table, ids, id_of[n],
             static_cast<int64_t>(n));  // again in backward: a wrong id would write out of bounds
    if (!times.empty()) ++times[static_cast<size_t>(id_of[n])];
  }
  dispatch_floating(table.dtype(), "embedding", [&]<class T>() {
    std::map<int64_t, std::vector<double>> sums;  // in f64, for rows with many additions
    for (size_t n = 0; n < id_of.size(); ++n) {
      const int64_t id = id_of[n];
      if (id == padding_row) continue;
      const T* const row = by.data<T>() + static_cast<int64_t>(n) * width;
      if (!times.empty() && times[static_cast<size_t>(id)] > many_additions) {
        std::vector<double>& sum = sums.try_emplace(id, static_cast<size_t>(width), 0.0).first->second;
        for (size_t j = 0; j < sum.size(); ++j) sum[j] += static_cast<double>(row[j]);
      } else {
        kernels_of<T>().axpy(T(1), row, table.data<T>() + id * width, width);
      }
    }
    for (const auto& [id, sum] : sums)
      for (size_t j = 0; j < sum.size(); ++j) {
        T& total = table.data<T>()[id * width + static_cast<int64_t>(j)];
        total = static_cast<T>(static_cast<double>(total) + sum[j]);
      }
  });
  count_elementwise(rows, ids, rows, rows);  // the table's rows, read and written
}

Array cat(const std::vector<Array>& parts, int64_t axis) {
  const OpName at_work("cat");
  check<ShapeError>(!parts.empty(), "cat: no tensors: needs at least one");
  const int i = normalize_axis("cat", axis, parts[0].shape());
  Shape shape = parts[0].shape();
  int64_t total = 0;
  for (const Array& part : parts) {
    check_defined(part, "list");
    check<DtypeError>(part.dtype() == parts[0].dtype(), "cat: ", parts[0].dtype(), " and ", part.dtype(),
                      ": dtypes differ: convert one with to(Dtype)");
    bool fits = part.rank() == shape.rank();
    for (int d = 0; fits && d < shape.rank(); ++d) fits = d == i || part.shape()[d] == shape[d];
    check<ShapeError>(fits, "cat: ", parts[0].shape(), " and ", part.shape(), " along axis ", i,
                      ": all other axes must be equal");
    check<ShapeError>(!__builtin_add_overflow(total, part.shape()[i], &total), "cat: ", parts.size(),
                      " tensors along axis ", i, ": the sum of their sizes overflows 63 bits");
  }
  shape[i] = total;
  const Array y(shape, parts[0].dtype());
  int64_t at = 0;
  for (const Array& part : parts) {
    const int64_t n = part.shape()[i];
    copy_into(slice(y, i, at, at + n), part);
    at += n;
  }
  return y;
}

TopK topk(const Array& x, int64_t k, int64_t axis, bool largest) {
  const OpName at("topk");
  check_defined(x);
  const int i = normalize_axis("topk", axis, x.shape());
  const int64_t n = x.shape()[i];
  check<IndexError>(k >= 0 && k <= n, "topk: ", x.shape(), " with k = ", k, ": axis ", i, " has only ", n,
                    " elements: k must be in 0 … ", n);
  Shape shape = x.shape();
  shape[i] = k;
  TopK best{Array(shape, x.dtype()), Array(shape, Dtype::i64)};
  if (shape.numel() == 0) return best;
  const Array rows = select(x, i, 0), values = select(best.values, i, 0), places = select(best.indices, i, 0);
  const int64_t step = x.strides()[i], value_step = best.values.strides()[i];
  dispatch(x.dtype(), [&]<class T>() {
    for_each_run<3>(rows.shape(), {rows.strides(), values.strides(), places.strides()}, [&](const Run<3>& run) {
      const Array positions({n}, Dtype::i64);
      int64_t* const order = positions.data<int64_t>();
      T* const best_values = values.data<T>();
      int64_t* const best_places = places.data<int64_t>();
      for (int64_t r = 0; r < run.n; ++r) {
        const T* const row = rows.data<T>() + run.offset[0] + r * run.stride[0];
        std::iota(order, order + n, int64_t{0});
        const auto before = [&](int64_t a, int64_t b) {
          // NaN counts as largest; equal elements keep their order.
          const T u = row[a * step], v = row[b * step];
          const bool u_nan = u != u, v_nan = v != v;
          if (u_nan != v_nan) return largest ? u_nan : v_nan;
          if (u != v && !u_nan) return largest ? u > v : u < v;
          return a < b;
        };
        std::partial_sort(order, order + k, order + n, before);
        for (int64_t j = 0; j < k; ++j) {
          best_values[run.offset[1] + r * run.stride[1] + j * value_step] = row[order[j] * step];
          best_places[run.offset[2] + r * run.stride[2] + j * value_step] = order[j];
        }
      }
    });
  });
  return best;
}

}  // namespace heed::core
