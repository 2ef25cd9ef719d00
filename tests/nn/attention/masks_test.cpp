#include "support/catch.h"

#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/masks.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

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
  CHECK(numbers(causal_mask(3, 2)) == std::vector<double>{0, 0, 1, 0, 1, 1});  // the first query sees nothing
  CHECK(causal_mask(0).shape() == Shape{0, 0});
}

TEST_CASE("padding masks from lengths, one per sequence or one per query") {
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
  CHECK_FALSE(attention_mask("test", {2, 3, 4}, Dtype::f32, {}).permitted.defined());
  const Tensor both =
      attention_mask("test", {1, 2, 3}, Dtype::f32, {.key_mask = padding_mask({2}, 3), .causal = true}).permitted;
  CHECK(both.shape() == Shape{1, 2, 3});
  CHECK(numbers(both) == std::vector<double>{1, 1, 0, 1, 1, 0});
}

TEST_CASE("a sliding window reaches back and forward from the query's own position") {
  CHECK(numbers(sliding_window_mask(4, 4, 1)) == std::vector<double>{1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1});
  CHECK(numbers(sliding_window_mask(3, 3, 0, 1)) == std::vector<double>{1, 1, 0, 0, 1, 1, 0, 0, 1});
  CHECK(numbers(sliding_window_mask(2, 5, 2)) ==
        std::vector<double>{0, 1, 1, 1, 0, 0, 0, 1, 1, 1});  // the last query is at the last key
  CHECK(numbers(sliding_window_mask(6, 6, 6)) == numbers(causal_mask(6)));
  CHECK(all(sliding_window_mask(6, 6, 6, 6)));
  CHECK(message_of([] { sliding_window_mask(2, 2, -1); }) ==
        "sliding_window_mask: before = -1, after = 0: must not be negative");
}

TEST_CASE("a prefix is seen by all, after it the mask is causal") {
  const Tensor mask = prefix_mask({2, 0}, 3);
  CHECK(mask.shape() == Shape{2, 3, 3});
  CHECK(numbers(mask) == std::vector<double>{1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1});
}

TEST_CASE("packed sequences do not see each other") {
  const Tensor mask = block_diagonal_mask({2, 0, 1});
  CHECK(mask.shape() == Shape{3, 3});
  CHECK(numbers(mask) == std::vector<double>{1, 1, 0, 1, 1, 0, 0, 0, 1});
  CHECK(block_diagonal_mask({}).shape() == Shape{0, 0});
  CHECK(message_of([] { block_diagonal_mask({2, -1}); }) ==
        "block_diagonal_mask: length -1 of sequence 1: must not be negative");
  // Packed, each sequence gets what it gets alone.
  manual_seed(1);
  const Tensor a = randn({3, 4}, Dtype::f64), b = randn({2, 4}, Dtype::f64), both = cat({a, b});
  const Tensor packed = attention(both, both, both, {.mask = block_diagonal_mask({3, 2}), .causal = true}).output;
  const Tensor alone = cat({attention(a, a, a, {.causal = true}).output, attention(b, b, b, {.causal = true}).output});
  CHECK(amax(abs(packed - alone)).item() < 1e-14);
}
