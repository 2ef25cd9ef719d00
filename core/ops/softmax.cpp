// Softmax and related functions: the axis is moved to the end, then a kernel processes each row.
#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/strided_walk.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

// y = f(x) on every row along `axis`; f is what kernel_of picks from the table.
template <class KernelOf> Array map_rows(const char* op, const Array& x, int64_t axis, KernelOf&& kernel_of) {
  check<ShapeError>(x.rank() > 0, op, ": shape ", x.shape(), ": has no axis to work along");
  const int i = normalize_axis(op, axis, x.shape());
  if (i != x.rank() - 1) return contiguous(transpose(map_rows(op, transpose(x, i, -1), -1, kernel_of), i, -1));
  const Array in = contiguous(x);
  const Array y(x.shape(), x.dtype());
  const int64_t n = x.size(-1);
  if (x.numel() == 0) return y;
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    parallel_for(x.numel() / n, row_grain(n), [&](int64_t begin, int64_t end) {
      kernel_of(kernels_of<T>())(in.data<T>() + begin * n, end - begin, y.data<T>() + begin * n, n);
    });
  });
  count_elementwise(y, x);
  return y;
}

// dx = kernel(y, g) on every row along `axis`.
template <class Kernel> Array grad_rows(const char* op, const Array& y, const Array& g, int64_t axis, Kernel&& kernel) {
  const int i = normalize_axis(op, axis, y.shape());
  if (i != y.rank() - 1)
    return contiguous(transpose(grad_rows(op, transpose(y, i, -1), transpose(g, i, -1), -1, kernel), i, -1));
  const Array out = contiguous(y), by = contiguous(g);
  const Array dx(y.shape(), y.dtype());
  const int64_t n = y.size(-1);
  if (y.numel() == 0) return dx;
  dispatch_floating(y.dtype(), op, [&]<class T>() {
    parallel_for(y.numel() / n, row_grain(n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        kernel(kernels_of<T>(), out.data<T>() + r * n, by.data<T>() + r * n, dx.data<T>() + r * n, n);
    });
  });
  count_elementwise(dx, y, g);
  return dx;
}

}  // namespace

Array softmax(const Array& x, int64_t axis) {
  const OpName at("softmax");
  check_defined(x);
  return map_rows("softmax", x, axis, [](const auto& kernels) { return kernels.softmax; });
}

Array log_softmax(const Array& x, int64_t axis) {
  const OpName at("log_softmax");
  check_defined(x);
  return map_rows("log_softmax", x, axis, [](const auto& kernels) { return kernels.log_softmax; });
}

Array softmax_grad(const Array& y, const Array& g, int64_t axis) {
  const OpName at("softmax");
  return grad_rows("softmax", y, g, axis, [](const auto& k, const auto* y, const auto* g, auto* dx, int64_t n) {
    k.softmax_grad(y, g, dx, n);
  });
}

Array log_softmax_grad(const Array& y, const Array& g, int64_t axis) {
  const OpName at("log_softmax");
  return grad_rows("log_softmax", y, g, axis, [](const auto& k, const auto* y, const auto* g, auto* dx, int64_t n) {
    k.log_softmax_grad(y, g, dx, n);
  });
}

Array logsumexp(const Array& x, int64_t axis, bool keepdim) {
  const OpName at("logsumexp");
  check_defined(x);
  const int i = normalize_axis("logsumexp", axis, x.shape());
  if (i != x.rank() - 1) {
    const Array y = transpose(logsumexp(transpose(x, i, -1), -1, true), i, -1);
    return contiguous(keepdim ? y : squeeze(y, i));
  }
  const Array in = contiguous(x);
  const Array y(outer_axes(x.shape(), 1), x.dtype());
  const int64_t n = x.size(-1);
  if (n == 0) {  // log of an empty sum
    copy_into(y, full({}, -std::numeric_limits<double>::infinity(), x.dtype()));
    return keepdim ? unsqueeze(y, -1) : y;
  }
  dispatch_floating(x.dtype(), "logsumexp", [&]<class T>() {
    parallel_for(y.numel(), row_grain(n), [&](int64_t begin, int64_t end) {
      T highest, beside;
      for (int64_t r = begin; r < end; ++r) {
        const T log_total = kernels_of<T>().log_sum_exp(in.data<T>() + r * n, n, &highest, &beside);
        y.data<T>()[r] = std::isinf(highest) ? highest : highest + log_total;
      }
    });
  });
  count_elementwise(x, y);
  return keepdim ? unsqueeze(y, -1) : y;
}

}  // namespace heed::core
