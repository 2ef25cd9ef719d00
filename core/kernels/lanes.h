// Walking memory a register at a time, and folding a register to one element.
//
// Every loop over n elements is written once, for a whole register or a part of one. Nothing outside
// of the n elements is touched. Internal linkage, as simd.h.
#pragma once

#include <heed/core/kernels/simd.h>

namespace heed::core {
namespace {

struct Full {};
struct Part {
  int64_t n;
};

/// body(i, Full) for each whole register, then body(i, Part) for what is left.
template <class T, class Body> inline void for_lanes(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) body(i, Full{});
  if (i < n) body(i, Part{n - i});
}

template <class T> inline Vec<T> load(const T* p, Full = {}, T = {}) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T> inline void store(T* p, Vec<T> v, Full = {}) { __builtin_memcpy(p, &v, sizeof v); }

#if defined(__x86_64__) && HEED_VECTOR_BYTES == 64
// AVX-512 has a mask for each lane; what is masked off is not touched.
template <class T> struct __attribute__((may_alias)) Unaligned {
  T x[lanes<T>];
};

/// The lanes beyond the part hold `rest`.
template <class T> inline Vec<T> load(const T* p, Part part, T rest = {}) {
  Vec<T> v = splat<Vec<T>>(rest);
  const auto mask = static_cast<uint16_t>((1u << part.n) - 1);
  const auto& memory = *reinterpret_cast<const Unaligned<T>*>(p);
  if constexpr (sizeof(T) == 4) __asm__("vmovups %1, %0%{%2%}" : "+v"(v) : "m"(memory), "Yk"(mask));
  else __asm__("vmovupd %1, %0%{%2%}" : "+v"(v) : "m"(memory), "Yk"(mask));
  return v;
}

template <class T> inline void store(T* p, Vec<T> v, Part part) {
  static_assert(sizeof(Unaligned<T>) == sizeof v);  // clang writes to complete types only, and this completes it
  const auto mask = static_cast<uint16_t>((1u << part.n) - 1);
  auto& memory = *reinterpret_cast<Unaligned<T>*>(p);  // volatile: GCC 12 takes the plain asm for dead
  if constexpr (sizeof(T) == 4) __asm__ volatile("vmovups %1, %0%{%2%}" : "+m"(memory) : "v"(v), "Yk"(mask));
  else __asm__ volatile("vmovupd %1, %0%{%2%}" : "+m"(memory) : "v"(v), "Yk"(mask));
}
#else
/// n < lanes elements, in pieces whose sizes are the bits of n: no call, no loop.
template <class T> inline void copy_part(T* to, const T* from, int64_t n) {
  if constexpr (lanes < T >> 8) {
    if (n & 8) __builtin_memcpy(to, from, 8 * sizeof(T)), to += 8, from += 8;
  }
  if constexpr (lanes < T >> 4) {
    if (n & 4) __builtin_memcpy(to, from, 4 * sizeof(T)), to += 4, from += 4;
  }
  if constexpr (lanes < T >> 2) {
    if (n & 2) __builtin_memcpy(to, from, 2 * sizeof(T)), to += 2, from += 2;
  }
  if (n & 1) *to = *from;
}

/// The lanes beyond the part hold `rest`.
template <class T> inline Vec<T> load(const T* p, Part part, T rest = {}) {
  Vec<T> v = splat<Vec<T>>(rest);
  copy_part(reinterpret_cast<T*>(&v), p, part.n);
  return v;
}

template <class T> inline void store(T* p, Vec<T> v, Part part) {
  copy_part(p, reinterpret_cast<const T*>(&v), part.n);
}
#endif

/// The same for a given type: a vector of another width, or a single element.
template <class V, class T> inline V load_as(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V, class T> inline void store_as(T* p, V v) { __builtin_memcpy(p, &v, sizeof v); }

inline int64_t count(Full, int64_t whole) { return whole; }
inline int64_t count(Part part, int64_t) { return part.n; }

/// Every stride-th element.
template <class T, class P> inline Vec<T> gather(const T* p, int64_t stride, P part) {
  Vec<T> v = {};
  for (int64_t j = 0; j < count(part, lanes<T>); ++j) v[j] = p[j * stride];
  return v;
}

/// The first n lanes of a vector of 2n, and the last n.
template <int n, int... i> struct Half : Half<n - 1, n - 1, i...> {};
template <int... i> struct Half<0, i...> {
  template <class V> static auto low(V v) { return __builtin_shufflevector(v, v, i...); }
  template <class V> static auto high(V v) {
    return __builtin_shufflevector(v, v, (i + static_cast<int>(sizeof...(i)))...);
  }
};

/// One element from the lanes, halves first: combine(combine(x0, x8), combine(x4, x12)) and so on.
template <class T, int bytes, class Combine> inline T fold_lanes(typename VecOf<T, bytes>::type v, Combine combine) {
  constexpr int half = bytes / static_cast<int>(sizeof(T)) / 2;
  if constexpr (half == 1) return combine(T(v[0]), T(v[1]));
  else return fold_lanes<T, bytes / 2>(combine(Half<half>::low(v), Half<half>::high(v)), combine);
}

template <class T> inline T sum_lanes(Vec<T> v) {
  return fold_lanes<T, HEED_VECTOR_BYTES>(v, [](auto a, auto b) { return a + b; });
}

template <class T> inline T max_lanes(Vec<T> v) {
  return fold_lanes<T, HEED_VECTOR_BYTES>(v, [](auto a, auto b) { return max(a, b); });
}

}  // namespace
}  // namespace heed::core
