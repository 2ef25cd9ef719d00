#include <heed/autograd/ops/reduce.h>

#include <algorithm>
#include <cmath>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/indexing.h>
#include <heed/autograd/ops/softmax.h>
#include <heed/autograd/ops/views.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

// x's shape with size 1 for the reduced axes: it broadcasts against x.
Shape kept_dims(const char* op, const Shape& shape, const Axes& axes) {
  Shape kept = shape;
  for (int i = 0; i < shape.rank(); ++i)
    if (axes.rank() == 0) kept[i] = 1;
  for (int64_t axis : axes) kept[core::normalize_axis(op, axis, shape)] = 1;
  return kept;
}

double count(const char* op, const Shape& shape, const Axes& axes) {
  double n = 1;
  const Shape kept = kept_dims(op, shape, axes);
  for (int i = 0; i < shape.rank(); ++i)
    if (kept[i] != shape[i]) n *= static_cast<double>(shape[i]);
  return n;
}

Tensor extremum(const char* name, core::Array value, const Tensor& x, const Axes& axes) {
  return op(name, std::move(value),
            edge(x, keep(x), [kept = kept_dims(name, x.shape(), axes)](auto& g, auto& y, auto& x) {
              const Tensor best = eq(x, y.detach().reshape(kept)).to(x.dtype());
              const Tensor share = best / best.sum_to(kept);  // NaN in a row whose extremum is NaN
              return where(eq(share, 0.0), 0.0, g.reshape(kept) * share);
            }));
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, KeepDim keep_axes) {
  core::Array y = core::sum(x.array(), axes, bool(keep_axes));
  return op("sum", std::move(y), edge(x, [from = x.shape(), axes](auto& g) {
              return (g.dim() == 0 ? g : g.reshape(kept_dims("sum", from, axes))).expand(from);
            }));
}

Tensor mean(const Tensor& x, const Axes& axes, KeepDim keep_axes) {
  const core::OpName at("mean");
  check<DtypeError>(is_floating(x.dtype()), "mean: ", x.shape(), " of ", x.dtype(),
                    ": a mean need not be an integer: convert with to(Dtype::f32)");
  return sum(x, axes, keep_axes) / count("mean", x.shape(), axes);
}

namespace {

void check_floating(const char* op, const Tensor& x) {
  check<DtypeError>(is_floating(x.dtype()), op, ": ", x.shape(), " of ", x.dtype(),
                    ": the result need not be an integer: convert with to(Dtype::f32)");
}

}  // namespace

Tensor var(const Tensor& x, const Axes& axes, Real correction, KeepDim keep_axes) {
  const core::OpName at("var");
  check(std::isfinite(correction), "var: ", x.shape(), ", correction ", correction,
        ": must be a finite number: 1 is Bessel's, 0 gives the mean square");
  check_floating("var", x);
  const Tensor centred = x - mean(x, axes, true);
  return sum(square(centred), axes, keep_axes) / std::max(0.0, count("var", x.shape(), axes) - correction);
}
Tensor var(const Tensor& x, const Axes& axes, KeepDim keep_axes) { return var(x, axes, 1.0, keep_axes); }

Tensor norm(const Tensor& x, const Axes& axes, KeepDim keep_axes) {
  const core::OpName at("norm");
  check_floating("norm", x);
  const Tensor squares = sum(square(x), axes, keep_axes);
  const Tensor zero = eq(squares, 0.0);
  return where(zero, 0.0, sqrt(where(zero, 1.0, squares)));
}

Tensor amax(const Tensor& x, const Axes& axes, KeepDim keep_axes) {
  return extremum("amax", core::amax(x.array(), axes, bool(keep_axes)), x, axes);
}

Tensor amin(const Tensor& x, const Axes& axes, KeepDim keep_axes) {
  return extremum("amin", core::amin(x.array(), axes, bool(keep_axes)), x, axes);
}

namespace {

Extremum at_positions(const Tensor& x, Axis axis, const Tensor& positions, KeepDim keep_axes) {
  const Tensor values = gather(x, axis, positions);
  if (keep_axes) return {values, positions};
  return {values.squeeze(axis), positions.squeeze(axis)};
}

}  // namespace

Extremum max(const Tensor& x, Axis axis, KeepDim keep_axes) {
  core::normalize_axis("max", axis, x.shape());  // an error names max, not argmax
  return at_positions(x, axis, argmax(x, axis, true), keep_axes);
}
Extremum min(const Tensor& x, Axis axis, KeepDim keep_axes) {
  core::normalize_axis("min", axis, x.shape());
  return at_positions(x, axis, argmin(x, axis, true), keep_axes);
}

Tensor argmax(const Tensor& x, Axis axis, KeepDim keep_axes) {
  return Tensor(core::argmax(x.array(), axis, bool(keep_axes)));
}
Tensor argmin(const Tensor& x, Axis axis, KeepDim keep_axes) {
  return Tensor(core::argmin(x.array(), axis, bool(keep_axes)));
}

Extremum topk(const Tensor& x, Whole k, Axis axis, bool largest) {
  return at_positions(x, axis, Tensor(core::topk(x.array(), k, axis, largest).indices), true);
}

Tensor prod(const Tensor& x, Axis axis, KeepDim keep_axes) {
  return op("prod", core::prod(x.array(), axis, bool(keep_axes)), edge(x, keep(x), [axis](auto& g, auto& x) {
              // ∂/∂xᵢ is the product of the others: those before i times those after. Exact at 0, and
              // in f64, like the value: a long chain of f32 products loses digits.
              const Tensor wide = x.to(Dtype::f64);
              const int64_t n = wide.size(axis);
              const int i = core::normalize_axis("prod", axis, wide.shape());
              const auto count = static_cast<size_t>(n);
              std::vector<Tensor> before(count), after(count), others;
              if (n) before[0] = after[count - 1] = Tensor(core::full(wide.select(i, 0).shape(), 1.0, Dtype::f64));
              for (int64_t j = 1; j < n; ++j) {
                before[size_t(j)] = before[size_t(j - 1)] * wide.select(i, j - 1);
                after[size_t(n - 1 - j)] = after[size_t(n - j)] * wide.select(i, n - j);
              }
              for (size_t j = 0; j < count; ++j) others.push_back(before[j] * after[j]);
              Shape kept = wide.shape();
              kept[i] = 1;
              return n ? g.reshape(kept) * stack(others, i).to(g.dtype()) : g.reshape(kept).expand(wide.shape());
            }));
}

namespace {

// yᵢ = x₀ + … + xᵢ, so xᵢ is in all yⱼ with j >= i: its gradient is a running sum from the other end.
Tensor running_sum(const Tensor& x, Axis axis, bool reverse) {
  return op("cumsum", core::cumsum(x.array(), axis, reverse),
            edge(x, [axis, reverse](auto& g) { return running_sum(g, axis, !reverse); }));
}

}  // namespace

Tensor cumsum(const Tensor& x, Axis axis) { return running_sum(x, axis, false); }

Tensor logsumexp(const Tensor& x, Axis axis, KeepDim keep_axes) {
  return op("logsumexp", core::logsumexp(x.array(), axis, bool(keep_axes)), edge(x, keep(x), [axis](auto& g, auto& x) {
              Shape kept = x.shape();
              kept[core::normalize_axis("logsumexp", axis, kept)] = 1;
              return g.reshape(kept) * softmax(x, axis);
            }));
}

}  // namespace heed
