// Arrays filled by a rule.
#include <cmath>

#include <heed/core/ops.h>

namespace heed::core {

Array arange(double begin, double end, double step, Dtype dtype) {
  check(step != 0 && std::isfinite((end - begin) / step), "arange: ", begin, " to ", end, " by ",
        step, ": the step must lead from the first to the last, and not be 0");
  const int64_t n = std::max<int64_t>(0, static_cast<int64_t>(std::ceil((end - begin) / step)));
  Array y({n}, dtype);
  dispatch(dtype, [&]<class T>() {
    for (int64_t i = 0; i < n; ++i)
      y.data<T>()[i] = static_cast<T>(begin + static_cast<double>(i) * step);
  });
  return y;
}

Array linspace(double begin, double end, int64_t n, Dtype dtype) {
  check<ShapeError>(n >= 0, "linspace: ", n, " points: cannot be fewer than none");
  Array y({n}, dtype);
  const double step = n > 1 ? (end - begin) / static_cast<double>(n - 1) : 0.0;
  dispatch(dtype, [&]<class T>() {
    for (int64_t i = 0; i < n; ++i)  // from both ends, so that the last is exactly `end`
      y.data<T>()[i] =
          static_cast<T>(i < (n + 1) / 2 ? begin + static_cast<double>(i) * step
                                         : end - static_cast<double>(n - 1 - i) * step);
  });
  return y;
}

Array eye(int64_t rows, int64_t columns, Dtype dtype) {
  const Array y = full({rows, columns}, 0.0, dtype);
  copy_into(diagonal(y), full({}, 1.0, dtype));
  return y;
}

namespace {

// x where keep(column - row), else 0.
template <class Keep>
Array triangle(const char* op, const Array& x, Keep&& keep) {
  check<ShapeError>(x.rank() >= 2, op, ": ", x.shape(), ": needs two axes or more");
  const Array y = clone(x);
  const int64_t rows = x.size(-2), columns = x.size(-1),
                matrix = std::max<int64_t>(1, rows * columns);
  dispatch(x.dtype(), [&]<class T>() {
    for (int64_t m = 0; m < x.numel() / matrix; ++m)
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
          if (!keep(j - i)) y.data<T>()[m * matrix + i * columns + j] = T(0);
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
  check<DtypeError>(ids.dtype() == Dtype::i64, "one_hot: ", ids.shape(), " of ", ids.dtype(),
                    ": needs int64 classes");
  Shape shape = ids.shape();
  shape.push_back(classes);
  const Array y = full(shape, 0.0, Dtype::i64), at = contiguous(ids);
  for (int64_t n = 0; n < at.numel(); ++n) {
    const int64_t id = at.data<int64_t>()[n];
    check<IndexError>(id >= 0 && id < classes, "one_hot: ", ids.shape(), " into ", classes,
                      " classes: class ", id, " (entry ", n,
                      ") is out of range: classes run from 0 to ", classes - 1);
    y.data<int64_t>()[n * classes + id] = 1;
  }
  return y;
}

}  // namespace heed::core
