#include <sstream>

#include <heed/autograd/ops.h>

#include "support/catch.h"

using namespace heed;

TEST_CASE("print: a tensor says where its gradient goes") {
  const Tensor x = tensor({1, 2.5});
  CHECK(to_string(x) == "tensor([1.0000, 2.5000])");
  Tensor w = parameter(x);
  CHECK(to_string(w) == "tensor([1.0000, 2.5000], requires_grad=True)");
  CHECK(to_string(exp(w)) == "tensor([ 2.7183, 12.1825], grad_fn=<exp>)");
  CHECK(to_string(exp(w).detach()) == "tensor([ 2.7183, 12.1825])");
  CHECK(to_string(sum(w).to(Dtype::f64)) == "tensor(3.5000, dtype=float64, grad_fn=<to>)");
  w.requires_grad(false);
  CHECK(to_string(w) == "tensor([1.0000, 2.5000])");
  CHECK(to_string(Tensor()) == "tensor(undefined)");
  std::ostringstream out;
  out << tensor({1, 2}).to(Dtype::i64) << ' ' << zeros({0, 2});
  CHECK(out.str() == "tensor([1, 2]) tensor([], size=(0, 2))");
}
