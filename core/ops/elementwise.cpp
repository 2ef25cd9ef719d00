// Elementwise ops: a walk over strided operands (strided_walk.h) that hands each run to a kernel.
#include <cmath>

#include <heed/core/kernels/plain_maps.h>
#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/streaming.h>
#include <heed/core/strided_walk.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

constexpr const char* compare_names[] = {"eq", "ne", "lt", "le", "gt", "ge"};

void check_same_dtype(const char* op, const Array& a, const Array& b) {
  check<DtypeError>(a.dtype() == b.dtype(), op, ": ", a.shape(), " ", a.dtype(), " and ", b.shape(), " ", b.dtype(),
                    ": dtypes differ: convert one with to(Dtype)");
}

void check_operands(const char* op, const Array& a, const Array& b) {
  check_defined(a, "left operand");
  check_defined(b, "right operand");
  check_same_dtype(op, a, b);
}

// Integer ops whose results need not be integers. (No integer op has a kernel table: their speed does not matter.)
bool gives_fractions(Binary function, const Array& a) { return function == Binary::div && !is_floating(a.dtype()); }

void check_exponents(const Array& exponents) {
  if (is_floating(exponents.dtype())) return;
  check<DtypeError>(!any(compare(Compare::lt, exponents, 0.0)), "pow: exponents ", exponents.shape(), " ",
                    exponents.dtype(), ": one is negative, and the result a fraction: convert with to(Dtype::f32)");
}

template <class T> T integer_op(Binary function, T a, T b) {
  switch (function) {
    case Binary::add: return add_wrapping(a, b);
    case Binary::sub: return add_wrapping(a, multiply_wrapping(b, T(-1)));
    case Binary::mul: return multiply_wrapping(a, b);
    case Binary::maximum: return a > b ? a : b;
    case Binary::minimum: return a < b ? a : b;
    case Binary::pow: return power_wrapping(a, b);
    case Binary::div:  // is done in floats
    case Binary::count: break;
  }
  return 0;
}

// One run of y = f(a, b).
template <class T>
void zip_run(Binary function, bool streamed, const T* a, int64_t da, const T* b, int64_t db, T* y, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    const KernelsOf<T>& kernels = kernels_of<T>();
    (streamed ? kernels.binary_streamed : kernels.binary)[static_cast<int>(function)](a, da, b, db, y, n);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = integer_op<T>(function, a[i * da], b[i * db]);
  }
}

template <class Body> void dispatch_numeric(Dtype dtype, const char* op, Body&& body) {
  check<DtypeError>(dtype != Dtype::boolean, op, ": dtype bool: has no arithmetic: convert with to(Dtype)");
  switch (dtype) {
    case Dtype::f32: return body.template operator()<float>();
    case Dtype::f64: return body.template operator()<double>();
    case Dtype::i32: return body.template operator()<int32_t>();
    default: return body.template operator()<int64_t>();
  }
}

template <class T>
void zip_strided(Binary function, const Array& y, const T* a, const Strides& da, const T* b, const Strides& db) {
  T* const out = y.data<T>();
  const bool streamed = exceeds_caches(y);
  for_each_run<3>(y.shape(), {y.strides(), da, db}, [&](const Run<3>& run) {
    zip_run<T>(function, streamed, a + run.offset[1], run.stride[1], b + run.offset[2], run.stride[2],
               out + run.offset[0], run.n);
  });
}

template <class T> bool relate(Compare relation, T a, T b) {
  switch (relation) {
    case Compare::eq: return a == b;
    case Compare::ne: return a != b;
    case Compare::lt: return a < b;
    case Compare::le: return a <= b;
    case Compare::gt: return a > b;
    case Compare::ge: return a >= b;
  }
  return false;
}

template <class T, class Body> Array boolean_zip(const char* op, const Array& a, const Array& b, Body&& body) {
  Array y(broadcast(op, a.shape(), b.shape()), Dtype::boolean);
  const Strides da = broadcast_strides(a.shape(), a.strides(), y.shape());
  const Strides db = broadcast_strides(b.shape(), b.strides(), y.shape());
  for_each_run<3>(y.shape(), {y.strides(), da, db}, [&](const Run<3>& run) {
    bool* const out = y.data<bool>() + run.offset[0];
    const T* const left = a.data<T>() + run.offset[1];
    const T* const right = b.data<T>() + run.offset[2];
    for (int64_t i = 0; i < run.n; ++i) out[i] = body(left[i * run.stride[1]], right[i * run.stride[2]]);
  });
  count_elementwise(y, a, b);
  return y;
}

void check_mask(const char* op, const Array& mask) {
  check_defined(mask, "mask");
  check<DtypeError>(mask.dtype() == Dtype::boolean, op, ": mask ", mask.shape(), " of ", mask.dtype(),
                    ": a mask must be bool: compare, as in x > 0");
}

}  // namespace

Array map(Unary function, const Array& x) {
  const char* const op = plain::definition(function).name;
  const OpName at(op);
  check_defined(x);
  Array y(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    const KernelsOf<T>& kernels = kernels_of<T>();
    const auto kernel = (exceeds_caches(y) ? kernels.unary_streamed : kernels.unary)[static_cast<int>(function)];
    const T* const in = x.data<T>();
    T* const out = y.data<T>();
    for_each_run<2>(x.shape(), {y.strides(), x.strides()},
                    [&](const Run<2>& run) { kernel(in + run.offset[1], run.stride[1], out + run.offset[0], run.n); });
  });
  count_elementwise(y, x);
  return y;
}

Array map_grad(UnaryGrad function, const Array& x, const Array& g) {
  const char* const op = plain::definition(function).name;
  const OpName at(op);
  check_operands(op, x, g);
  const Array from = contiguous(x), by = contiguous(g);
  Array y(x.shape(), x.dtype());
  dispatch_floating(x.dtype(), op, [&]<class T>() {
    const auto kernel = kernels_of<T>().unary_grad[static_cast<int>(function)];
    parallel_for(x.numel(), elementwise_grain, [&](int64_t begin, int64_t end) {
      kernel(from.data<T>() + begin, by.data<T>() + begin, y.data<T>() + begin, end - begin);
    });
  });
  count_elementwise(y, x, g);
  return y;
}

Array zip(Binary function, const Array& a, const Array& b) {
  const char* const op = plain::definition(function).name;
  const OpName at(op);
  check_operands(op, a, b);
  if (gives_fractions(function, a)) return zip(function, to(a, Dtype::f32), to(b, Dtype::f32));
  if (function == Binary::pow) check_exponents(b);
  if (a.shape() != b.shape()) {
    const Shape shape = broadcast(op, a.shape(), b.shape());
    return zip(function, expand(a, shape), expand(b, shape));
  }
  Array y(a.shape(), a.dtype());
  dispatch_numeric(a.dtype(), op,
                   [&]<class T>() { zip_strided<T>(function, y, a.data<T>(), a.strides(), b.data<T>(), b.strides()); });
  count_elementwise(y, a, b);
  return y;
}

Array zip(Binary function, const Array& a, double b) {
  const char* const op = plain::definition(function).name;
  const OpName at(op);
  check_defined(a);
  if (gives_fractions(function, a)) return zip(function, to(a, Dtype::f32), b);
  check_holds(op, a, b);
  if (function == Binary::pow) check_exponents(full({}, b, a.dtype()));
  Array y(a.shape(), a.dtype());
  dispatch_numeric(a.dtype(), op, [&]<class T>() {
    const T value = static_cast<T>(b);
    zip_strided<T>(function, y, a.data<T>(), a.strides(), &value, Strides::filled(a.rank(), 0));
  });
  count_elementwise(y, a);
  return y;
}

Array zip(Binary function, double a, const Array& b) {
  const char* const op = plain::definition(function).name;
  const OpName at(op);
  check_defined(b);
  if (gives_fractions(function, b)) return zip(function, a, to(b, Dtype::f32));
  check_holds(op, b, a);
  if (function == Binary::pow) check_exponents(b);
  Array y(b.shape(), b.dtype());
  dispatch_numeric(b.dtype(), op, [&]<class T>() {
    const T value = static_cast<T>(a);
    zip_strided<T>(function, y, &value, Strides::filled(b.rank(), 0), b.data<T>(), b.strides());
  });
  count_elementwise(y, b);
  return y;
}

void add_into(const Array& y, const Array& added, double alpha) {
  const OpName at("add_");
  check_operands("add_", y, added);
  check_holds("add_", y, alpha);
  const Array x = unaliased(added, y);
  if (is_floating(y.dtype()) && y.shape() == x.shape() && y.is_contiguous() && x.is_contiguous()) {
    dispatch_floating(y.dtype(), "add_", [&]<class T>() {
      parallel_for(y.numel(), elementwise_grain, [&](int64_t begin, int64_t end) {
        kernels_of<T>().axpy(static_cast<T>(alpha), x.data<T>() + begin, y.data<T>() + begin, end - begin);
      });
    });
    count_work(2.0 * static_cast<double>(y.numel()), y, x, y);
  } else {
    zip_into(Binary::add, y, alpha == 1.0 ? x : zip(Binary::mul, x, alpha));
  }
}

void zip_into(Binary function, const Array& y, const Array& operand) {
  const char* const op = plain::definition(function).name;
  const OpName at(op);
  check_operands(op, y, operand);
  check<DtypeError>(!gives_fractions(function, y), op, ": ", y.shape(), " ", y.dtype(),
                    ": cannot hold the fractions of a division: use floor_divide, or convert with to(Dtype::f32)");
  if (function == Binary::pow) check_exponents(operand);
  const Array b = unaliased(operand, y);
  check<ShapeError>(broadcast(op, y.shape(), b.shape()) == y.shape(), op, ": ", b.shape(), " into ", y.shape(),
                    ": the result would be larger than the tensor that is changed");
  if (!y.is_contiguous()) return copy_into(y, zip(function, y, b));
  const Strides db = broadcast_strides(b.shape(), b.strides(), y.shape());
  dispatch_numeric(y.dtype(), op,
                   [&]<class T>() { zip_strided<T>(function, y, y.data<T>(), y.strides(), b.data<T>(), db); });
  count_elementwise(y, y, b);
}

Array compare(Compare relation, const Array& a, const Array& b) {
  const char* const op = compare_names[static_cast<size_t>(relation)];
  const OpName at(op);
  check_operands(op, a, b);
  return dispatch(a.dtype(), [&]<class T>() {
    return boolean_zip<T>(op, a, b, [relation](T x, T y) { return relate(relation, x, y); });
  });
}

Array compare(Compare relation, const Array& a, double b) {
  const char* const op = compare_names[static_cast<size_t>(relation)];
  const OpName at(op);
  check_defined(a);
  return dispatch(a.dtype(), [&]<class T>() {
    if (fits<T>(b)) {
      const T value = static_cast<T>(b);
      return boolean_zip<T>(op, a, a, [=](T x, T) { return relate(relation, x, value); });
    }
    // b lies between two values of T, or beyond all of them: compared as doubles. A large i64 is then rounded,
    // so a b beyond the exact integers becomes an infinity.
    const bool beyond = std::is_integral_v<T> && std::abs(b) >= 0x1p53;
    const double limit = beyond ? std::copysign(std::numeric_limits<double>::infinity(), b) : b;
    return boolean_zip<T>(op, a, a, [=](T x, T) { return relate(relation, static_cast<double>(x), limit); });
  });
}

Array logical_not(const Array& mask) {
  const OpName at("logical_not");
  check_mask("logical_not", mask);
  return boolean_zip<bool>("logical_not", mask, mask, [](bool a, bool) { return !a; });
}

Array logical_and(const Array& a, const Array& b) {
  const OpName at("logical_and");
  check_mask("logical_and", a);
  check_mask("logical_and", b);
  return boolean_zip<bool>("logical_and", a, b, [](bool x, bool y) { return x && y; });
}

Array logical_or(const Array& a, const Array& b) {
  const OpName at("logical_or");
  check_mask("logical_or", a);
  check_mask("logical_or", b);
  return boolean_zip<bool>("logical_or", a, b, [](bool x, bool y) { return x || y; });
}

Array where(const Array& mask, const Array& a, const Array& b) {
  const OpName at("where");
  check_mask("where", mask);
  check_operands("where", a, b);
  Array y(broadcast("where", broadcast("where", mask.shape(), a.shape()), b.shape()), a.dtype());
  const Strides dm = broadcast_strides(mask.shape(), mask.strides(), y.shape());
  const Strides da = broadcast_strides(a.shape(), a.strides(), y.shape());
  const Strides db = broadcast_strides(b.shape(), b.strides(), y.shape());
  dispatch(a.dtype(), [&]<class T>() {
    for_each_run<4>(y.shape(), {y.strides(), dm, da, db}, [&](const Run<4>& run) {
      T* const out = y.data<T>() + run.offset[0];
      const bool* const may = mask.data<bool>() + run.offset[1];
      const T* const yes = a.data<T>() + run.offset[2];
      const T* const no = b.data<T>() + run.offset[3];
      if constexpr (std::is_floating_point_v<T>)
        return kernels_of<T>().where(may, run.stride[1], yes, run.stride[2], no, run.stride[3], out, run.n);
      for (int64_t i = 0; i < run.n; ++i)
        out[i] = may[i * run.stride[1]] ? yes[i * run.stride[2]] : no[i * run.stride[3]];
    });
  });
  count_elementwise(y, mask, a, b);
  return y;
}

}  // namespace heed::core
