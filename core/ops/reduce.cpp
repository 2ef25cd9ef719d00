// Reductions. Sums run in an order that depends on the shape and strides only, in blocks whose
// partial sums are added afterwards, so errors grow with the logarithm of the length, not with the length.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <heed/core/kernels/kernels.h>
#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/strided_walk.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

struct Axes {
  unsigned reduced = 0;  // bit i: axis i is reduced
  Shape kept;            // result shape without the reduced axes
  Shape kept_dims;       // and with them as 1
};

Axes resolve(const char* op, const Array& x, const Shape& axes) {
  Axes out;
  for (int64_t axis : axes) {
    const int i = normalize_axis(op, axis, x.shape());
    check<IndexError>(!(out.reduced >> i & 1), op, ": ", x.shape(), ": axis ", i, " is named twice");
    out.reduced |= 1u << i;
  }
  if (axes.rank() == 0) out.reduced = (1u << x.rank()) - 1;
  for (int i = 0; i < x.rank(); ++i) {
    if (!(out.reduced >> i & 1)) out.kept.push_back(x.shape()[i]);
    out.kept_dims.push_back(out.reduced >> i & 1 ? 1 : x.shape()[i]);
  }
  return out;
}

// Splits x's shape and strides into those of the kept and those of the reduced axes.
void split(const Array& x, unsigned reduced, Shape (&shape)[2], Strides (&strides)[2]) {
  for (int i = 0; i < x.rank(); ++i) {
    const int which = reduced >> i & 1;
    shape[which].push_back(x.shape()[i]);
    strides[which].push_back(x.strides()[i]);
  }
}

// The type for running sums, which cannot be added in pairs.
template <class T> using Wide = std::conditional_t<std::is_same_v<T, float>, double, T>;

// A running sum of which every value is needed. In f64, which has no wider type, the rounding error of each addition
// is kept and added too (Knuth's two-sum).
template <class T> struct RunningSum {
  Wide<T> total = 0, lost = 0;

  T add(T x) {
    const Wide<T> before = total;
    total = add_wrapping(total, static_cast<Wide<T>>(x));
    if constexpr (std::is_same_v<T, double>) {
      const double added = total - before;
      lost += (before - (total - added)) + (x - added);
      if (std::isfinite(total)) return total + lost;
      lost = 0;
    }
    return static_cast<T>(total);
  }
};

// Terms that are added one by one before pairs are formed.
constexpr int64_t block = 128;

template <class T> T sum_run(const T* x, int64_t stride, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    if (stride == 1) return kernels_of<T>().sum(x, n);
  }
  if (n > block) return sum_run(x, stride, n / 2) + sum_run(x + n / 2 * stride, stride, n - n / 2);
  T total = 0;
  for (int64_t i = 0; i < n; ++i) total += x[i * stride];
  return total;
}

// Σ over the elements begin … end-1 of a nest of several axes, in pairs of whole runs.
template <class T> T sum_nest(const T* x, const LoopNest<1>& nest, int64_t begin, int64_t end) {
  const int64_t n = end - begin, inner = nest.shape.back();
  if (n > block && n > inner) {
    const int64_t half = n / 2 > inner ? n / 2 / inner * inner : n / 2;
    return sum_nest(x, nest, begin, begin + half) + sum_nest(x, nest, begin + half, end);
  }
  T total = 0;
  nest.walk(begin, end, [&](const Run<1>& run) { total += sum_run(x + run.offset[0], run.stride[0], run.n); });
  return total;
}

// y += each of the rows, of n contiguous elements.
template <class T> void add_adjacent_rows(const T* x, int64_t x_row, int64_t rows, T* y, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    kernels_of<T>().add_rows(x, x_row, rows, y, n);
  } else {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < n; ++i) y[i] += x[r * x_row + i];
  }
}

constexpr int64_t column_width = 1024;

// y = Σ of the rows begin … end-1, w columns of them, in pairs of 64 rows.
template <class T> void add_rows(const T* x, const LoopNest<1>& rows, int64_t begin, int64_t end, T* y, int64_t w) {
  constexpr int64_t height = 64;
  if (end - begin > height) {
    const int64_t half = ((end - begin) / 2 + height - 1) / height * height;
    alignas(64) T other[column_width];
    add_rows(x, rows, begin, begin + half, y, w);
    add_rows(x, rows, begin + half, end, other, w);
    add_adjacent_rows(other, w, 1, y, w);
    return;
  }
  std::fill_n(y, w, T(0));
  rows.walk(begin, end, [&](const Run<1>& run) { add_adjacent_rows(x + run.offset[0], run.stride[0], run.n, y, w); });
}

// Sum over leading axes; the kept columns are contiguous.
template <class T> void sum_columns(const T* x, const LoopNest<1>& rows, int64_t n_rows, T* y, int64_t columns) {
  // As many columns per thread as possible: each should read long contiguous pieces of the rows.
  const int64_t enough = elementwise_grain / std::max<int64_t>(1, n_rows);
  parallel_for(columns, std::max({int64_t{16}, enough, (columns + num_threads() - 1) / num_threads()}),
               [&](int64_t begin, int64_t end) {
                 for (int64_t c = begin; c < end; c += column_width)
                   add_rows(x + c, rows, 0, n_rows, y + c, std::min(column_width, end - c));
               });
}

constexpr int64_t sum_chunk = 65536;  // of a sum over everything: each thread takes some

template <class T> void sum_into(const Array& x, unsigned reduced, const T* in, T* out) {
  if (reduced == (1u << x.rank()) - 1 && x.numel() <= sum_chunk && x.is_contiguous()) {  // toy sizes: nothing to plan
    *out = sum_run(in, 1, x.numel());
    return;
  }
  Shape shape[2];
  Strides strides[2];
  split(x, reduced, shape, strides);
  const int64_t n_out = shape[0].numel(), n_in = shape[1].numel();
  if (n_out == 0) return;
  if (n_in == 0) {
    std::fill_n(out, n_out, T(0));
    return;
  }
  const LoopNest<1> kept(shape[0], {strides[0]}), gone(shape[1], {strides[1]});
  if (n_out > 1 && kept.strides[0].back() == 1 && gone.strides[0].back() != 1) {
    kept.walk(0, n_out, [&](const Run<1>& run) {
      sum_columns(in + run.offset[0], gone, n_in, out, run.n);
      out += run.n;
    });
    return;
  }
  if (n_out == 1) {  // a single output: chunks of fixed size, added in order
    const int64_t chunk = sum_chunk, chunks = (n_in - 1) / chunk + 1;
    const Storage memory(sizeof(T) * static_cast<size_t>(chunks));
    T* const partial = reinterpret_cast<T*>(memory.bytes());
    parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        partial[c] = sum_nest(in, gone, c * chunk, c + 1 < chunks ? (c + 1) * chunk : n_in);
    });
    *out = sum_run(partial, 1, chunks);
    return;
  }
  const bool one_run = gone.shape.rank() == 1, short_run = one_run && n_in <= 8;
  const int64_t step = gone.strides[0].back();
  parallel_for(n_out, std::max<int64_t>(1, elementwise_grain / n_in), [&](int64_t begin, int64_t end) {
    int64_t at = begin;
    kept.walk(begin, end, [&](const Run<1>& outer) {
      for (int64_t i = 0; i < outer.n; ++i) {
        const T* const first = in + outer.offset[0] + i * outer.stride[0];
        if (short_run) {
          T total = 0;
          for (int64_t j = 0; j < n_in; ++j) total += first[j * step];
          out[at++] = total;
        } else if (one_run) {
          out[at++] = sum_run(first, step, n_in);
        } else {
          out[at++] = sum_nest(first, gone, 0, n_in);
        }
      }
    });
  });
}

// Folds the reduced elements into one value per output: f(accumulated, x).
template <class T, class Accumulated, class Fold>
void fold_into(const Array& x, unsigned reduced, Accumulated first, T* out, Fold&& fold) {
  Shape shape[2];
  Strides strides[2];
  split(x, reduced, shape, strides);
  const int64_t n_in = shape[1].numel(), n_out = shape[0].numel();
  const T* const in = x.data<T>();
  const LoopNest<1> kept(shape[0], {strides[0]}), gone(shape[1], {strides[1]});
  parallel_for(n_out, std::max<int64_t>(1, elementwise_grain / std::max<int64_t>(n_in, 1)),
               [&](int64_t begin, int64_t end) {
                 int64_t at = begin;
                 kept.walk(begin, end, [&](const Run<1>& outer) {
                   for (int64_t i = 0; i < outer.n; ++i) {
                     const T* const row = in + outer.offset[0] + i * outer.stride[0];
                     Accumulated value = first;
                     if (n_in > 0)
                       gone.walk(0, n_in, [&](const Run<1>& run) {
                         for (int64_t j = 0; j < run.n; ++j)
                           value = fold(value, row[run.offset[0] + j * run.stride[0]]);
                       });
                     out[at++] = static_cast<T>(value);
                   }
                 });
               });
}

template <class T> bool better(T candidate, T best, bool largest) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(best)) return false;
    if (std::isnan(candidate)) return true;
  }
  return largest ? candidate > best : candidate < best;
}

// Sums of i32 and booleans are i64, as in PyTorch: the sum of two i32 may overflow i32.
bool widens(const Array& x) { return x.dtype() == Dtype::i32 || x.dtype() == Dtype::boolean; }

Array extremum(const char* op, const Array& x, const Shape& axes, bool keepdim, bool largest) {
  const OpName at(op);
  check_defined(x);
  const Axes to = resolve(op, x, axes);
  check<ShapeError>(x.numel() > 0 || to.kept.numel() == 0, op, ": ", x.shape(),
                    ": has no elements along a reduced axis: there is no largest or smallest");
  Array y(keepdim ? to.kept_dims : to.kept, x.dtype());
  dispatch(x.dtype(), [&]<class T>() {
    const T worst = std::numeric_limits<T>::has_infinity
                        ? (largest ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity())
                        : (largest ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max());
    fold_into<T>(x, to.reduced, worst, y.data<T>(),
                 [largest](T best, T v) { return better(v, best, largest) ? v : best; });
  });
  count_elementwise(x, y);
  return y;
}

constexpr int64_t many = 64;

/// The first NaN if there is one. In two steps, of which the first takes a register of elements at a time.
template <class T> int64_t first_largest(const T* row, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    const T top = kernels_of<T>().max(row, n);
    return std::find_if(row, row + n, [top](T x) { return x == top || std::isnan(x); }) - row;
  } else {
    return std::max_element(row, row + n) - row;
  }
}

Array arg_extremum(const char* op, const Array& x, int64_t axis, bool keepdim, bool largest) {
  const OpName at(op);
  check_defined(x);
  const int i = normalize_axis(op, axis, x.shape());
  const Axes to = resolve(op, x, {i});
  const int64_t n = x.shape()[i], step = x.strides()[i];
  check<ShapeError>(n > 0, op, ": ", x.shape(), ": axis ", i, " is empty: there is no largest or smallest");
  Array y(keepdim ? to.kept_dims : to.kept, Dtype::i64);
  int64_t* const out = y.data<int64_t>();
  const Array first = select(x, i, 0);
  dispatch(x.dtype(), [&]<class T>() {
    const Strides flat = contiguous_strides(first.shape());
    for_each_run<2>(first.shape(), {flat, first.strides()}, [&](const Run<2>& run) {
      for (int64_t r = 0; r < run.n; ++r) {
        const T* const row = first.data<T>() + run.offset[1] + r * run.stride[1];
        if (step == 1 && largest && n >= many) {
          out[run.offset[0] + r * run.stride[0]] = first_largest(row, n);
          continue;
        }
        int64_t best = 0;
        T top = row[0];
        for (int64_t j = 1; j < n; ++j) {
          const T value = row[j * step];
          if (largest ? value <= top : value >= top) continue;  // nearly always; false for NaN
          if (better(value, top, largest)) best = j, top = value;
        }
        out[run.offset[0] + r * run.stride[0]] = best;
      }
    });
  });
  count_elementwise(x, y);
  return y;
}

}  // namespace

Array sum(const Array& x, const Shape& axes, bool keepdim) {
  const OpName at("sum");
  check_defined(x);
  if (widens(x)) return sum(to(x, Dtype::i64), axes, keepdim);
  const Axes to = resolve("sum", x, axes);
  Array y(keepdim ? to.kept_dims : to.kept, x.dtype());
  if (y.numel() == x.numel()) {  // only axes of size 1 are reduced
    copy_into(y, reshape(x, y.shape()));
    return y;
  }
  if (x.dtype() == Dtype::i64) {  // unsigned sums wrap around
    sum_into(x, to.reduced, reinterpret_cast<const uint64_t*>(x.data<int64_t>()),
             reinterpret_cast<uint64_t*>(y.data<int64_t>()));
  } else {
    dispatch_floating(x.dtype(), "sum", [&]<class T>() { sum_into<T>(x, to.reduced, x.data<T>(), y.data<T>()); });
  }
  count_elementwise(x, y);
  return y;
}

Array amax(const Array& x, const Shape& axes, bool keepdim) { return extremum("amax", x, axes, keepdim, true); }
Array amin(const Array& x, const Shape& axes, bool keepdim) { return extremum("amin", x, axes, keepdim, false); }

Array prod(const Array& x, int64_t axis, bool keepdim) {
  const OpName at("prod");
  check_defined(x);
  if (widens(x)) return prod(core::to(x, Dtype::i64), axis, keepdim);
  const Axes to = resolve("prod", x, {axis});
  Array y(keepdim ? to.kept_dims : to.kept, x.dtype());
  dispatch(x.dtype(), [&]<class T>() {
    fold_into<T>(x, to.reduced, Wide<T>(1), y.data<T>(),
                 [](Wide<T> product, T v) { return multiply_wrapping(product, static_cast<Wide<T>>(v)); });
  });
  count_elementwise(x, y);
  return y;
}

Array argmax(const Array& x, int64_t axis, bool keepdim) { return arg_extremum("argmax", x, axis, keepdim, true); }
Array argmin(const Array& x, int64_t axis, bool keepdim) { return arg_extremum("argmin", x, axis, keepdim, false); }

Array cumsum(const Array& x, int64_t axis, bool reverse) {
  const OpName at("cumsum");
  check_defined(x);
  if (widens(x)) return cumsum(to(x, Dtype::i64), axis, reverse);
  const int i = normalize_axis("cumsum", axis, x.shape());
  Array y = clone(x);
  if (y.numel() == 0) return y;
  const int64_t n = x.shape()[i], step = reverse ? -y.strides()[i] : y.strides()[i];
  const Array first = select(y, i, reverse ? n - 1 : 0);
  dispatch(x.dtype(), [&]<class T>() {
    for_each_run<1>(first.shape(), {first.strides()}, [&](const Run<1>& run) {
      for (int64_t r = 0; r < run.n; ++r) {
        T* const row = first.data<T>() + run.offset[0] + r * run.stride[0];
        RunningSum<T> sum;
        for (int64_t j = 0; j < n; ++j) row[j * step] = sum.add(row[j * step]);
      }
    });
  });
  return y;
}

bool all(const Array& mask) { return sum(logical_not(mask), {}, false).data<int64_t>()[0] == 0; }
bool any(const Array& mask) { return sum(mask, {}, false).data<int64_t>()[0] != 0; }

bool all_finite(const Array& x) {
  if (!is_floating(x.dtype()) || x.numel() == 0) return true;
  // 0·x is 0 for every finite x and NaN otherwise, and so is the sum.
  return item(sum(zip(Binary::mul, x, 0.0), {}, false)) == 0.0;
}

Array sum_to(const Array& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int extra = x.rank() - shape.rank();
  Shape axes;
  for (int i = 0; i < x.rank(); ++i)
    if (i < extra || (shape[i - extra] == 1 && x.shape()[i] != 1)) axes.push_back(i);
  return axes.rank() ? reshape(sum(x, axes, false), shape) : reshape(x, shape);
}

}  // namespace heed::core
