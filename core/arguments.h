// Arguments: parameter types that say what they are, so that a call cannot silently mean something else.
//
// C++ converts true to 1 and 0.5 to 0: sum(x, true) would sum over axis 1, max(x, 0.5) would reduce axis 0,
// and dropout(x, training) would drop everything. Parameters of these types accept no such value: the line
// does not compile. They are built at the call and cost nothing.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include <heed/core/shape.h>

namespace heed {

template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept RealNumber = std::floating_point<T> || WholeNumber<T>;

/// An axis, a position or a count: a whole number, neither a bool nor a fraction. An unsigned value too large for
/// int64_t becomes the largest int64_t, never a negative value, which would count from the end.
class Whole {
 public:
  template <WholeNumber T>
  constexpr Whole(T value) : value_(std::in_range<int64_t>(value) ? static_cast<int64_t>(value) : INT64_MAX) {}
  constexpr operator int64_t() const { return value_; }

 private:
  int64_t value_;
};
using Axis = Whole;  // may count from the end

/// A probability, a slope, a correction: a number, not a bool.
class Real {
 public:
  template <RealNumber T> constexpr Real(T value) : value_(static_cast<double>(value)) {}
  constexpr operator double() const { return value_; }

 private:
  double value_;
};

/// Whether reduced axes stay, with size 1. Made from true, false or the constant `keepdim` only.
class KeepDim {
 public:
  template <std::same_as<bool> T> constexpr KeepDim(T kept) : kept_(kept) {}
  constexpr explicit operator bool() const { return kept_; }

 private:
  bool kept_;
};
inline constexpr KeepDim keepdim = true;  // so that calls read  sum(x, -1, keepdim)

/// The axes that a reduction removes; an empty list means all:  sum(x), sum(x, -1), sum(x, {0, 2}),
/// sum(x, {}, keepdim).
struct Axes : Shape {
  Axes() = default;
  template <WholeNumber T> Axes(T axis) : Shape{int64_t{Whole(axis)}} {}
  Axes(Axis axis) : Shape{int64_t{axis}} {}
  Axes(std::initializer_list<int64_t> axes) : Shape(axes) {}
};

}  // namespace heed
