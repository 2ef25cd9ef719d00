// What autograd/ says when something is wrong. (gradcheck's and anomaly mode's messages are with
// their own tests, those about rules and passes in engine_test.cpp, in-place changes in
// engine_memory_test.cpp.)
#include <functional>
#include <set>

#include <heed/autograd/engine.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/core/scope.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using test::contains, test::message_of;

namespace {

struct Mistake {
  std::string says;
  std::function<void()> make;
};

}  // namespace

TEST_CASE("autograd's errors say what was given, what is wrong and what to do") {
  const Tensor x = ones({2, 3}), p = parameter(x), whole = tensor_i64({1, 2});
  const Mistake mistakes[] = {
      {"backward: () has no history: no tensor that requires grad led to it", [&] { sum(x).backward(); }},
      {"backward: (2, 3) does not have exactly one element: reduce it, as in mean(loss)",
       [&] { (p * 2.0).backward(); }},
      {"backward: output (2, 3), seed (3,): must have the same shape", [&] { (p * 2.0).backward(ones({3})); }},
      {"grad: (2, 3) does not have exactly one element: ", [&] { (void)grad(p * 2.0, {p}); }},
      {"grad: input (2, 3) does not require grad: make it a parameter()", [&] { (void)grad(sum(p), {x}); }},
      {"grad: () has no history: ", [&] { (void)grad(sum(x), {p}); }},
      {"register_hook: (2, 3) does not require grad: no gradient will arrive here", [&] { x.register_hook({}); }},
      {"sum: a hook gave a gradient (3,) in place of (): must have the same shape",
       [&] {
         const Tensor y = sum(p);
         y.register_hook([](const Tensor&) { return ones({3}); });
         y.backward();
       }},
      {"parameter: (2,) of int64: only float32 and float64 have gradients", [&] { parameter(whole); }},
      {"clamp: (2, 3) to 1 … 0: the lower bound is above the upper", [&] { clamp(x, 1.0, 0.0); }},
      {"mean: (2,) of int64: a mean need not be an integer: convert with to(Dtype::f32)", [&] { mean(whole); }},
      {"flatten: (2, 3) from axis 1 to 0: the first axis is after the last", [&] { x.flatten(1, 0); }},
      {"split: (2, 3) into pieces of 0: a piece needs at least one element", [&] { x.split(0); }},
      {"chunk: (2, 3) into 0 chunks: needs at least one", [&] { x.chunk(0); }},
      {"stack: (2, 3) and (3,): all shapes must be equal", [&] { stack({x, ones({3})}); }},
      {"cat: no tensors: needs at least one", [&] { stack({}); }},
      {"sum_to: (2, 3) to (3, 2): ", [&] { x.sum_to({3, 2}); }},
      {"matmul: (3,) @ (4,): inner sizes differ: 3 against 4: must be equal", [&] { matmul(ones({3}), ones({4})); }},
      {"matmul: (2, 3) @ (2,): inner sizes differ: 3 against 2: must be equal", [&] { matmul(x, ones({2})); }},
      {"matmul: (2,) @ (3, 2): inner sizes differ: 2 against 3: must be equal",
       [&] { matmul(ones({2}), ones({3, 2})); }},
      {"matmul: () @ (2, 3): a scalar is not a matrix: multiply with *", [&] { matmul(scalar(1), x); }},
      {"arange: -1 elements: the count must not be negative", [&] { arange(-1); }},
      {"tensor_i64: 2 values for shape (3,): needs 3", [&] { tensor_i64({1, 2}, {3}); }},
      {"embedding: table (): needs two axes (rows, width)", [&] { embedding(scalar(1), whole); }},
      {"exp: an empty Tensor: the operand has no elements: ", [&] { exp(Tensor()); }},
      {"mean: an empty Tensor: the operand has", [&] { mean(Tensor()); }},
      {"var: an empty Tensor: the operand has", [&] { var(Tensor()); }},
      {"norm: an empty Tensor: the operand has", [&] { norm(Tensor()); }},
      {"sort: an empty Tensor: the operand has", [&] { sort(Tensor()); }},
      {"elu: an empty Tensor: the operand has", [&] { elu(Tensor()); }},
      {"leaky_relu: an empty Tensor: the operand has", [&] { leaky_relu(Tensor()); }},
      {"dropout: an empty Tensor: the operand has", [&] { dropout(Tensor(), 0.5); }},
      {"add: an empty Tensor: the right operand has no elements: ", [&] { x + Tensor(); }},
      {"permute: (2, 3) by (0,): needs each of the 2 axes once", [&] { p.permute({0}); }},
      {"select: (2, 3): index 2 on axis 0 of size 2: must be in -2 … 1", [&] { p[2]; }},
      {"item: (2, 3): must hold exactly one element: ", [&] { (void)x.item(); }},
  };
  for (const Mistake& m : mistakes) {
    const std::string text = message_of<Error>(m.make);
    INFO("expected: " << m.says << "\n     got: " << text);
    CHECK(text.starts_with(m.says));
    CHECK(test::follows_grammar(text));
  }
}

TEST_CASE("operators name their operands in the order of the formula") {
  const Tensor a = ones({2}), b = ones({3}), p = a > 0.0, q = b > 0.0;
  const Mistake mistakes[] = {
      {"add", [&] { a + b; }},
      {"sub", [&] { a - b; }},
      {"mul", [&] { a* b; }},
      {"div", [&] { a / b; }},
      {"eq", [&] { eq(a, b); }},
      {"ne", [&] { ne(a, b); }},
      {"lt", [&] { a < b; }},
      {"le", [&] { a <= b; }},
      {"gt", [&] { a > b; }},
      {"ge", [&] { a >= b; }},
      {"logical_and", [&] { p & q; }},
      {"logical_or", [&] { p | q; }},
      {"maximum", [&] { maximum(a, b); }},
      {"minimum", [&] { minimum(a, b); }},
      {"pow", [&] { pow(a, b); }},
  };
  for (const Mistake& mistake : mistakes)
    CHECK(message_of<ShapeError>(mistake.make).starts_with(mistake.says + ": (2,) and (3,)"));
}

TEST_CASE("errors say in which module") {
  const core::ScopeFrame frame{nullptr, nullptr,
                               [](const core::ScopeFrame&) { return std::string("decoder.layers.1"); }, nullptr};
  core::current_scope = &frame;
  const std::string text = message_of<ShapeError>([] { ones({2}) + ones({3}); });
  core::current_scope = nullptr;
  CHECK(text.ends_with(" [in decoder.layers.1]"));
  CHECK_FALSE(contains(message_of<ShapeError>([] { ones({2}) + ones({3}); }), "[in"));
}
