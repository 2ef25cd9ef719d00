// Shapes and strides: up to eight sizes, stored inline so that a view costs no allocation.
//
// A Shape is a plain value: copy it freely. Axes count from 0; negative ones from the end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>

#include <heed/core/error.h>

namespace heed {

class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() {}  // rank 0: a scalar (not defaulted: {} would clear all sizes)
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const int64_t> sizes);  // throws ShapeError above rank 8
  static Shape filled(int rank, int64_t value) {
    Shape shape;
    for (int i = 0; i < rank; ++i) shape.push_back(value);
    return shape;
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return sizes_[i]; }
  int64_t& operator[](int i) { return sizes_[i]; }
  int64_t back() const { return sizes_[rank_ - 1]; }
  const int64_t* begin() const { return sizes_; }
  const int64_t* end() const { return sizes_ + rank_; }
  void push_back(int64_t size) {
    if (rank_ == max_rank) [[unlikely]]
      fail_full();
    sizes_[rank_++] = size;
  }
  void erase(int i);
  void insert(int i, int64_t size);

  bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (sizes_[i] != other.sizes_[i]) return false;
    return true;
  }

  /// Product of the sizes. Throws ShapeError if the product of the nonzero sizes overflows 63 bits.
  int64_t numel() const {
    int64_t product = 1;  // without the zeros, like the strides
    bool empty = false;
    for (int i = 0; i < rank_; ++i) {
      const int64_t size = sizes_[i];
      if (size < 0 || __builtin_mul_overflow(product, size == 0 ? 1 : size, &product)) [[unlikely]]
        fail_numel();
      empty |= size == 0;
    }
    return empty ? 0 : product;
  }

 private:
  [[noreturn]] void fail_full() const;
  [[noreturn]] void fail_numel() const;

  int64_t sizes_[max_rank];
  int rank_ = 0;
};

using Strides = Shape;  // in elements, not bytes; 0 repeats, never negative

std::ostream& operator<<(std::ostream& out, const Shape& shape);  // (2, 3)

/// n · size, for a size given by a caller. ShapeError if it overflows 63 bits.
int64_t times(int64_t n, int64_t size);

namespace core {

/// Row-major strides: the last axis is contiguous in memory.
Strides contiguous_strides(const Shape& shape);

/// NumPy's rule: align at the right; sizes must be equal, or one of them 1. Throws ShapeError
/// naming the axis.
Shape broadcast(const char* op, const Shape& a, const Shape& b);

/// True iff `shape` becomes `larger` by repeating axes of size 1 and adding axes in front.
bool broadcasts_to(const Shape& shape, const Shape& larger);

/// Strides that read an array of `shape` and `strides` as if it had the larger shape `to`
/// (stride 0 along repeated axes).
/// REQUIRES: broadcast(shape, to) == to
Strides broadcast_strides(const Shape& shape, const Strides& strides, const Shape& to);

/// The shape without its last `inner` axes. REQUIRES: inner <= rank.
Shape outer_axes(const Shape& shape, int inner);

/// `axis` in 0 … rank-1 for an axis that may count from the end. Throws IndexError.
int normalize_axis(const char* op, int64_t axis, const Shape& shape);

}  // namespace core
}  // namespace heed
