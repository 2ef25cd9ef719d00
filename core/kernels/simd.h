// Vec<T>: as many elements as one register of the instruction set holds.
//
// Built on the vector extension of GCC and Clang: +, -, *, /, <, ?: work lane by lane, and the
// compiler picks the instructions. Included only by the kernels_<isa>.cpp files, which first say
// how wide a register is (HEED_VECTOR_BYTES). All of it has internal linkage: the same names are
// compiled for several instruction sets, and the linker must never take one for the other.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace heed::core {
namespace {

template <class T, int bytes, bool single = bytes == sizeof(T)> struct VecOf {
  typedef T type __attribute__((vector_size(bytes)));
};
template <class T, int bytes> struct VecOf<T, bytes, true> {
  using type = T;
};
template <class T> using Vec = typename VecOf<T, HEED_VECTOR_BYTES>::type;

/// Whether a product and the sum to which it is added are rounded once, together.
#if HEED_VECTOR_BYTES > 16 || defined(__aarch64__)
constexpr bool has_fma = true;
#else
constexpr bool has_fma = false;
#endif

template <class T> constexpr int lanes = HEED_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <class Ref> struct NoReference {
  using type = Ref;
};
template <class T> struct NoReference<T&> {
  using type = T;
};
template <class T> struct NoReference<T&&> {
  using type = T;
};
template <class V> using Element = typename NoReference<decltype(V{}[0])>::type;  // float or double
template <class V> using Bits = decltype(V{} < V{});  // signed integers of the same size; also a mask
template <class V> constexpr bool is_f32 = sizeof(Element<V>) == 4;

template <class To, class From> inline To bits_as(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  __builtin_memcpy(&y, &x, sizeof y);
  return y;
}

template <class V, class T> inline V splat(T x) {
  if constexpr (sizeof(V) == sizeof(T)) return x;
  else return static_cast<Element<V>>(x) - V{};  // x - 0 is x, also for -0
}

template <class V> inline V select(Bits<V> mask, V if_true, V if_false) { return mask ? if_true : if_false; }

template <class V> inline Bits<V> sign_bit() {
  using I = Element<Bits<V>>;
  return splat<Bits<V>>(static_cast<I>(I{1} << (8 * sizeof(I) - 2)) * -2);
}

template <class V> inline V abs(V x) { return bits_as<V>(bits_as<Bits<V>>(x) & ~sign_bit<V>()); }

/// |x| with the sign of s.
template <class V> inline V copy_sign(V x, V s) {
  return bits_as<V>((bits_as<Bits<V>>(x) & ~sign_bit<V>()) | (bits_as<Bits<V>>(s) & sign_bit<V>()));
}

/// The larger one; NaN where a or b is NaN.
template <class V> inline V max(V a, V b) { return select<V>((a > b) | (a != a), a, b); }
template <class V> inline V min(V a, V b) { return select<V>((a < b) | (a != a), a, b); }

/// A constant that the compiler does not know to be one: GCC takes a < b ? a : b for the one instruction
/// that it is only if neither is known.
template <class V> inline V unknown(V constant) {
#if defined(__x86_64__)
  __asm__("" : "+v"(constant));
#elif defined(__aarch64__)
  __asm__("" : "+w"(constant));
#endif
  return constant;
}

/// x where it is not above `high` (below `low`); NaN stays.
template <class V> inline V at_most(V x, Element<V> high) {
  const V h = unknown(splat<V>(high));
  return select<V>(h < x, h, x);
}
template <class V> inline V at_least(V x, Element<V> low) {
  const V l = unknown(splat<V>(low));
  return select<V>(l > x, l, x);
}

/// Correctly rounded, as IEEE 754 asks.
template <class V> inline V sqrt(V x) {
  V y;
#if defined(__x86_64__) && HEED_VECTOR_BYTES == 16
  if constexpr (is_f32<V>) __asm__("sqrtps %1, %0" : "=x"(y) : "x"(x));
  else __asm__("sqrtpd %1, %0" : "=x"(y) : "x"(x));
#elif defined(__x86_64__)
  if constexpr (is_f32<V>) __asm__("vsqrtps %1, %0" : "=v"(y) : "v"(x));
  else __asm__("vsqrtpd %1, %0" : "=v"(y) : "v"(x));
#elif defined(__aarch64__)
  if constexpr (is_f32<V>) __asm__("fsqrt %0.4s, %1.4s" : "=w"(y) : "w"(x));
  else __asm__("fsqrt %0.2d, %1.2d" : "=w"(y) : "w"(x));
#else
  for (size_t j = 0; j < sizeof(V) / sizeof(x[0]); ++j) y[j] = __builtin_sqrt(x[j]);
#endif
  return y;
}

}  // namespace
}  // namespace heed::core
