#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/attention.h>
#include <heed/nn/masks.h>

using namespace heed;
using namespace heed::nn;

namespace {

std::vector<double> numbers(const Tensor& mask) {
  REQUIRE(mask.dtype() == Dtype::boolean);
  return mask.to(Dtype::f32).to_vector();
}

}  // namespace

TEST_CASE("a causal mask puts the last query at the last key") {
  CHECK(numbers(causal_mask(3)) == std::vector<double>{1, 0, 0, 1, 1, 0, 1, 1, 1});
  CHECK(causal_mask(2, 4).shape() == Shape{2, 4});
  CHECK(numbers(causal_mask(2, 4)) == std::vector<double>{1, 1, 1, 0, 1, 1, 1, 1});
  CHECK(numbers(causal_mask(3, 2)) ==
        std::vector<double>{0, 0, 1, 0, 1, 1});  // the first query sees nothing
  CHECK(causal_mask(0).shape() == Shape{0, 0});
}

TEST_CASE("padding masks from lengths, one a sequence or one a query") {
  CHECK(numbers(padding_mask({2, 0}, 3)) == std::vector<double>{1, 1, 0, 0, 0, 0});
  const Tensor per_query = padding_mask(tensor_i64({1, 3, 2, 0}, {2, 2}), 3);
  CHECK(per_query.shape() == Shape{2, 2, 3});
  CHECK(numbers(per_query) == std::vector<double>{1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0});
}

TEST_CASE("a mask of oneself") {
  CHECK(numbers(eye_mask(2)) == std::vector<double>{1, 0, 0, 1});
  CHECK(numbers(!eye_mask(2)) == std::vector<double>{0, 1, 1, 0});
}

TEST_CASE("what is permitted: everything is no mask at all") {
  CHECK_FALSE(permitted("test", {2, 3, 4}, {}).defined());
  const Tensor both =
      permitted("test", {1, 2, 3}, {.key_mask = padding_mask({2}, 3), .causal = true});
  CHECK(both.shape() == Shape{1, 2, 3});
  CHECK(numbers(both) == std::vector<double>{1, 1, 0, 1, 1, 0});
}
