// Layer norm and RMS norm: a kernel normalises each row of the last axis.
#include <algorithm>

#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/streaming.h>
#include <heed/core/strided_walk.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

void check_norm(const char* op, const Array& x, const Array& weight, const Array& bias) {
  check<ShapeError>(x.rank() > 0, op, ": shape ", x.shape(), ": has no axis to normalise");
  for (const Array* p : {&weight, &bias}) {
    check<ShapeError>(!p->defined() || p->shape() == Shape{x.size(-1)}, op, ": input ", x.shape(), ", weight or bias ",
                      p->shape(), ": must be as long as the input's last axis, ", x.size(-1));
    check<DtypeError>(!p->defined() || p->dtype() == x.dtype(), op, ": input ", x.dtype(), ", weight or bias ",
                      p->dtype(), ": dtypes differ: convert one with to(Dtype)");
  }
}

// Kernels read a contiguous weight and bias; an absent weight is 1, an absent bias 0.
Array contiguous_or(double absent, const Array& p, const Array& x) {
  return p.defined() ? contiguous(p) : full({x.size(-1)}, absent, x.dtype());
}

// Rows are divided into blocks of fixed size; each block sums its own dw and db, and these
// sums are then added in order, so that the bits do not depend on the threads.
constexpr int64_t norm_block = 64;

template <class T, class RowGrad>
NormGrad norm_grad(const Array& x, bool has_weight, bool has_bias, RowGrad&& row_grad) {
  const int64_t n = x.size(-1), rows = n ? x.numel() / n : 0, blocks = (rows + norm_block - 1) / norm_block;
  NormGrad out;
  out.x = Array(x.shape(), x.dtype());
  Array dw, db;
  if (has_weight) dw = full({blocks, n}, 0.0, x.dtype());
  if (has_bias) db = full({blocks, n}, 0.0, x.dtype());
  parallel_for(blocks, std::max<int64_t>(1, row_grain(n) / norm_block), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t r = b * norm_block; r < std::min(rows, (b + 1) * norm_block); ++r)
        row_grad(r, out.x.data<T>() + r * n, has_weight ? dw.data<T>() + b * n : nullptr,
                 has_bias ? db.data<T>() + b * n : nullptr);
  });
  count_elementwise(out.x, x, x);  // x and g
  if (has_weight) out.weight = sum(dw, {0}, false);
  if (has_bias) out.bias = sum(db, {0}, false);
  return out;
}

}  // namespace

Normalized layer_norm(const Array& x, const Array& weight, const Array& bias, double eps) {
  const OpName at("layer_norm");
  check_defined(x);
  check_norm("layer_norm", x, weight, bias);
  const Array in = contiguous(x), w = contiguous_or(1, weight, x), b = contiguous_or(0, bias, x);
  const Shape rows = outer_axes(x.shape(), 1);
  Normalized out{Array(x.shape(), x.dtype()), Array(rows, x.dtype()), Array(rows, x.dtype())};
  const int64_t n = x.size(-1);
  dispatch_floating(x.dtype(), "layer_norm", [&]<class T>() {
    const KernelsOf<T>& kernels = kernels_of<T>();
    const bool streamed = exceeds_caches(out.y);
    const auto kernel = streamed ? kernels.layer_norm_streamed : kernels.layer_norm;
    // Streaming overlaps writing some rows with reading the next, except at a chunk's ends: longer chunks.
    parallel_for(out.mean.numel(), (streamed ? 8 : 1) * row_grain(n), [&](int64_t begin, int64_t end) {
      kernel(in.data<T>() + begin * n, end - begin, w.data<T>(), b.data<T>(), static_cast<T>(eps),
             out.y.data<T>() + begin * n, out.mean.data<T>() + begin, out.rstd.data<T>() + begin, n);
    });
  });
  count_elementwise(out.y, x);
  return out;
}

NormGrad layer_norm_grad(const Array& x, const Array& weight, bool has_bias, const Normalized& norm, const Array& g) {
  const OpName at("layer_norm");
  const Array in = contiguous(x), by = contiguous(g), w = contiguous_or(1, weight, x);
  const int64_t n = x.size(-1);
  return dispatch_floating(x.dtype(), "layer_norm", [&]<class T>() {
    return norm_grad<T>(x, weight.defined(), has_bias, [&](int64_t r, T* dx, T* dw, T* db) {
      kernels_of<T>().layer_norm_grad(in.data<T>() + r * n, w.data<T>(), by.data<T>() + r * n, norm.mean.data<T>()[r],
                                      norm.rstd.data<T>()[r], dx, dw, db, n);
    });
  });
}

Normalized rms_norm(const Array& x, const Array& weight, double eps) {
  const OpName at("rms_norm");
  check_defined(x);
  check_norm("rms_norm", x, weight, Array());
  const Array in = contiguous(x), w = contiguous_or(1, weight, x);
  Normalized out{Array(x.shape(), x.dtype()), Array(), Array(outer_axes(x.shape(), 1), x.dtype())};
  const int64_t n = x.size(-1);
  dispatch_floating(x.dtype(), "rms_norm", [&]<class T>() {
    parallel_for(out.rstd.numel(), row_grain(n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        kernels_of<T>().rms_norm(in.data<T>() + r * n, w.data<T>(), static_cast<T>(eps), out.y.data<T>() + r * n,
                                 out.rstd.data<T>() + r, n);
    });
  });
  count_elementwise(out.y, x);
  return out;
}

NormGrad rms_norm_grad(const Array& x, const Array& weight, const Normalized& norm, const Array& g) {
  const OpName at("rms_norm");
  const Array in = contiguous(x), by = contiguous(g), w = contiguous_or(1, weight, x);
  const int64_t n = x.size(-1);
  return dispatch_floating(x.dtype(), "rms_norm", [&]<class T>() {
    return norm_grad<T>(x, weight.defined(), false, [&](int64_t r, T* dx, T* dw, T*) {
      kernels_of<T>().rms_norm_grad(in.data<T>() + r * n, w.data<T>(), by.data<T>() + r * n, norm.rstd.data<T>()[r], dx,
                                    dw, n);
    });
  });
}

}  // namespace heed::core
