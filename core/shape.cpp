#include <heed/core/shape.h>

#include <algorithm>

namespace heed {

Shape::Shape(std::span<const int64_t> sizes) {
  check<ShapeError>(sizes.size() <= size_t{max_rank}, "shape: ", sizes.size(),
                    " axes: at most 8 are supported: merge axes with reshape");
  for (int64_t size : sizes) sizes_[rank_++] = size;
}

void Shape::fail_full() const {
  fail<ShapeError>("shape: ", *this, " and one more axis: at most 8 are supported: merge axes with reshape");
}

void Shape::insert(int i, int64_t size) {
  if (rank_ == max_rank) fail_full();
  std::copy_backward(sizes_ + i, sizes_ + rank_, sizes_ + rank_ + 1);
  sizes_[i] = size;
  ++rank_;
}

void Shape::erase(int i) {
  std::copy(sizes_ + i + 1, sizes_ + rank_, sizes_ + i);
  --rank_;
}

void Shape::fail_numel() const {
  for (int64_t size : *this) check<ShapeError>(size >= 0, "shape: ", *this, ": a size is negative");
  fail<ShapeError>("shape: ", *this, ": the number of elements overflows 63 bits");
}

int64_t times(int64_t n, int64_t size) {
  int64_t product;
  check<ShapeError>(!__builtin_mul_overflow(n, size, &product), "shape: ", n, " times a size of ", size,
                    ": overflows 63 bits: use smaller sizes");
  return product;
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '(';
  for (int i = 0; i < shape.rank(); ++i) out << (i ? ", " : "") << shape[i];
  return out << (shape.rank() == 1 ? ",)" : ")");
}

namespace core {

Strides contiguous_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  if (a == b) return a;
  Shape out = a.rank() >= b.rank() ? a : b;
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
    const int64_t m = a[a.rank() - i], n = b[b.rank() - i];
    check<ShapeError>(m == n || m == 1 || n == 1, op, ": ", a, " and ", b, ": cannot be broadcast: axis ", -i, " has ",
                      m, " against ", n, ": sizes must be equal, or one of them 1");
    out[out.rank() - i] = m == 1 ? n : m;
  }
  return out;
}

bool broadcasts_to(const Shape& shape, const Shape& larger) {
  const int extra = larger.rank() - shape.rank();
  bool fits = extra >= 0;
  for (int i = 0; fits && i < shape.rank(); ++i) fits = shape[i] == larger[i + extra] || shape[i] == 1;
  return fits;
}

Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& to) {
  if (shape == to) return strides;
  Strides out = Strides::filled(to.rank(), 0);
  const int offset = to.rank() - shape.rank();
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] == to[i + offset]) out[i + offset] = strides[i];
  return out;
}

Shape outer_axes(const Shape& shape, int inner) {
  return Shape(std::span(shape.begin(), static_cast<size_t>(shape.rank() - inner)));
}

int normalize_axis(const char* op, int64_t axis, const Shape& shape) {
  const int rank = shape.rank();
  check<IndexError>(rank > 0, op, ": (): a scalar has no axis ", axis, ": reshape({1}) gives it an axis 0");
  check<IndexError>(axis >= -rank && axis < rank, op, ": ", shape, ": there is no axis ", axis, ": axes run from ",
                    -rank, " to ", rank - 1);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace core
}  // namespace heed
