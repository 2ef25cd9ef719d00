// Vec<T>: as many numbers as one register of the instruction set holds.
//
// Built on the vector extension of GCC and Clang: +, -, *, /, <, ?: work lane by lane, and the
// compiler picks the instructions. Included only by the kernels_<isa>.cpp files, which first say how
// wide a register is (HEED_VECTOR_BYTES). All of it has internal linkage: the same names are compiled
// for several instruction sets in one program, and the linker must never take one for the other.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace heed::core {
namespace {

template <class T, int bytes, bool single = bytes == sizeof(T)>
struct VecOf {
  typedef T type __attribute__((vector_size(bytes)));
};
template <class T, int bytes>
struct VecOf<T, bytes, true> {
  using type = T;
};
template <class T>
using Vec = typename VecOf<T, HEED_VECTOR_BYTES>::type;

template <class T>
constexpr int lanes = HEED_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <class Ref> struct NoReference { using type = Ref; };
template <class T> struct NoReference<T&> { using type = T; };
template <class T> struct NoReference<T&&> { using type = T; };
template <class V> using Element = typename NoReference<decltype(V{}[0])>::type;  // float or double
template <class V> using Bits = decltype(V{} < V{});  // signed integers of the same size; also a mask
template <class V> constexpr bool is_f32 = sizeof(Element<V>) == 4;

template <class To, class From>
inline To bits_as(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To y;
  __builtin_memcpy(&y, &x, sizeof y);
  return y;
}

template <class V, class T>
inline V splat(T x) {
  if constexpr (sizeof(V) == sizeof(T)) return x;
  else return static_cast<Element<V>>(x) - V{};  // x - 0 is x, also for -0
}

template <class V>
inline V select(Bits<V> mask, V if_true, V if_false) {
  return mask ? if_true : if_false;
}

template <class V>
inline Bits<V> sign_bit() {
  using I = Element<Bits<V>>;
  return splat<Bits<V>>(static_cast<I>(I{1} << (8 * sizeof(I) - 2)) * -2);
}

template <class V>
inline V abs(V x) {
  return bits_as<V>(bits_as<Bits<V>>(x) & ~sign_bit<V>());
}

/// |x| with the sign of s.
template <class V>
inline V copy_sign(V x, V s) {
  return bits_as<V>((bits_as<Bits<V>>(x) & ~sign_bit<V>()) | (bits_as<Bits<V>>(s) & sign_bit<V>()));
}

/// The larger one; NaN where a or b is NaN.
template <class V>
inline V max(V a, V b) {
  return select<V>((a > b) | (a != a), a, b);
}
template <class V>
inline V min(V a, V b) {
  return select<V>((a < b) | (a != a), a, b);
}

/// x where it is not above `high` (below `low`); NaN stays. One instruction each in this form.
template <class V>
inline V at_most(V x, Element<V> high) {
  const V h = splat<V>(high);
  return select<V>(h < x, h, x);
}
template <class V>
inline V at_least(V x, Element<V> low) {
  const V l = splat<V>(low);
  return select<V>(l > x, l, x);
}

/// Correctly rounded, as IEEE 754 asks.
template <class V>
inline V sqrt(V x) {
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
  for (int j = 0; j < lanes<Element<V>>; ++j) y[j] = __builtin_sqrt(x[j]);
#endif
  return y;
}

// Walking memory. Every loop over n numbers is written once, for a whole register or a part of one.
// Nothing outside of the n numbers is touched.

struct Full {};
struct Part {
  int64_t n;
};

/// body(i, Full) for each whole register, then body(i, Part) for what is left.
template <class T, class Body>
inline void for_lanes(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) body(i, Full{});
  if (i < n) body(i, Part{n - i});
}

template <class T>
inline Vec<T> load(const T* p, Full = {}, T = {}) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
inline void store(T* p, Vec<T> v, Full = {}) {
  __builtin_memcpy(p, &v, sizeof v);
}

#if defined(__x86_64__) && HEED_VECTOR_BYTES == 64
// AVX-512 has a mask for each lane; what is masked off is not touched.
template <class T>
struct __attribute__((may_alias)) Unaligned {
  T x[lanes<T>];
};

/// The lanes beyond the part hold `rest`.
template <class T>
inline Vec<T> load(const T* p, Part part, T rest = {}) {
  Vec<T> v = splat<Vec<T>>(rest);
  const auto mask = static_cast<uint16_t>((1u << part.n) - 1);
  const auto& memory = *reinterpret_cast<const Unaligned<T>*>(p);
  if constexpr (sizeof(T) == 4) __asm__("vmovups %1, %0%{%2%}" : "+v"(v) : "m"(memory), "Yk"(mask));
  else __asm__("vmovupd %1, %0%{%2%}" : "+v"(v) : "m"(memory), "Yk"(mask));
  return v;
}

template <class T>
inline void store(T* p, Vec<T> v, Part part) {
  const auto mask = static_cast<uint16_t>((1u << part.n) - 1);
  auto& memory = *reinterpret_cast<Unaligned<T>*>(p);  // volatile: GCC 12 takes the plain asm for dead
  if constexpr (sizeof(T) == 4) __asm__ volatile("vmovups %1, %0%{%2%}" : "+m"(memory) : "v"(v), "Yk"(mask));
  else __asm__ volatile("vmovupd %1, %0%{%2%}" : "+m"(memory) : "v"(v), "Yk"(mask));
}
#else
/// n < lanes numbers, in pieces whose sizes are the bits of n: no call, no loop.
template <class T>
inline void copy_part(T* to, const T* from, int64_t n) {
  if constexpr (lanes<T> > 8) {
    if (n & 8) __builtin_memcpy(to, from, 8 * sizeof(T)), to += 8, from += 8;
  }
  if constexpr (lanes<T> > 4) {
    if (n & 4) __builtin_memcpy(to, from, 4 * sizeof(T)), to += 4, from += 4;
  }
  if constexpr (lanes<T> > 2) {
    if (n & 2) __builtin_memcpy(to, from, 2 * sizeof(T)), to += 2, from += 2;
  }
  if (n & 1) *to = *from;
}

/// The lanes beyond the part hold `rest`.
template <class T>
inline Vec<T> load(const T* p, Part part, T rest = {}) {
  Vec<T> v = splat<Vec<T>>(rest);
  copy_part(reinterpret_cast<T*>(&v), p, part.n);
  return v;
}

template <class T>
inline void store(T* p, Vec<T> v, Part part) {
  copy_part(p, reinterpret_cast<const T*>(&v), part.n);
}
#endif

/// The same for a type that is said: a vector of another width, or a single number.
template <class V, class T>
inline V load_as(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V, class T>
inline void store_as(T* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}

inline int64_t count(Full, int64_t whole) { return whole; }
inline int64_t count(Part part, int64_t) { return part.n; }

/// Every stride-th number.
template <class T, class P>
inline Vec<T> gather(const T* p, int64_t stride, P part) {
  Vec<T> v = {};
  for (int64_t j = 0; j < count(part, lanes<T>); ++j) v[j] = p[j * stride];
  return v;
}

/// The first n lanes of a vector of 2n, and the last n.
template <int n, int... i>
struct Half : Half<n - 1, n - 1, i...> {};
template <int... i>
struct Half<0, i...> {
  template <class V>
  static auto low(V v) {
    return __builtin_shufflevector(v, v, i...);
  }
  template <class V>
  static auto high(V v) {
    return __builtin_shufflevector(v, v, (i + static_cast<int>(sizeof...(i)))...);
  }
};

/// One number from the lanes, halves first: combine(combine(x0, x8), combine(x4, x12)) and so on.
template <class T, int bytes, class Combine>
inline T fold_lanes(typename VecOf<T, bytes>::type v, Combine combine) {
  constexpr int half = bytes / static_cast<int>(sizeof(T)) / 2;
  if constexpr (half == 1) return combine(T(v[0]), T(v[1]));
  else return fold_lanes<T, bytes / 2>(combine(Half<half>::low(v), Half<half>::high(v)), combine);
}

template <class T>
inline T sum_lanes(Vec<T> v) {
  return fold_lanes<T, HEED_VECTOR_BYTES>(v, [](auto a, auto b) { return a + b; });
}

template <class T>
inline T max_lanes(Vec<T> v) {
  return fold_lanes<T, HEED_VECTOR_BYTES>(v, [](auto a, auto b) { return max(a, b); });
}

}  // namespace
}  // namespace heed::core
