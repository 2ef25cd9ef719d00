// Geometry. The gradient of a view puts g back where the elements came from.
#include <heed/autograd/ops/views.h>

#include <algorithm>

#include <heed/autograd/joint.h>
#include <heed/autograd/ops/indexing.h>
#include <heed/autograd/part.h>
#include <heed/core/ops/ops.h>

namespace heed {

Tensor Tensor::transpose(Axis axis0, Axis axis1) const {
  return op("transpose", core::transpose(array_, axis0, axis1),
            edge(*this, [axis0, axis1](auto& g) { return g.transpose(axis0, axis1); }));
}

Tensor Tensor::permute(const Shape& axes) const {
  core::Array y = core::permute(array_, axes);
  Shape inverse = axes;
  for (int i = 0; i < axes.rank(); ++i) inverse[core::normalize_axis("permute", axes[i], shape())] = i;
  return op("permute", std::move(y), edge(*this, [inverse](auto& g) { return g.permute(inverse); }));
}

Tensor Tensor::reshape(const Shape& to) const {
  return op("reshape", core::reshape(array_, to), edge(*this, [from = shape()](auto& g) { return g.reshape(from); }));
}

Tensor Tensor::flatten(Axis first, Axis last) const {
  if (dim() == 0) return reshape({1});
  const int begin = core::normalize_axis("flatten", first, shape()),
            end = core::normalize_axis("flatten", last, shape());
  check<ShapeError>(begin <= end, "flatten: ", shape(), " from axis ", begin, " to ", end,
                    ": the first axis is after the last");
  Shape merged;
  int64_t run = 1;
  for (int i = 0; i < dim(); ++i) {
    run = i > begin && i <= end ? run * shape()[i] : shape()[i];
    if (i < begin || i >= end) merged.push_back(run);
  }
  return reshape(merged);
}

Tensor Tensor::expand(const Shape& to) const {
  return op("expand", core::expand(array_, to), edge(*this, [](auto& g) { return g; }));  // the engine sums
}

Tensor Tensor::sum_to(const Shape& to) const {
  check<ShapeError>(core::broadcasts_to(to, shape()), "sum_to: ", shape(), " to ", to,
                    ": the smaller shape does not broadcast to the larger");
  return op("sum_to", core::sum_to(array_, to), edge(*this, [from = shape()](auto& g) { return g.expand(from); }));
}

Tensor Tensor::squeeze(Axis axis) const {
  return op("squeeze", core::squeeze(array_, axis), edge(*this, [from = shape()](auto& g) { return g.reshape(from); }));
}

Tensor Tensor::unsqueeze(Axis axis) const {
  return op("unsqueeze", core::unsqueeze(array_, axis),
            edge(*this, [from = shape()](auto& g) { return g.reshape(from); }));
}

namespace {

// The gradient of a part of x is added, at the part's position, to that of other parts, or to zeros of x's shape.
template <class Part, class Back>
Tensor place(const Tensor& g, const SoFar& so_far, const Shape& shape, const char* name, Part part, Back back) {
  if (so_far.sum.defined()) {
    core::add_into(part(so_far.sum.array()), g.array());
    return so_far.sum;
  }
  core::Array y = core::full(shape, 0.0, g.dtype());
  core::copy_into(part(y), g.array());
  return op(name, std::move(y), edge(g, std::move(back)));
}

}  // namespace

Tensor Tensor::select(Axis axis, Whole index) const {
  return op("select", core::select(array_, axis, index),
            part(*this, [from = shape(), axis, index](const Tensor& g, const SoFar& so_far) {
              return place(
                  g, so_far, from, "select_grad", [=](const core::Array& y) { return core::select(y, axis, index); },
                  [=](const Tensor& h) { return h.select(axis, index); });
            }));
}

Tensor Tensor::slice(Axis axis, Whole begin, Whole end, Whole step) const {
  return op("slice", core::slice(array_, axis, begin, end, step),
            part(*this, [from = shape(), axis, begin, end, step](const Tensor& g, const SoFar& so_far) {
              return place(
                  g, so_far, from, "slice_grad",
                  [=](const core::Array& y) { return core::slice(y, axis, begin, end, step); },
                  [=](const Tensor& h) { return h.slice(axis, begin, end, step); });
            }));
}

Tensor Tensor::diagonal() const {
  return op("diagonal", core::diagonal(array_), part(*this, [from = shape()](const Tensor& g, const SoFar& so_far) {
              return place(
                  g, so_far, from, "diagonal_grad", [](const core::Array& y) { return core::diagonal(y); },
                  [](const Tensor& h) { return h.diagonal(); });
            }));
}

std::vector<Tensor> Tensor::split(Whole size, Axis axis) const {
  check<ShapeError>(size > 0, "split: ", shape(), " into pieces of ", size, ": a piece needs at least one element");
  std::vector<Tensor> pieces;
  const int64_t n = this->size(axis);
  const int64_t count = std::max<int64_t>(1, n / size + (n % size != 0));
  for (int64_t i = 0; i < count; ++i) pieces.push_back(slice(axis, i * size, i + 1 < count ? (i + 1) * size : n));
  return pieces;
}

std::vector<Tensor> Tensor::chunk(Whole chunks, Axis axis) const {
  check<ShapeError>(chunks > 0, "chunk: ", shape(), " into ", chunks, " chunks: needs at least one");
  const int64_t n = size(axis);
  return split(std::max<int64_t>(1, n / chunks + (n % chunks != 0)), axis);
}

Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }

Tensor Tensor::clone() const {
  return op("clone", core::clone(array_), edge(*this, [](auto& g) { return g; }));
}

Tensor Tensor::to(Dtype wanted) const {
  if (wanted == dtype()) return *this;
  if (!is_floating(wanted)) return Tensor(core::to(array_, wanted));
  return op("to", core::to(array_, wanted), edge(*this, [from = dtype()](auto& g) { return g.to(from); }));
}

Tensor cat(const std::vector<Tensor>& tensors, Axis axis) {
  std::vector<core::Array> arrays;
  std::vector<int64_t> sizes;
  for (const Tensor& x : tensors) arrays.push_back(x.array());
  core::Array y = core::cat(arrays, axis);
  for (const Tensor& x : tensors) sizes.push_back(x.size(axis));
  return op("cat", std::move(y), tensors, keep(sizes), [axis](auto& g, auto& sizes) {
    std::vector<Tensor> grads;
    int64_t at = 0;
    for (int64_t n : sizes) {
      grads.push_back(g.slice(axis, at, at + n));
      at += n;
    }
    return grads;
  });
}

Tensor stack(const std::vector<Tensor>& tensors, Axis axis) {
  std::vector<Tensor> rows;
  for (const Tensor& x : tensors) {
    check<ShapeError>(x.shape() == tensors[0].shape(), "stack: ", tensors[0].shape(), " and ", x.shape(),
                      ": all shapes must be equal");
    rows.push_back(x.unsqueeze(axis));
  }
  return cat(rows, axis);
}

namespace {

// By halving: a slice's gradient is as large as the tensor it was taken from.
void append_slices(const Tensor& x, int64_t axis, std::vector<Tensor>& slices) {
  const int64_t n = x.size(axis);
  if (n == 1) return slices.push_back(x.squeeze(axis));
  append_slices(x.slice(axis, 0, n / 2), axis, slices);
  append_slices(x.slice(axis, n / 2, n), axis, slices);
}

}  // namespace

std::vector<Tensor> unbind(const Tensor& x, Axis axis) {
  std::vector<Tensor> slices;
  const int64_t along = core::normalize_axis("unbind", axis, x.shape());
  if (x.size(along) > 0) append_slices(x, along, slices);
  return slices;
}

}  // namespace heed
