#include <heed/core/number.h>

#include <heed/core/strided_walk.h>

namespace heed::core {

namespace {

constexpr double exact = 9007199254740992.0;  // 2⁵³: from here on a double may stand for a neighbouring integer

const char* advice(Dtype dtype, double value) {
  if (dtype == Dtype::boolean) return "give 0 or 1, or convert the tensor with to(Dtype::f32)";
  if (is_floating(dtype)) return "convert the tensor with to(Dtype::f64)";
  if (dtype == Dtype::i64 && std::abs(value) >= exact && std::isfinite(value))
    return "a number argument is float64, exact below 2^53 only: pass a tensor, tensor_i64({…})";
  if (dtype == Dtype::i32 && fits<int64_t>(value)) return "convert the tensor with to(Dtype::i64)";
  return "convert the tensor with to(Dtype::f32)";
}

// Where the fraction is cut off, what is left must be in range.
template <class To, class From> bool converts(From value) {
  if constexpr (std::is_floating_point_v<From>) return fits<To>(std::trunc(static_cast<double>(value)));
  else if constexpr (sizeof(From) <= sizeof(To)) return true;
  else return value >= std::numeric_limits<To>::min() && value <= std::numeric_limits<To>::max();
}

}  // namespace

void check_holds(const char* op, const Shape& shape, Dtype dtype, double value) {
  const bool ok = dispatch(
      dtype, [value]<class T>() { return fits<T>(value) && (!std::is_same_v<T, int64_t> || std::abs(value) < exact); });
  check<DtypeError>(ok, op, ": ", shape, " ", dtype, " and the number ", value, ": ", dtype,
                    " cannot hold it: ", advice(dtype, value));
}

void check_converts(const char* op, const Array& x, Dtype dtype) {
  if (is_floating(dtype) || dtype == Dtype::boolean) return;
  dispatch(x.dtype(), [&]<class From>() {
    dispatch(dtype, [&]<class To>() {
      if constexpr (std::is_same_v<To, int32_t> || std::is_same_v<To, int64_t>) {
        const From* const first = x.data<From>();
        for_each_run<1>(x.shape(), {x.strides()}, [&](const Run<1>& run) {
          for (int64_t i = 0; i < run.n; ++i) {
            const From value = first[run.offset[0] + i * run.stride[0]];
            check<DtypeError>(converts<To>(value), op, ": ", x.shape(), " ", x.dtype(), " to ", dtype,
                              ": has an element ", value, ", which ", dtype,
                              " cannot hold: clamp() it first, or convert to another dtype");
          }
        });
      }
    });
  });
}

}  // namespace heed::core
