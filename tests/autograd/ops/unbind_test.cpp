#include "support/catch.h"

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>

using namespace heed;

TEST_CASE("unbind gives the slices along any axis, and stack puts them back") {
  manual_seed(1);
  const Tensor x = randn({3, 5, 2});
  for (const int64_t axis : {0, 1, 2, -1, -2}) {
    const std::vector<Tensor> slices = unbind(x, axis);
    REQUIRE(static_cast<int64_t>(slices.size()) == x.size(axis));
    for (size_t i = 0; i < slices.size(); ++i)
      CHECK(slices[i].to_vector() == x.select(axis, static_cast<int64_t>(i)).to_vector());
    CHECK(stack(slices, axis).to_vector() == x.to_vector());
  }
  CHECK(unbind(zeros({2, 0, 3}), 1).empty());
  CHECK(unbind(zeros({1, 3}))[0].shape() == Shape{3});
  CHECK_THROWS_AS(unbind(x, 3), IndexError);
}

TEST_CASE("unbind is differentiable twice, also where slices are not used") {
  manual_seed(2);
  gradcheck(
      [](const std::vector<Tensor>& in) {
        const std::vector<Tensor> s = unbind(in[0], 1);
        return s[0] * s[3] + s[4] * s[4] * s[1];
      },
      {randn({2, 5, 3}, Dtype::f64)});
  const Tensor x = parameter(ones({4, 2}));
  sum(unbind(x)[2]).backward();
  CHECK(x.grad().to_vector() == std::vector<double>{0, 0, 0, 0, 1, 1, 0, 0});
}
