// Array: elements in memory, seen through a shape and strides. It knows no calculus.
//
// The element at index (i, j, …) is at  offset + i·stride₀ + j·stride₁ + …  in its storage. So a
// transpose, a slice or a broadcast is a new shape and strides over the same bytes: no copy.
//
// An Array is a handle: copying it shares the bytes, clone() copies them. Handles may be used from
// several threads; preventing writes while others read is up to the caller.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/core/dtype.h>
#include <heed/core/memory/storage.h>
#include <heed/core/shape.h>

namespace heed::core {

class Array {
 public:
  Array() {}  // no storage: defined() is false
  Array(const Array&) = default;
  Array(Array&&) noexcept = default;
  Array& operator=(const Array&) & = default;
  Array& operator=(Array&&) & noexcept = default;
  void operator=(const Array&) && = delete;  // to write a view's elements: copy_into(view, y)
  ~Array() = default;
  /// Contiguous, not initialised. Throws MemoryError if the system does not have that much memory.
  explicit Array(const Shape& shape, Dtype dtype = Dtype::f32);
  Array(Storage storage, const Shape& shape, const Strides& strides, int64_t offset, Dtype dtype);

  bool defined() const { return static_cast<bool>(storage_); }
  Dtype dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const Strides& strides() const { return strides_; }
  int64_t offset() const { return offset_; }
  int rank() const { return shape_.rank(); }
  int64_t size(int64_t axis) const { return shape_[normalize_axis("size", axis, shape_)]; }
  int64_t numel() const;

  /// True iff walking the indices in row-major order walks memory without gaps.
  bool is_contiguous() const;

  const Storage& storage() const { return storage_; }
  Storage& storage() { return storage_; }

  /// The first element. Throws DtypeError unless T is the element type, ShapeError if there is no
  /// storage. A const handle does not make the bytes const, as with std::shared_ptr.
  template <ElementType T> T* data() const {
    if (!storage_ || dtype_ != dtype_of<T>) [[unlikely]]
      fail_data(dtype_of<T>);
    return reinterpret_cast<T*>(storage_.bytes()) + offset_;
  }

 private:
  [[noreturn]] void fail_data(Dtype wanted) const;

  Storage storage_;
  Shape shape_;
  Strides strides_;
  int64_t offset_ = 0;
  Dtype dtype_ = Dtype::f32;
};

// Views: same bytes, another shape and strides. O(rank), nothing is copied.
Array transpose(const Array& x, int64_t axis0, int64_t axis1);
Array permute(const Array& x, const Shape& axes);
Array slice(const Array& x, int64_t axis, int64_t begin, int64_t end, int64_t step = 1);
Array select(const Array& x, int64_t axis, int64_t index);  // drops the axis
Array expand(const Array& x, const Shape& shape);           // -1 keeps a size
Array squeeze(const Array& x, int64_t axis);
Array unsqueeze(const Array& x, int64_t axis);
Array diagonal(const Array& x);  // (…, n, m) -> (…, min(n, m))

/// The same elements in row-major order under another shape; one size may be -1. A view if the
/// strides allow it, else a copy.
Array reshape(const Array& x, const Shape& shape);

/// x itself if contiguous, else a contiguous copy.
Array contiguous(const Array& x);
Array clone(const Array& x);            // always a contiguous copy
Array to(const Array& x, Dtype dtype);  // x itself if the dtype is equal

/// Throws ShapeError for an array without storage; names the running op (op_name.h) and the operand.
[[noreturn]] void fail_empty(const char* operand);
inline void check_defined(const Array& x, const char* operand = "operand") {
  if (!x.defined()) [[unlikely]]
    fail_empty(operand);
}

/// Writes src, broadcast to dst's shape, into dst's bytes. Dtypes are converted; DtypeError if an
/// integer dtype cannot hold an element. src may be another
/// view of dst's bytes: it is read completely before anything is written.
void copy_into(const Array& dst, const Array& src);

/// src, or a copy of it if it is another view of dst's bytes, so that dst can be written while
/// src is read.
Array unaliased(const Array& src, const Array& dst);

// New arrays.
Array full(const Shape& shape, double value, Dtype dtype = Dtype::f32);
Array from_vector(const std::vector<double>& values, const Shape& shape, Dtype dtype = Dtype::f32);

/// The single element of x as double. Throws ShapeError if there are more.
double item(const Array& x);
std::vector<double> to_vector(const Array& x);  // row-major order

}  // namespace heed::core
