// Element types, chosen at run time.
//
// f32 for training, f64 so that gradients can be checked tightly, i64 for tokens, boolean for
// masks. There is no promotion between tensors: mixing types is an error that names the fix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <type_traits>

#include <heed/core/error.h>

namespace heed {

enum class Dtype : uint8_t { f32, f64, i32, i64, boolean };

constexpr size_t size_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32:
    case Dtype::i32: return 4;
    case Dtype::f64:
    case Dtype::i64: return 8;
    case Dtype::boolean: return 1;
  }
  return 0;
}

constexpr bool is_floating(Dtype dtype) { return dtype == Dtype::f32 || dtype == Dtype::f64; }

/// "float32", "float64", "int32", "int64", "bool": the names that PyTorch and NumPy use.
const char* name_of(Dtype dtype);

inline std::ostream& operator<<(std::ostream& out, Dtype dtype) { return out << name_of(dtype); }

/// The five element types. (int64_t is long or long long, depending on the platform.)
template <class T>
concept ElementType = std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, int32_t> ||
                      std::is_same_v<T, int64_t> || std::is_same_v<T, bool>;

/// The Dtype of a C++ type:  dtype_of<float> == Dtype::f32.
template <ElementType T>
inline constexpr Dtype dtype_of = std::is_same_v<T, float>     ? Dtype::f32
                                  : std::is_same_v<T, double>  ? Dtype::f64
                                  : std::is_same_v<T, int32_t> ? Dtype::i32
                                  : std::is_same_v<T, int64_t> ? Dtype::i64
                                                               : Dtype::boolean;

/// Calls body.operator()<T>() with the C++ type of `dtype`:
///     dispatch(x.dtype(), [&]<class T>() { … });
template <class Body> decltype(auto) dispatch(Dtype dtype, Body&& body) {
  switch (dtype) {
    case Dtype::f32: return body.template operator()<float>();
    case Dtype::f64: return body.template operator()<double>();
    case Dtype::i32: return body.template operator()<int32_t>();
    case Dtype::i64: return body.template operator()<int64_t>();
    case Dtype::boolean: break;
  }
  return body.template operator()<bool>();
}

/// Like dispatch, for ops that are defined on floating types only.
template <class Body> decltype(auto) dispatch_floating(Dtype dtype, const char* op, Body&& body) {
  check<DtypeError>(is_floating(dtype), op, ": dtype ", dtype,
                    ": needs float32 or float64: convert with x.to(Dtype::f32)");
  if (dtype == Dtype::f64) return body.template operator()<double>();
  return body.template operator()<float>();
}

}  // namespace heed
