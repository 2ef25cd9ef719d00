// What core/ says when something is wrong: every message, in the grammar, with full shapes.
#include <functional>
#include <limits>
#include <set>

#include <heed/core/ops/ops.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::core;
using test::contains;

namespace {

enum class Kind { shape, dtype, index, any };

struct Mistake {
  Kind kind;
  std::string says;  // the whole message
  std::function<void()> make;
};

Array f(const Shape& shape) { return full(shape, 1.0); }
Array d(const Shape& shape) { return full(shape, 1.0, Dtype::f64); }
Array i(const Shape& shape) { return full(shape, 1.0, Dtype::i64); }
Array mask(const Shape& shape) { return full(shape, 1.0, Dtype::boolean); }

std::string message(const Mistake& m) {
  switch (m.kind) {
    case Kind::shape: return test::message_of<ShapeError>(m.make);
    case Kind::dtype: return test::message_of<DtypeError>(m.make);
    case Kind::index: return test::message_of<IndexError>(m.make);
    case Kind::any: return test::message_of<Error>(m.make);
  }
  return "";
}

const std::vector<Mistake>& mistakes() {
  using enum Kind;
  static const std::vector<Mistake> all{
      // shape.cpp
      {shape, "shape: 9 axes: at most 8 are supported: merge axes with reshape",
       [] { Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}); }},
      {shape, "shape: (1, 1, 1, 1, 1, 1, 1, 1) and one more axis: at most 8 are supported: merge axes with reshape",
       [] { unsqueeze(f(Shape::filled(8, 1)), 0); }},
      {shape, "shape: (2, -3): a size is negative", [] { f({2, -3}); }},
      {shape, "shape: (4611686018427387904, 4): the number of elements overflows 63 bits",
       [] { f({int64_t{1} << 62, 4}); }},
      {shape,
       "add: (2, 3) and (4, 3): cannot be broadcast: axis -2 has 2 against 4: sizes must be equal, or one of them 1",
       [] { zip(Binary::add, f({2, 3}), f({4, 3})); }},
      {index, "sum: (2, 3): there is no axis 2: axes run from -2 to 1", [] { sum(f({2, 3}), {2}, false); }},
      {index, "transpose: (2, 3): there is no axis -3: axes run from -2 to 1", [] { transpose(f({2, 3}), 0, -3); }},
      // array.cpp
      {shape, "full: (2305843009213693952,) float32: its size in bytes overflows 63 bits: use smaller sizes",
       [] { f({int64_t{1} << 61}); }},
      {shape,
       "exp: an empty Tensor: the operand has no elements: give it a value first, as in zeros({2, 3}); "
       "a grad() is empty before backward(), and on a tensor that an op made unless retain_grad() keeps it",
       [] { map(Unary::exp, Array()); }},
      {dtype, "array: (2,) int64 read as float32: data<T>() needs the element type: convert with to(Dtype)",
       [] { i({2}).data<float>(); }},
      {shape, "permute: (2, 3) by (0, 1, 2): needs each of the 2 axes once", [] { permute(f({2, 3}), {0, 1, 2}); }},
      {shape, "permute: (2, 3) by (1, -1): axis 1 is named twice: name each axis once",
       [] { permute(f({2, 3}), {1, -1}); }},
      {index, "permute: (2, 3): there is no axis 2: ", [] { permute(f({2, 3}), {0, 2}); }},
      {index, "slice: (4,) with step 0: the step must be positive", [] { slice(f({4}), 0, 0, 4, 0); }},
      {index, "slice: (4,) with step -1: the step must be positive", [] { slice(f({4}), 0, 0, 4, -1); }},
      {index, "select: (2, 3): index 3 on axis 1 of size 3: must be in -3 … 2", [] { select(f({2, 3}), 1, 3); }},
      {index, "select: (2, 0): index 0 on axis 1 of size 0: ", [] { select(f({2, 0}), 1, 0); }},
      {shape, "expand: (2, 3) to (3,): has fewer axes: keep all of them", [] { expand(f({2, 3}), {3}); }},
      {shape, "expand: (2, 3) to (2, 6): axis 1 has 3, not 1: only axes of size 1 can be repeated",
       [] { expand(f({2, 3}), {2, 6}); }},
      {shape, "expand: (3,) to (-1, 3): axis 0 has 1, not 1: ", [] { expand(f({3}), {-1, 3}); }},
      {shape, "shape: (4294967296, 4294967296): the number of elements overflows 63 bits",
       [] { expand(f({1, 1}), {int64_t{1} << 32, int64_t{1} << 32}); }},
      {index, "unsqueeze: (2, 3): there is no position 3: positions run from -3 to 2", [] { unsqueeze(f({2, 3}), 3); }},
      {shape, "diagonal: (3,): needs two axes or more", [] { diagonal(f({3})); }},
      {shape, "reshape: (2, 3) to (-1, -1): more than one size is -1", [] { reshape(f({2, 3}), {-1, -1}); }},
      {shape, "reshape: (2, 3) to (4, -1): 6 elements cannot be cut into rows of 4",
       [] { reshape(f({2, 3}), {4, -1}); }},
      {shape, "reshape: (2, 0) to (0, -1): 0 elements cannot be cut into rows of 0",
       [] { reshape(f({2, 0}), {0, -1}); }},
      {shape, "reshape: (2, 3) to (7,): 6 elements cannot fill 7 positions: choose sizes whose product is 6",
       [] { reshape(f({2, 3}), {7}); }},
      {shape,
       "copy: (2, 3) and (2,): cannot be broadcast: axis -1 has 3 against 2: ", [] { copy_into(f({2, 3}), f({2})); }},
      {shape, "copy: (2, 3) into (3,): the source does not fit", [] { copy_into(f({3}), f({2, 3})); }},
      {shape, "tensor: 3 values for shape (2, 2): needs 4", [] { from_vector({1, 2, 3}, {2, 2}); }},
      {shape, "item: (2,): must hold exactly one element: index it, or reduce it first", [] { item(f({2})); }},
      {shape, "item: (0,): must hold exactly one element: index it, or reduce it first", [] { item(f({0})); }},
      {index, "size: (2,): there is no axis 1: axes run from -1 to 0", [] { f({2}).size(1); }},
      {index, "squeeze: (): a scalar has no axis 0: ", [] { squeeze(f({}), 0); }},
      // elementwise.cpp, dtype.h
      {dtype, "mul: (2, 3) float32 and (3,) float64: dtypes differ: convert one with to(Dtype)",
       [] { zip(Binary::mul, f({2, 3}), d({3})); }},
      {dtype, "add: dtype bool: has no arithmetic: convert with to(Dtype)",
       [] { zip(Binary::add, mask({2}), mask({2})); }},
      {dtype, "exp: dtype int64: needs float32 or float64: convert with x.to(Dtype::f32)",
       [] { map(Unary::exp, i({2})); }},
      {dtype, "mul: (2,) int64 and the number 0.5: int64 cannot hold it: convert the tensor with to(Dtype::f32)",
       [] { zip(Binary::mul, i({2}), 0.5); }},
      {dtype, "sub: (2,) int64 and the number 0.5: ", [] { zip(Binary::sub, 0.5, i({2})); }},
      {dtype, "mul: (2,) int32 and the number 3e+09: int32 cannot hold it: convert the tensor with to(Dtype::i64)",
       [] { zip(Binary::mul, full({2}, 1, Dtype::i32), 3e9); }},
      {dtype, "add: (2,) float32 and the number 1e+300: float32 cannot hold it: convert the tensor with to(Dtype::f64)",
       [] { zip(Binary::add, f({2}), 1e300); }},
      {dtype,
       "full: (2,) bool and the number 0.5: bool cannot hold it: give 0 or 1, or convert the tensor with "
       "to(Dtype::f32)",
       [] { full({2}, 0.5, Dtype::boolean); }},
      {dtype,
       "to: (2,) float32 to int64: has an element inf, which int64 cannot hold: clamp() it first, or convert to "
       "another dtype",
       [] { to(full({2}, std::numeric_limits<double>::infinity()), Dtype::i64); }},
      {dtype,
       "pow: exponents () int64: one is negative, and the result a fraction: ", [] { zip(Binary::pow, i({2}), -1.0); }},
      {dtype,
       "div: (2,) int64: cannot hold the fractions of a division: use floor_divide, or convert with to(Dtype::f32)",
       [] { zip_into(Binary::div, i({2}), i({2})); }},
      // division.cpp
      {dtype, "floor_divide: (2,) float32 and (2,) int64: needs one dtype for both, not bool: ",
       [] { floor_divide(f({2}), i({2})); }},
      {any,
       "floor_divide: (2,) by () int64: a divisor is 0, and an integer cannot be infinite: convert with to(Dtype::f32)",
       [] { floor_divide(i({2}), full({}, 0, Dtype::i64)); }},
      {dtype, "where: mask (2,) of float32: a mask must be bool: compare, as in x > 0",
       [] { where(f({2}), f({2}), f({2})); }},
      {dtype, "logical_not: mask (2,) of int64: ", [] { logical_not(i({2})); }},
      {dtype, "logical_and: mask (3,) of float32: ", [] { logical_and(mask({3}), f({3})); }},
      {dtype, "logical_or: mask (3,) of float32: ", [] { logical_or(f({3}), mask({3})); }},
      {dtype, "where: (2,) float32 and (2,) float64: dtypes differ: ", [] { where(mask({2}), f({2}), d({2})); }},
      {dtype, "gt: (2,) float32 and (2,) int64: dtypes differ: ", [] { compare(Compare::gt, f({2}), i({2})); }},
      {dtype,
       "relu: (2,) float32 and (2,) float64: dtypes differ: ", [] { map_grad(UnaryGrad::relu, f({2}), d({2})); }},
      {shape, "add: (2, 3) into (3,): the result would be larger than the tensor that is changed",
       [] { add_into(f({3}), f({2, 3})); }},
      {dtype, "add_: (3,) float32 and (3,) float64: dtypes differ: ", [] { add_into(f({3}), d({3})); }},
      // reduce.cpp
      {index, "sum: (2, 3): axis 1 is named twice", [] { sum(f({2, 3}), {1, -1}, false); }},
      {shape, "amax: (2, 0): has no elements along a reduced axis: there is no largest or smallest",
       [] { amax(f({2, 0}), {1}, false); }},
      {shape, "amin: (0,): has no elements along a reduced axis: ", [] { amin(f({0}), {}, false); }},
      {shape, "argmax: (2, 0): axis 1 is empty: there is no largest or smallest", [] { argmax(f({2, 0}), 1, false); }},
      {shape, "argmin: (0,): axis 0 is empty: ", [] { argmin(f({0}), 0, false); }},
      {index, "cumsum: (): a scalar has no axis 0: ", [] { cumsum(f({}), 0); }},
      {index, "prod: (2,): there is no axis 1: ", [] { prod(f({2}), 1, false); }},
      // softmax.cpp, norm.cpp
      {shape, "softmax: shape (): has no axis to work along", [] { softmax(f({}), 0); }},
      {index, "log_softmax: (2, 3): there is no axis 2: ", [] { log_softmax(f({2, 3}), 2); }},
      {dtype, "softmax: dtype int64: needs float32 or float64: ", [] { softmax(i({2}), 0); }},
      {index, "logsumexp: (): a scalar has no axis -1: ", [] { logsumexp(f({}), -1, false); }},
      {shape, "layer_norm: shape (): has no axis to normalise", [] { layer_norm(f({}), {}, {}, 1e-5); }},
      {shape, "layer_norm: input (2, 3), weight or bias (2,): must be as long as the input's last axis, 3",
       [] { layer_norm(f({2, 3}), f({2}), {}, 1e-5); }},
      {shape,
       "layer_norm: input (2, 3), weight or bias (3, 1): ", [] { layer_norm(f({2, 3}), f({3}), f({3, 1}), 1e-5); }},
      {dtype, "layer_norm: input float32, weight or bias float64: dtypes differ: ",
       [] { layer_norm(f({2, 3}), d({3}), {}, 1e-5); }},
      {shape, "rms_norm: input (2, 3), weight or bias (4,): ", [] { rms_norm(f({2, 3}), f({4}), 1e-5); }},
      {shape, "rms_norm: shape (): has no axis to normalise", [] { rms_norm(f({}), {}, 1e-5); }},
      // matmul.cpp
      {shape,
       "matmul: (2, 3) @ (4, 5): inner sizes differ: the last axis of the left has 3, the second to last of the right "
       "4: they must be equal",
       [] { matmul(f({2, 3}), f({4, 5})); }},
      {shape,
       "matmul: (2, 3) @ (4, 3): inner sizes differ: the last axis of the left has 3, the second to last of the right "
       "4: transpose the right operand",
       [] { matmul(f({2, 3}), f({4, 3})); }},
      {shape, "matmul: () @ (3,): a scalar is not a matrix: multiply with *", [] { matmul(f({}), f({3})); }},
      {shape, "matmul: (2,) and (3,): cannot be broadcast: ", [] { matmul(f({2, 4, 5}), f({3, 5, 4})); }},
      {dtype, "matmul: (2, 3) float32 @ (3, 2) float64: needs one floating dtype: convert with to(Dtype)",
       [] { matmul(f({2, 3}), d({3, 2})); }},
      {dtype, "matmul: (2, 2) int64 @ (2, 2) int64: needs one floating dtype: ", [] { matmul(i({2, 2}), i({2, 2})); }},
      {shape,
       "linear: input (2, 4), weight (5, 3): the last axis of the input must be the 3 features that the weight takes",
       [] { linear(f({2, 4}), f({5, 3}), {}); }},
      {shape, "linear: weight (5, 3), bias (3,): the bias must have one element per row of the weight",
       [] { linear(f({2, 3}), f({5, 3}), f({3})); }},
      {dtype, "linear: input float32, bias float64: dtypes differ: ", [] { linear(f({2, 3}), f({5, 3}), d({5})); }},
      {dtype, "linear: (2, 3) float32 @ (5, 3) float64: ", [] { linear(f({2, 3}), d({5, 3}), {}); }},
      // indexing.cpp
      {dtype, "gather: index (2,) of float32: positions are int64: convert with to(Dtype::i64)",
       [] { gather(f({3}), 0, f({2})); }},
      {index, "gather: (3,): position 3 (entry 1 of the index) is out of range: must be in 0 … 2",
       [] { gather(f({3}), 0, from_vector({0, 3}, {2}, Dtype::i64)); }},
      {index, "gather: (3,): position -1 (entry 0 of the index) is out of range: ",
       [] { gather(f({3}), 0, from_vector({-1}, {1}, Dtype::i64)); }},
      {shape,
       "gather: (2, 3) with index (3, 1) along axis 1: the index needs as many axes, and only axis 1 may be longer",
       [] { gather(f({2, 3}), 1, i({3, 1})); }},
      {shape, "gather: (2, 3) with index (2,) along axis 1: ", [] { gather(f({2, 3}), 1, i({2})); }},
      {shape, "scatter_add: index (2, 1), source (2, 2): must have the same shape",
       [] { scatter_add(f({2, 3}), 1, i({2, 1}), f({2, 2})); }},
      {dtype,
       "scatter_add: float32 and float64: dtypes differ: ", [] { scatter_add(f({2, 3}), 1, i({2, 1}), d({2, 1})); }},
      {index, "scatter_add: (2,): position 2 (entry 0 of the index) is out of range: ",
       [] { scatter_add(f({2}), 0, from_vector({2}, {1}, Dtype::i64), f({1})); }},
      {shape, "index_select: index (2, 1): needs one axis: reshape({-1}) it",
       [] { index_select(f({2, 3}), 0, i({2, 1})); }},
      {index, "index_select: (2, 3): position 5 (entry 1 of the index) is out of range: must be in 0 … 1",
       [] { index_select(f({2, 3}), 0, from_vector({0, 5}, {2}, Dtype::i64)); }},
      {shape, "index_add: (2, 3), index (2,), source (3, 3): the source must be (2, 3)",
       [] { index_add(f({2, 3}), 0, i({2}), f({3, 3})); }},
      {dtype, "index_add: float32 and float64: dtypes differ: ", [] { index_add(f({2, 3}), 0, i({2}), d({2, 3})); }},
      {shape, "embedding: table (3,): needs two axes (rows, width)", [] { embedding(f({3}), i({2})); }},
      {dtype, "embedding: index (2,) of float32: ", [] { embedding(f({3, 2}), f({2})); }},
      {index, "embedding: table (3, 2), ids (2, 1): id 7 (entry 1) is outside the vocabulary: ids run from 0 to 2",
       [] { embedding(f({3, 2}), from_vector({1, 7}, {2, 1}, Dtype::i64)); }},
      {shape, "cat: no tensors: needs at least one", [] { core::cat(std::vector<Array>{}, 0); }},
      {shape, "cat: 2 tensors along axis 0: the sum of their sizes overflows 63 bits",
       [] { core::cat(std::vector<Array>(2, expand(f({1}), {INT64_MAX})), 0); }},
      {dtype, "cat: float32 and float64: dtypes differ: ", [] { core::cat(std::vector<Array>{f({2}), d({2})}, 0); }},
      {shape, "cat: (2, 3) and (3, 2) along axis 0: all other axes must be equal",
       [] { core::cat(std::vector<Array>{f({2, 3}), f({3, 2})}, 0); }},
      {index, "topk: (2, 3) with k = 4: axis 1 has only 3 elements: k must be in 0 … 3",
       [] { topk(f({2, 3}), 4, 1, true); }},
      {index, "topk: (2, 3) with k = -1: ", [] { topk(f({2, 3}), -1, 1, true); }},
      // create.cpp
      {any, "arange: 0 to 1 by 0: the step must lead from the start to the end, and not be 0",
       [] { arange(0, 1, 0, Dtype::f32); }},
      {any, "arange: 0 to inf by 1: ", [] { arange(0, std::numeric_limits<double>::infinity(), 1, Dtype::f32); }},
      {shape, "arange: 0 to 1e+300 by 1: 1e+300 elements are more than any memory holds: ",
       [] { arange(0, 1e300, 1, Dtype::f32); }},
      {shape, "linspace: -1 points: the count must not be negative", [] { linspace(0, 1, -1, Dtype::f32); }},
      {shape, "tril: (3,): needs two axes or more", [] { tril(f({3}), 0); }},
      {shape, "triu: (): needs two axes or more", [] { triu(f({}), 0); }},
      {shape, "one_hot: (2,) into -1 classes: the count must not be negative", [] { one_hot(i({2}), -1); }},
      {dtype, "one_hot: (2,) of float32: needs int64 classes", [] { one_hot(f({2}), 3); }},
      {index, "one_hot: (2,) into 3 classes: class 3 (entry 1) is out of range: classes run from 0 to 2",
       [] { one_hot(from_vector({0, 3}, {2}, Dtype::i64), 3); }},
  };
  return all;
}

}  // namespace

TEST_CASE("core's errors say what was given, what is wrong and what to do") {
  std::set<std::string> different;
  for (const Mistake& m : mistakes()) {
    const std::string text = message(m);
    INFO("expected: " << m.says << "\n     got: " << text);
    CHECK((m.says.ends_with(": ") ? text.starts_with(m.says) : text == m.says));
    CHECK(test::follows_grammar(text));
    different.insert(text);
  }
  CHECK(different.size() == mistakes().size());
  CHECK(different.size() >= 100);
}
