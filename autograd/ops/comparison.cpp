// Ops defined by cases. A case that is not taken gets the gradient 0, whatever its own derivative is.
#include <heed/autograd/ops/comparison.h>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>

namespace heed {

using core::Binary, core::Compare, core::compare, core::map, core::Unary, core::zip;

namespace {

Tensor number(const char* op, double value, const Tensor& like) {
  const core::OpName at(op);
  core::check_defined(like.array());
  core::check_holds(op, like.array(), value);
  return Tensor(core::full({}, value, like.dtype()));
}

}  // namespace

Tensor eq(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::eq, a.array(), b.array())); }
Tensor ne(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::ne, a.array(), b.array())); }
Tensor eq(const Tensor& a, double b) { return Tensor(compare(Compare::eq, a.array(), b)); }
Tensor ne(const Tensor& a, double b) { return Tensor(compare(Compare::ne, a.array(), b)); }
Tensor operator<(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::lt, a.array(), b.array())); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::le, a.array(), b.array())); }
Tensor operator>(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::gt, a.array(), b.array())); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return Tensor(compare(Compare::ge, a.array(), b.array())); }
Tensor operator<(const Tensor& a, double b) { return Tensor(compare(Compare::lt, a.array(), b)); }
Tensor operator<=(const Tensor& a, double b) { return Tensor(compare(Compare::le, a.array(), b)); }
Tensor operator>(const Tensor& a, double b) { return Tensor(compare(Compare::gt, a.array(), b)); }
Tensor operator>=(const Tensor& a, double b) { return Tensor(compare(Compare::ge, a.array(), b)); }
Tensor operator!(const Tensor& mask) { return Tensor(core::logical_not(mask.array())); }
Tensor operator&(const Tensor& a, const Tensor& b) { return Tensor(core::logical_and(a.array(), b.array())); }
Tensor operator|(const Tensor& a, const Tensor& b) { return Tensor(core::logical_or(a.array(), b.array())); }
bool all(const Tensor& mask) { return core::all(mask.array()); }
bool any(const Tensor& mask) { return core::any(mask.array()); }

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  return op("where", core::where(mask.array(), a.array(), b.array()),
            edge(a, keep(mask), [](auto& g, auto& mask) { return where(mask, g, 0.0); }),
            edge(b, keep(mask), [](auto& g, auto& mask) { return where(mask, 0.0, g); }));
}

Tensor where(const Tensor& mask, const Tensor& a, double b) { return where(mask, a, number("where", b, a)); }
Tensor where(const Tensor& mask, double a, const Tensor& b) { return where(mask, number("where", a, b), b); }
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  core::broadcast("masked_fill", x.shape(), mask.shape());  // an error names masked_fill, not where
  return where(mask, number("masked_fill", value, x), x);
}

Tensor zero_of(const Tensor& g) { return where(Tensor(core::full({}, 1.0, Dtype::boolean)), 0.0, g); }

namespace {

// The gradient of maximum(a, b) with respect to a: 0 where a loses (whatever g is), ½ g where both are equal, else g.
Tensor share(Compare loses, const Tensor& a, const Tensor& b, const Tensor& g) {
  return where(Tensor(compare(loses, a.array(), b.array())), 0.0, where(eq(a, b), g * 0.5, g));
}

Tensor pick(const char* name, Binary function, Compare loses, const Tensor& a, const Tensor& b) {
  return op(name, zip(function, a.array(), b.array()),
            edge(a, keep(a, b), [=](auto& g, auto& a, auto& b) { return share(loses, a, b, g); }),
            edge(b, keep(a, b), [=](auto& g, auto& a, auto& b) { return share(loses, b, a, g); }));
}

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) { return pick("maximum", Binary::maximum, Compare::lt, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return pick("minimum", Binary::minimum, Compare::gt, a, b); }
Tensor maximum(const Tensor& a, double b) { return maximum(a, number("maximum", b, a)); }
Tensor minimum(const Tensor& a, double b) { return minimum(a, number("minimum", b, a)); }

Tensor clamp(const Tensor& x, double low, double high) {
  check(low <= high, "clamp: ", x.shape(), " to ", low, " … ", high, ": the lower bound is above the upper");
  const core::OpName at("clamp");
  core::check_defined(x.array());
  core::check_holds("clamp", x.array(), low);
  core::check_holds("clamp", x.array(), high);
  return op("clamp", zip(Binary::minimum, zip(Binary::maximum, x.array(), low), high),
            edge(x, keep(x), [low, high](auto& g, auto& x) { return where((x >= low) & (x <= high), g, 0.0); }));
}

Tensor abs(const Tensor& x) {
  return op("abs", map(Unary::abs, x.array()), edge(x, keep(x), [](auto& g, auto& x) { return g * sign(x); }));
}

namespace {

// Piecewise constant functions.
Tensor staircase(const char* name, Unary function, const Tensor& x) {
  return op(name, map(function, x.array()), edge(x, [](auto& g) { return zero_of(g); }));
}

}  // namespace

Tensor sign(const Tensor& x) { return staircase("sign", Unary::sign, x); }
Tensor floor(const Tensor& x) { return staircase("floor", Unary::floor, x); }
Tensor ceil(const Tensor& x) { return staircase("ceil", Unary::ceil, x); }
Tensor round(const Tensor& x) { return staircase("round", Unary::round, x); }

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  const auto flat = [](const Tensor& g) { return zero_of(g); };
  return op("floor_divide", core::floor_divide(a.array(), b.array()), edge(a, flat), edge(b, flat));
}
Tensor floor_divide(const Tensor& a, double b) { return floor_divide(a, number("floor_divide", b, a)); }
Tensor floor_divide(double a, const Tensor& b) { return floor_divide(number("floor_divide", a, b), b); }

Tensor pow(const Tensor& x, const Tensor& exponent) {
  return op("pow", zip(Binary::pow, x.array(), exponent.array()),
            edge(x, keep(x, exponent),
                 [](auto& g, auto& x, auto& p) {
                   // x⁰ = 1, also at 0: no 0·∞ from the other branch.
                   const Tensor constant = eq(p, 0.0);
                   return g * where(constant, 0.0, p * pow(where(constant, 1.0, x), p - 1.0));
                 }),
            edge(exponent, keep(x, exponent), [](auto& g, auto& y, auto& x, auto& p) {
              // 0ᵖ is taken as constant, as in PyTorch.
              const Tensor flat = eq(x, 0.0) & (p >= 0.0);
              return g * where(flat, 0.0, y * log(where(flat, 1.0, x)));
            }));
}

}  // namespace heed
