// A matrix product in which masked pairs contribute nothing.
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <heed/core/ops/ops.h>

namespace heed::core {

namespace {

Shape batch_of(const Array& x) { return Shape(std::span(x.shape().begin(), static_cast<size_t>(x.rank() - 2))); }

Array whole(const Array& x, const Shape& batch, int64_t rows, int64_t columns) {
  Shape shape = batch;
  shape.push_back(rows);
  shape.push_back(columns);
  return contiguous(expand(x, shape));
}

// Rows of v that are not finite are left out of the product and added only to the permitted pairs.
template <class T> Array pair_by_pair(const Array& w, const Array& v, const Array& mask) {
  const Shape batch = broadcast("matmul", broadcast("matmul", batch_of(w), batch_of(v)), batch_of(mask));
  const int64_t n = w.size(-2), m = w.size(-1), p = v.size(-1);
  const Array pairs = whole(mask, batch, n, m);
  const Array weights = where(pairs, whole(w, batch, n, m), full({}, 0.0, w.dtype()));
  const Array values = whole(v, batch, m, p), tame = clone(values);
  std::vector<int64_t> wild;  // row indices, numbered across all batches
  for (int64_t row = 0; row < batch.numel() * m; ++row) {
    T* const x = tame.data<T>() + row * p;
    if (std::all_of(x, x + p, [](T value) { return std::isfinite(value); })) continue;
    std::fill_n(x, p, T(0));
    wild.push_back(row);
  }
  const Array y = matmul(weights, tame);
  for (const int64_t row : wild) {
    const int64_t b = row / m, j = row % m;
    const T* const x = values.data<T>() + row * p;
    for (int64_t i = b * n; i < (b + 1) * n; ++i) {
      if (!pairs.data<bool>()[i * m + j]) continue;
      const T weight = weights.data<T>()[i * m + j];
      for (int64_t c = 0; c < p; ++c) y.data<T>()[i * p + c] += weight * x[c];
    }
  }
  return y;
}

bool sums_to_finite(const Array& x) {
  const Array in = contiguous(x);
  return dispatch_floating(x.dtype(), "sum",
                           [&]<class T>() { return std::isfinite(kernels_of<T>().sum(in.data<T>(), in.numel())); });
}

}  // namespace

Array masked_matmul(const Array& w, const Array& v, const Array& mask) {
  const Array y = matmul(w, v);
  // 0·NaN and 0·∞ are NaN: a forbidden pair that contributed anything would make the sum NaN.
  if (sums_to_finite(y)) return y;
  return dispatch_floating(y.dtype(), "matmul", [&]<class T>() { return pair_by_pair<T>(w, v, mask); });
}

bool tame(const Array& x) {
  const Array in = contiguous(x);
  return dispatch_floating(x.dtype(), "dot", [&]<class T>() {
    return kernels_of<T>().dot(in.data<T>(), in.data<T>(), in.numel()) < T(1e12);
  });
}

}  // namespace heed::core
