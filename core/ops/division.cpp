// Division that rounds down.
#include <cmath>

#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/strided_walk.h>

namespace heed::core {

namespace {

template <class T> T floor_quotient(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == T(-1)) return multiply_wrapping(a, b);  // the lowest integer has no negative: the quotient would overflow
    const T quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
  } else {
    // ⌊a / b⌋ of the exact quotient: fmod's remainder is exact, and a minus the remainder divides
    // evenly, up to a rounding that the last line corrects. As in PyTorch and Python.
    if (b == 0) return a / b;
    const T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T(0), a / b);
    const T whole = std::floor(quotient);
    return quotient - whole > T(0.5) ? whole + 1 : whole;
  }
}

}  // namespace

Array floor_divide(const Array& a, const Array& b) {
  const OpName at("floor_divide");
  check_defined(a, "left operand");
  check_defined(b, "right operand");
  check<DtypeError>(a.dtype() == b.dtype() && a.dtype() != Dtype::boolean, "floor_divide: ", a.shape(), " ", a.dtype(),
                    " and ", b.shape(), " ", b.dtype(), ": needs one dtype for both, not bool: convert with to(Dtype)");
  check(is_floating(b.dtype()) || !any(compare(Compare::eq, b, 0.0)), "floor_divide: ", a.shape(), " by ", b.shape(),
        " ", b.dtype(), ": a divisor is 0, and an integer cannot be infinite: convert with to(Dtype::f32)");
  Array y(broadcast("floor_divide", a.shape(), b.shape()), a.dtype());
  const Strides da = broadcast_strides(a.shape(), a.strides(), y.shape());
  const Strides db = broadcast_strides(b.shape(), b.strides(), y.shape());
  dispatch(a.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      T* const out = y.data<T>();
      const T *const left = a.data<T>(), *const right = b.data<T>();
      for_each_run<3>(y.shape(), {y.strides(), da, db}, [&](const Run<3>& run) {
        for (int64_t i = 0; i < run.n; ++i)
          out[run.offset[0] + i * run.stride[0]] =
              floor_quotient(left[run.offset[1] + i * run.stride[1]], right[run.offset[2] + i * run.stride[2]]);
      });
    }
  });
  return y;
}

}  // namespace heed::core
