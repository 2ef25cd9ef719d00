// Ops along one axis: the axis is moved to the end, then each row goes to a kernel.
#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/core/op_name.h>
#include <heed/core/ops.h>
#include <heed/core/streaming.h>
#include <heed/core/walk.h>

namespace heed::core {

namespace {

// Rows a thread takes at a time.
int64_t row_grain(int64_t n) {
  return std::max<int64_t>(1, elementwise_grain / std::max<int64_t>(n, 1));
}

// y = f(x) on every row along `axis`; f is what kernel_of picks from the table.
template <class KernelOf>
Array map_rows(const char* op, const Array& x, int64_t axis, KernelOf&& kernel_of) {
  check<ShapeError>(x.rank() > 0, op, ": shape ", x.shape(), ": has no axis to work along");
  const int i = normalize_axis(op, axis, x.shape());
  if (i != x.rank() - 1)
    return contiguous(transpose(map_rows(op, transpose(x, i, -1), -1, kernel_of), i, -1));
  const Array in = contiguous(x);
  const Array y(x.shape(), x.dtype());
  const int64_t n = x.size(-1);
  if (x.numel() == 0) return y;
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    parallel_for(x.numel() / n, row_grain(n), [&](int64_t begin, int64_t end) {
      kernel_of(kernels_of<T>())(in.data<T>() + begin * n, end - begin, y.data<T>() + begin * n, n);
    });
  });
  return y;
}

// dx = kernel(y, g) on every row along `axis`.
template <class Kernel>
Array grad_rows(const char* op, const Array& y, const Array& g, int64_t axis, Kernel&& kernel) {
  const int i = normalize_axis(op, axis, y.shape());
  if (i != y.rank() - 1)
    return contiguous(
        transpose(grad_rows(op, transpose(y, i, -1), transpose(g, i, -1), -1, kernel), i, -1));
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
  return dx;
}

Shape without_last(const Shape& shape) {
  Shape rows = shape;
  rows.erase(shape.rank() - 1);
  return rows;
}

void check_norm(const char* op, const Array& x, const Array& weight, const Array& bias) {
  check<ShapeError>(x.rank() > 0, op, ": shape ", x.shape(), ": has no axis to normalise");
  for (const Array* p : {&weight, &bias}) {
    check<ShapeError>(!p->defined() || p->shape() == Shape{x.size(-1)}, op, ": input ", x.shape(),
                      ", weight or bias ", p->shape(),
                      ": must be as long as the input's last axis, ", x.size(-1));
    check<DtypeError>(!p->defined() || p->dtype() == x.dtype(), op, ": input ", x.dtype(),
                      ", weight or bias ", p->dtype(),
                      ": dtypes differ: convert one with to(Dtype)");
  }
}

// Kernels read weight and bias as adjacent numbers; an absent weight is 1, an absent bias 0.
Array adjacent_or(double absent, const Array& p, const Array& x) {
  return p.defined() ? contiguous(p) : full({x.size(-1)}, absent, x.dtype());
}

// Rows are cut into blocks of fixed size; each block sums dw and db for itself, and the blocks'
// sums are then added in order, so that the bits do not depend on the threads.
constexpr int64_t norm_block = 64;

template <class T, class RowGrad>
NormGrad norm_grad(const Array& x, bool has_weight, bool has_bias, RowGrad&& row_grad) {
  const int64_t n = x.size(-1), rows = n ? x.numel() / n : 0,
                blocks = (rows + norm_block - 1) / norm_block;
  NormGrad out;
  out.x = Array(x.shape(), x.dtype());
  Array dw, db;
  if (has_weight) dw = full({blocks, n}, 0.0, x.dtype());
  if (has_bias) db = full({blocks, n}, 0.0, x.dtype());
  parallel_for(
      blocks, std::max<int64_t>(1, row_grain(n) / norm_block), [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b)
          for (int64_t r = b * norm_block; r < std::min(rows, (b + 1) * norm_block); ++r)
            row_grad(r, out.x.data<T>() + r * n, has_weight ? dw.data<T>() + b * n : nullptr,
                     has_bias ? db.data<T>() + b * n : nullptr);
      });
  if (has_weight) out.weight = sum(dw, {0}, false);
  if (has_bias) out.bias = sum(db, {0}, false);
  return out;
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
  return grad_rows("softmax", y, g, axis,
                   [](const auto& k, const auto* y, const auto* g, auto* dx, int64_t n) {
                     k.softmax_grad(y, g, dx, n);
                   });
}

Array log_softmax_grad(const Array& y, const Array& g, int64_t axis) {
  const OpName at("log_softmax");
  return grad_rows("log_softmax", y, g, axis,
                   [](const auto& k, const auto* y, const auto* g, auto* dx, int64_t n) {
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
  const Array y(without_last(x.shape()), x.dtype());
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
  return keepdim ? unsqueeze(y, -1) : y;
}

Normalized layer_norm(const Array& x, const Array& weight, const Array& bias, double eps) {
  const OpName at("layer_norm");
  check_defined(x);
  check_norm("layer_norm", x, weight, bias);
  const Array in = contiguous(x), w = adjacent_or(1, weight, x), b = adjacent_or(0, bias, x);
  const Shape rows = without_last(x.shape());
  Normalized out{Array(x.shape(), x.dtype()), Array(rows, x.dtype()), Array(rows, x.dtype())};
  const int64_t n = x.size(-1);
  dispatch_floating(x.dtype(), "layer_norm", [&]<class T>() {
    const KernelsOf<T>& kernels = kernels_of<T>();
    const bool streamed = exceeds_caches(out.y);
    const auto kernel = streamed ? kernels.layer_norm_streamed : kernels.layer_norm;
    // The first and the last rows of a chunk have no others to be read or written beside.
    parallel_for(out.mean.numel(), (streamed ? 8 : 1) * row_grain(n), [&](int64_t begin, int64_t end) {
      kernel(in.data<T>() + begin * n, end - begin, w.data<T>(), b.data<T>(), static_cast<T>(eps), out.y.data<T>() + begin * n,
             out.mean.data<T>() + begin, out.rstd.data<T>() + begin, n);
    });
  });
  return out;
}

NormGrad layer_norm_grad(const Array& x, const Array& weight, bool has_bias, const Normalized& norm,
                         const Array& g) {
  const OpName at("layer_norm");
  const Array in = contiguous(x), by = contiguous(g), w = adjacent_or(1, weight, x);
  const int64_t n = x.size(-1);
  return dispatch_floating(x.dtype(), "layer_norm", [&]<class T>() {
    return norm_grad<T>(x, weight.defined(), has_bias, [&](int64_t r, T* dx, T* dw, T* db) {
      kernels_of<T>().layer_norm_grad(in.data<T>() + r * n, w.data<T>(), by.data<T>() + r * n,
                                      norm.mean.data<T>()[r], norm.rstd.data<T>()[r], dx, dw, db,
                                      n);
    });
  });
}

Normalized rms_norm(const Array& x, const Array& weight, double eps) {
  const OpName at("rms_norm");
  check_defined(x);
  check_norm("rms_norm", x, weight, Array());
  const Array in = contiguous(x), w = adjacent_or(1, weight, x);
  Normalized out{Array(x.shape(), x.dtype()), Array(), Array(without_last(x.shape()), x.dtype())};
  const int64_t n = x.size(-1);
  dispatch_floating(x.dtype(), "rms_norm", [&]<class T>() {
    parallel_for(out.rstd.numel(), row_grain(n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        kernels_of<T>().rms_norm(in.data<T>() + r * n, w.data<T>(), static_cast<T>(eps),
                                 out.y.data<T>() + r * n, out.rstd.data<T>() + r, n);
    });
  });
  return out;
}

NormGrad rms_norm_grad(const Array& x, const Array& weight, const Normalized& norm,
                       const Array& g) {
  const OpName at("rms_norm");
  const Array in = contiguous(x), by = contiguous(g), w = adjacent_or(1, weight, x);
  const int64_t n = x.size(-1);
  return dispatch_floating(x.dtype(), "rms_norm", [&]<class T>() {
    return norm_grad<T>(x, weight.defined(), false, [&](int64_t r, T* dx, T* dw, T*) {
      kernels_of<T>().rms_norm_grad(in.data<T>() + r * n, w.data<T>(), by.data<T>() + r * n,
                                    norm.rstd.data<T>()[r], dx, dw, n);
    });
  });
}

}  // namespace heed::core
