// Numbers: which values a dtype can hold, and integer arithmetic that wraps around.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include <heed/core/array.h>

namespace heed::core {

/// True iff `value` is in T's range and, for integers, whole. NaN and infinities are floats.
template <class T> bool fits(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return !std::isfinite(value) || std::abs(value) <= double{(std::numeric_limits<T>::max)()};
  } else {  // the bound 2^digits is a double; the largest integer need not be
    return std::floor(value) == value && value >= static_cast<double>((std::numeric_limits<T>::min)()) &&
           value < std::ldexp(1.0, std::numeric_limits<T>::digits);
  }
}

/// Throws DtypeError unless an element of this dtype can hold `value`: 0.5 must not silently become 0,
/// nor 3e9 a negative value. Every op that takes a number calls it.
void check_holds(const char* op, const Shape& shape, Dtype dtype, double value);
inline void check_holds(const char* op, const Array& like, double value) {
  check_holds(op, like.shape(), like.dtype(), value);
}

/// Throws DtypeError unless every element of x, with its fraction cut off, is in the range of `dtype`.
void check_converts(const char* op, const Array& x, Dtype dtype);

// Sums and products of integers wrap around, as in PyTorch; in C++ only unsigned ones may.
template <class T> T add_wrapping(T a, T b) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  } else {
    return static_cast<T>(a + b);
  }
}

template <class T> T multiply_wrapping(T a, T b) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  } else {
    return static_cast<T>(a * b);
  }
}

/// aᵇ by squaring, wrapping around. REQUIRES: b >= 0
template <class T> T power_wrapping(T a, T b) {
  T power = 1;
  for (; b > 0; b = static_cast<T>(b / 2)) {
    if (b % 2 != 0) power = multiply_wrapping(power, a);
    a = multiply_wrapping(a, a);
  }
  return power;
}

}  // namespace heed::core
