#include <heed/core/array.h>

#include <algorithm>
#include <limits>

#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/strided_walk.h>
#include <heed/core/work.h>

namespace heed {

const char* name_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32: return "float32";
    case Dtype::f64: return "float64";
    case Dtype::i32: return "int32";
    case Dtype::i64: return "int64";
    case Dtype::boolean: return "bool";
  }
  return "unknown";
}

namespace core {

namespace {

Array view(const Array& x, const Shape& shape, const Strides& strides, int64_t offset) {
  return Array(x.storage(), shape, strides, offset, x.dtype());
}

size_t bytes_for(const Shape& shape, Dtype dtype) {
  int64_t bytes = 0;
  const bool overflow = __builtin_mul_overflow(shape.numel(), int64_t(size_of(dtype)), &bytes);
  check<ShapeError>(!overflow, OpName::current(), ": ", shape, " ", dtype,
                    ": its size in bytes overflows 63 bits: use smaller sizes");
  return static_cast<size_t>(bytes);
}

Storage memory_for(const Shape& shape, Dtype dtype) {
  const size_t bytes = bytes_for(shape, dtype);
  if (Storage storage = Storage::try_make(bytes)) return storage;
  fail<MemoryError>(OpName::current(), ": ", shape, " ", dtype, ": its ", bytes, " bytes cannot be allocated; ",
                    memory_stats().in_use, " are in use: use smaller sizes, or drop what is no longer needed");
}

}  // namespace

Array::Array(const Shape& shape, Dtype dtype)
    : storage_(memory_for(shape, dtype)), shape_(shape), strides_(contiguous_strides(shape)), dtype_(dtype) {}

Array::Array(Storage storage, const Shape& shape, const Strides& strides, int64_t offset, Dtype dtype)
    : storage_(std::move(storage)), shape_(shape), strides_(strides), offset_(offset), dtype_(dtype) {}

void Array::fail_data(Dtype wanted) const {
  check_defined(*this);
  fail<DtypeError>(OpName::current(), ": ", shape_, " ", dtype_, " read as ", wanted,
                   ": data<T>() needs the element type: convert with to(Dtype)");
}

void fail_empty(const char* operand) {
  fail<ShapeError>(OpName::current(), ": an empty Tensor: the ", operand,
                   " has no elements: give it a value first, as in zeros({2, 3}); a grad() is "
                   "empty before backward(), and on a tensor that an op made unless retain_grad() keeps it");
}

int64_t Array::numel() const {
  int64_t product = 1;
  for (int64_t size : shape_) product *= size;
  return product;
}

bool Array::is_contiguous() const {
  int64_t step = 1;
  for (int i = rank() - 1; i >= 0; --i) {
    if (shape_[i] == 0) return true;
    if (shape_[i] != 1 && strides_[i] != step) return false;
    step *= shape_[i];
  }
  return true;
}

Array transpose(const Array& x, int64_t axis0, int64_t axis1) {
  const int i = normalize_axis("transpose", axis0, x.shape());
  const int j = normalize_axis("transpose", axis1, x.shape());
  Shape shape = x.shape();
  Strides strides = x.strides();
  std::swap(shape[i], shape[j]);
  std::swap(strides[i], strides[j]);
  return view(x, shape, strides, x.offset());
}

Array permute(const Array& x, const Shape& axes) {
  check<ShapeError>(axes.rank() == x.rank(), "permute: ", x.shape(), " by ", axes, ": needs each of the ", x.rank(),
                    " axes once");
  Shape shape;
  Strides strides;
  unsigned seen = 0;
  for (int64_t axis : axes) {
    const int i = normalize_axis("permute", axis, x.shape());
    check<ShapeError>(!(seen >> i & 1), "permute: ", x.shape(), " by ", axes, ": axis ", i,
                      " is named twice: name each axis once");
    seen |= 1u << i;
    shape.push_back(x.shape()[i]);
    strides.push_back(x.strides()[i]);
  }
  return view(x, shape, strides, x.offset());
}

Array slice(const Array& x, int64_t axis, int64_t begin, int64_t end, int64_t step) {
  const int i = normalize_axis("slice", axis, x.shape());
  const int64_t n = x.shape()[i];
  check<IndexError>(step > 0, "slice: ", x.shape(), " with step ", step, ": the step must be positive");
  auto clamp = [n](int64_t position) {
    // Python's rule: from the end if negative, then cut to 0 … n.
    return std::clamp<int64_t>(position < 0 ? position + n : position, 0, n);
  };
  begin = clamp(begin);
  end = std::max(begin, clamp(end));
  step = std::min(step, std::max<int64_t>(n, 1));  // any longer step reaches the first element only
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[i] = (end - begin) / step + ((end - begin) % step != 0);
  strides[i] *= step;
  const int64_t shift = shape[i] > 0 ? begin * x.strides()[i] : 0;
  return view(x, shape, strides, x.offset() + shift);
}

Array select(const Array& x, int64_t axis, int64_t index) {
  const int i = normalize_axis("select", axis, x.shape());
  const int64_t n = x.shape()[i];
  check<IndexError>(index >= -n && index < n, "select: ", x.shape(), ": index ", index, " on axis ", i, " of size ", n,
                    ": must be in ", -n, " … ", n - 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(i);
  strides.erase(i);
  return view(x, shape, strides, x.offset() + (index < 0 ? index + n : index) * x.strides()[i]);
}

Array expand(const Array& x, const Shape& to) {
  const int extra = to.rank() - x.rank();
  check<ShapeError>(extra >= 0, "expand: ", x.shape(), " to ", to, ": has fewer axes: keep all of them");
  Shape shape = to;
  for (int i = 0; i < to.rank(); ++i) {
    const int64_t had = i < extra ? 1 : x.shape()[i - extra];
    if (to[i] == -1 && i >= extra) shape[i] = had;
    check<ShapeError>(shape[i] == had || (had == 1 && shape[i] >= 0), "expand: ", x.shape(), " to ", to, ": axis ", i,
                      " has ", had, ", not 1: only axes of size 1 can be repeated");
  }
  shape.numel();  // throws where the repeated size overflows
  return view(x, shape, broadcast_strides(x.shape(), x.strides(), shape), x.offset());
}

Array squeeze(const Array& x, int64_t axis) {
  const int i = normalize_axis("squeeze", axis, x.shape());
  if (x.shape()[i] != 1) return x;
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(i);
  strides.erase(i);
  return view(x, shape, strides, x.offset());
}

Array unsqueeze(const Array& x, int64_t axis) {
  const int rank = x.rank();
  check<IndexError>(axis >= -rank - 1 && axis <= rank, "unsqueeze: ", x.shape(), ": there is no position ", axis,
                    ": positions run from ", -rank - 1, " to ", rank);
  const int i = static_cast<int>(axis < 0 ? axis + rank + 1 : axis);
  Shape shape = x.shape();
  Strides strides = x.strides();
  strides.insert(i, i < rank ? shape[i] * strides[i] : 1);
  shape.insert(i, 1);
  return view(x, shape, strides, x.offset());
}

Array diagonal(const Array& x) {
  const int rank = x.rank();
  check<ShapeError>(rank >= 2, "diagonal: ", x.shape(), ": needs two axes or more");
  Shape shape = x.shape();
  Strides strides = x.strides();
  const int64_t n = std::min(shape[rank - 2], shape[rank - 1]);
  const int64_t step = n > 1 ? strides[rank - 2] + strides[rank - 1] : 1;
  shape.erase(rank - 1);
  strides.erase(rank - 1);
  shape[rank - 2] = n;
  strides[rank - 2] = step;
  return view(x, shape, strides, x.offset());
}

namespace {

// Strides that read x under `shape` without moving an element; false if there are none. Each run of x's axes
// that is evenly spaced in memory may be divided anew; the boundaries between runs must stay.
bool strides_for(const Array& x, const Shape& shape, Strides& strides) {
  strides = Strides::filled(shape.rank(), 1);
  int out = shape.rank() - 1;
  int i = x.rank() - 1;
  while (i >= 0) {
    int64_t run = x.shape()[i], step = x.strides()[i];
    while (i > 0 && (x.shape()[i - 1] == 1 || run == 1 || x.strides()[i - 1] == run * step)) {
      if (run == 1) step = x.strides()[i - 1];
      run *= x.shape()[--i];
    }
    --i;
    int64_t filled = 1;
    while (out >= 0 && filled < run) {
      strides[out] = step * filled;
      filled *= shape[out--];
    }
    if (filled != run) return false;
  }
  return true;
}

}  // namespace

Array reshape(const Array& x, const Shape& to) {
  if (to == x.shape()) return x;
  Shape shape = to;
  int unknown = -1;
  for (int i = 0; i < to.rank(); ++i) {
    if (to[i] != -1) continue;
    check<ShapeError>(unknown < 0, "reshape: ", x.shape(), " to ", to, ": more than one size is -1");
    unknown = i;
    shape[i] = 1;
  }
  const int64_t numel = x.numel(), known = shape.numel();
  if (unknown >= 0) {
    check<ShapeError>(known > 0 && numel % known == 0, "reshape: ", x.shape(), " to ", to, ": ", numel,
                      " elements cannot be cut into rows of ", known);
    shape[unknown] = numel / known;
  }
  check<ShapeError>(shape.numel() == numel, "reshape: ", x.shape(), " to ", to, ": ", numel, " elements cannot fill ",
                    shape.numel(), " positions: choose sizes whose product is ", numel);
  Strides strides = contiguous_strides(shape);
  if (x.is_contiguous() || numel == 0 || strides_for(x, shape, strides)) return view(x, shape, strides, x.offset());
  return reshape(clone(x), shape);
}

Array full(const Shape& shape, double value, Dtype dtype) {
  const OpName at("full");
  check_holds(OpName::current(), shape, dtype, value);
  Array out(shape, dtype);
  dispatch(dtype, [&]<class T>() { std::fill_n(out.data<T>(), out.numel(), static_cast<T>(value)); });
  count_work(0, out);
  return out;
}

Array from_vector(const std::vector<double>& values, const Shape& shape, Dtype dtype) {
  check<ShapeError>(static_cast<int64_t>(values.size()) == shape.numel(), "tensor: ", values.size(),
                    " values for shape ", shape, ": needs ", shape.numel());
  const OpName at("tensor");
  for (double value : values) check_holds("tensor", shape, dtype, value);
  Array out(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    std::transform(values.begin(), values.end(), out.data<T>(), [](double v) { return static_cast<T>(v); });
  });
  return out;
}

double item(const Array& x) {
  const OpName at("item");
  check_defined(x);
  check<ShapeError>(x.numel() == 1, "item: ", x.shape(),
                    ": must hold exactly one element: index it, or reduce it first");
  return dispatch(x.dtype(), [&]<class T>() { return static_cast<double>(*x.data<T>()); });
}

std::vector<double> to_vector(const Array& x) {
  const OpName at("to_vector");
  const Array values = contiguous(to(x, Dtype::f64));
  return std::vector<double>(values.data<double>(), values.data<double>() + values.numel());
}

}  // namespace core
}  // namespace heed
