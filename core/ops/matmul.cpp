// Matrix products of N-d arrays, reduced to calls of gemm on strided operands.
#include <algorithm>

#include <heed/core/op_name.h>
#include <heed/core/ops/gemm.h>
#include <heed/core/ops/ops.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

void check_factors(const char* op, const Array& a, const Array& b) {
  check_defined(a, "left operand");
  check_defined(b, "right operand");
  check<DtypeError>(a.dtype() == b.dtype() && is_floating(a.dtype()), op, ": ", a.shape(), " ", a.dtype(), " @ ",
                    b.shape(), " ", b.dtype(), ": needs one floating dtype: convert with to(Dtype)");
}

// c = a b for matrices with the same batch axes (strides may be 0). The innermost batch axis is passed
// to gemm; the loop over the outer ones is here.
template <class T> void batched(const Array& a, const Array& b, const Array& c) {
  const int batch = c.rank() - 2;
  Gemm<T> p{};
  p.m = c.shape()[batch];
  p.n = c.shape()[batch + 1];
  p.k = a.shape()[batch + 1];
  p.a_row = a.strides()[batch];
  p.a_col = a.strides()[batch + 1];
  p.b_row = b.strides()[batch];
  p.b_col = b.strides()[batch + 1];
  p.c_row = c.strides()[batch];

  // Merge batch axes that all three operands lay out evenly.
  Shape sizes;
  Strides da, db, dc;
  for (int i = 0; i < batch; ++i) {
    const int64_t n = c.shape()[i], sa = a.strides()[i], sb = b.strides()[i], sc = c.strides()[i];
    if (n == 1) continue;
    const int last = sizes.rank() - 1;
    if (last >= 0 && da[last] == sa * n && db[last] == sb * n && dc[last] == sc * n) {
      sizes[last] *= n;
      da[last] = sa;
      db[last] = sb;
      dc[last] = sc;
    } else {
      sizes.push_back(n);
      da.push_back(sa);
      db.push_back(sb);
      dc.push_back(sc);
    }
  }
  int64_t outer = 1;
  if (sizes.rank() > 0) {
    const int last = sizes.rank() - 1;
    p.batch = sizes[last];
    p.a_batch = da[last];
    p.b_batch = db[last];
    p.c_batch = dc[last];
    for (int i = 0; i < last; ++i) outer *= sizes[i];
  }
  for (int64_t o = 0; o < outer; ++o) {
    int64_t rest = o, pa = 0, pb = 0, pc = 0;
    for (int i = sizes.rank() - 2; i >= 0; --i) {
      const int64_t index = rest % sizes[i];
      rest /= sizes[i];
      pa += index * da[i];
      pb += index * db[i];
      pc += index * dc[i];
    }
    p.a = a.data<T>() + pa;
    p.b = b.data<T>() + pb;
    p.c = c.data<T>() + pc;
    gemm(p);
  }
}

Array broadcast_batch(const Array& x, const Shape& batch) {
  if (batch.rank() == 0) return x;
  Shape shape = batch;
  shape.push_back(x.shape()[x.rank() - 2]);
  shape.push_back(x.shape()[x.rank() - 1]);
  return expand(x, shape);
}

}  // namespace

Array matmul(const Array& a, const Array& b) {
  const OpName at("matmul");
  check_factors("matmul", a, b);
  check<ShapeError>(a.rank() > 0 && b.rank() > 0, "matmul: ", a.shape(), " @ ", b.shape(),
                    ": a scalar is not a matrix: multiply with *");
  if (a.rank() == 1) {
    const Array y = matmul(unsqueeze(a, 0), b);
    return squeeze(y, b.rank() == 1 ? 0 : -2);
  }
  if (b.rank() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);

  const int64_t n = a.size(-2), k = a.size(-1), m = b.size(-1);
  check<ShapeError>(b.size(-2) == k, "matmul: ", a.shape(), " @ ", b.shape(),
                    ": inner sizes differ: the last axis of the left has ", k, ", the second to last of the right ",
                    b.size(-2), b.size(-1) == k ? ": transpose the right operand" : ": they must be equal");
  const Shape batch = broadcast("matmul", outer_axes(a.shape(), 2), outer_axes(b.shape(), 2));
  Shape shape = batch;
  shape.push_back(n);
  shape.push_back(m);
  const Array c(shape, a.dtype());
  if (c.numel() == 0) return c;
  dispatch_floating(a.dtype(), "matmul",
                    [&]<class T>() { batched<T>(broadcast_batch(a, batch), broadcast_batch(b, batch), c); });
  count_work(2.0 * static_cast<double>(c.numel()) * static_cast<double>(k), a, b, c);
  return c;
}

Array linear(const Array& x, const Array& weight, const Array& bias) {
  const OpName at("linear");
  check_factors("linear", x, weight);
  check<ShapeError>(x.rank() > 0 && weight.rank() == 2 && x.size(-1) == weight.size(1), "linear: input ", x.shape(),
                    ", weight ", weight.shape(), ": the last axis of the input must be the ",
                    weight.rank() == 2 ? weight.size(1) : 0, " features that the weight takes");
  check<ShapeError>(!bias.defined() || bias.shape() == Shape{weight.size(0)}, "linear: weight ", weight.shape(),
                    ", bias ", bias.shape(), ": the bias must have one element per row of the weight");
  check<DtypeError>(!bias.defined() || bias.dtype() == x.dtype(), "linear: input ", x.dtype(), ", bias ", bias.dtype(),
                    ": dtypes differ: convert one with to(Dtype)");
  Shape shape = x.shape();
  shape[shape.rank() - 1] = weight.size(0);
  const Array y(shape, x.dtype());
  if (y.numel() == 0) return y;
  const Array rows = x.rank() == 2 ? x : reshape(x, {-1, std::max<int64_t>(x.size(-1), 1)});
  dispatch_floating(x.dtype(), "linear", [&]<class T>() {
    Gemm<T> p{};
    p.m = y.numel() / weight.size(0);
    p.n = weight.size(0);
    p.k = weight.size(1);
    p.a = rows.data<T>();
    p.a_row = rows.strides()[0];
    p.a_col = rows.strides()[1];
    p.b = weight.data<T>();
    p.b_row = weight.strides()[1];  // weightᵀ
    p.b_col = weight.strides()[0];
    p.c = y.data<T>();
    p.c_row = p.n;
    const Array b = bias.defined() ? contiguous(bias) : bias;
    p.bias = b.defined() ? b.data<T>() : nullptr;
    gemm(p);
  });
  count_work(2.0 * static_cast<double>(y.numel()) * static_cast<double>(weight.size(1)), x, weight, y);
  return y;
}

Array linear_weight_grad(const Array& g, const Array& x) {
  const OpName at("linear");
  const int64_t out = g.size(-1), in = x.size(-1);
  if (g.numel() == 0 || x.numel() == 0) return full({out, in}, 0.0, g.dtype());
  const int64_t rows = g.numel() / out;
  return matmul(transpose(reshape(g, {rows, out}), 0, 1), reshape(x, {rows, in}));
}

}  // namespace heed::core
