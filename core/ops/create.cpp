// Arrays filled by a rule.
#include <algorithm>
#include <cmath>

#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>

namespace heed::core {

namespace {

// Element i = value(i); DtypeError if y's dtype cannot hold it.
template <class Value> void fill_held(const char* op, const Array& y, Value&& value) {
  dispatch(y.dtype(), [&]<class T>() {
    T* const out = y.data<T>();
    const int64_t n = y.numel();
    for (int64_t i = 0; i < n; ++i) {
      const double number = value(i);
      if (!fits<T>(number)) [[unlikely]]
        check_holds(op, y, number);
      out[i] = static_cast<T>(number);
    }
  });
}

}  // namespace

Array arange(double begin, double end, double step, Dtype dtype) {
  const OpName at("arange");
  check(step != 0 && std::isfinite((end - begin) / step), "arange: ", begin, " to ", end, " by ", step,
        ": the step must lead from the start to the end, and not be 0");
  const double count = std::max(0.0, std::ceil((end - begin) / step));
  check<ShapeError>(count < 0x1p53, "arange: ", begin, " to ", end, " by ", step, ": ", count,
                    " elements are more than any memory holds: use a larger step");
  const auto n = static_cast<int64_t>(count);
  Array y({n}, dtype);
  fill_held("arange", y, [=](int64_t i) { return begin + static_cast<double>(i) * step; });
  return y;
}

Array linspace(double begin, double end, int64_t n, Dtype dtype) {
  const OpName at("linspace");
  check<ShapeError>(n >= 0, "linspace: ", n, " points: the count must not be negative");
  Array y({n}, dtype);
  const double step = n > 1 ? (end - begin) / static_cast<double>(n - 1) : 0.0;
  fill_held("linspace", y, [=](int64_t i) {  // from both ends, so that the last is exactly `end`
    return i < (n + 1) / 2 ? begin + static_cast<double>(i) * step : end - static_cast<double>(n - 1 - i) * step;
  });
  return y;
}

Array eye(int64_t rows, int64_t columns, Dtype dtype) {
  const OpName at("eye");
  const Array y = full({rows, columns}, 0.0, dtype);
  copy_into(diagonal(y), full({}, 1.0, dtype));
  return y;
}

namespace {

// x where keep(column - row), else 0.
template <class Keep> Array triangle(const char* op, const Array& x, Keep&& keep) {
  const OpName at(op);
  check_defined(x);
  check<ShapeError>(x.rank() >= 2, op, ": ", x.shape(), ": needs two axes or more");
  const Array y = clone(x);
  const int64_t rows = x.size(-2), columns = x.size(-1), matrix = std::max<int64_t>(1, rows * columns);
  dispatch(x.dtype(), [&]<class T>() {
    T* const out = y.data<T>();
    for (int64_t m = 0; m < x.numel() / matrix; ++m)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
          if (!keep(j - i)) out[m * matrix + i * columns + j] = T(0);
  });
  return y;
}

}  // namespace

Array tril(const Array& x, int64_t diagonal) {
  return triangle("tril", x, [diagonal](int64_t d) { return d <= diagonal; });
}

Array triu(const Array& x, int64_t diagonal) {
  return triangle("triu", x, [diagonal](int64_t d) { return d >= diagonal; });
}

Array one_hot(const Array& ids, int64_t classes) {
  const OpName named("one_hot");
  check_defined(ids);
  check<DtypeError>(ids.dtype() == Dtype::i64, "one_hot: ", ids.shape(), " of ", ids.dtype(), ": needs int64 classes");
  check<ShapeError>(classes >= 0, "one_hot: ", ids.shape(), " into ", classes,
                    " classes: the count must not be negative");
  Shape shape = ids.shape();
  shape.push_back(classes);
  const Array y = full(shape, 0.0, Dtype::i64), at = contiguous(ids);
  for (int64_t n = 0; n < at.numel(); ++n) {
    const int64_t id = at.data<int64_t>()[n];
    check<IndexError>(id >= 0 && id < classes, "one_hot: ", ids.shape(), " into ", classes, " classes: class ", id,
                      " (entry ", n, ") is out of range: classes run from 0 to ", classes - 1);
    y.data<int64_t>()[n * classes + id] = 1;
  }
  return y;
}

}  // namespace heed::core
