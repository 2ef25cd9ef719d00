// sort and argsort. (Compared with PyTorch's, NaN and all, in golden/einsum_test.cpp.)
#include <algorithm>
#include <numeric>
#include <vector>

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/layouts.h"

using namespace heed;
using test::message_of;

TEST_CASE("sort orders any dtype, upwards and downwards") {
  const Tensor whole = tensor_i64({3, (int64_t{1} << 60) + 1, int64_t{1} << 60, -2});
  CHECK(argsort(whole).to_vector() == std::vector<double>{3, 0, 2, 1});  // exact beyond 2⁵³
  CHECK(argsort(whole, 0, true).to_vector() == std::vector<double>{1, 2, 0, 3});
  const Tensor yes = tensor({1, 0, 1, 0}) > 0.5;
  CHECK(argsort(yes).to_vector() == std::vector<double>{1, 3, 0, 2});
  CHECK(sort(yes, 0, true).values.to_vector() == std::vector<double>{1, 1, 0, 0});
  CHECK(argsort(whole).dtype() == Dtype::i64);
  CHECK(sort(zeros({2, 0})).values.shape() == Shape{2, 0});
  CHECK(argsort(zeros({0, 2})).shape() == Shape{0, 2});
}

TEST_CASE("sort is stable, and the same for any number of threads") {
  manual_seed(1);
  const Tensor x = floor(rand({40, 1000}) * 50.0);  // each number about twenty times
  const std::vector<double> numbers = x.to_vector();
  const int before = num_threads();
  for (const bool descending : {false, true}) {
    std::vector<double> answers[2];
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      answers[threads / 2] = argsort(x, 1, descending).to_vector();
    }
    CHECK(answers[0] == answers[1]);
    for (size_t row = 0; row < 40; ++row)
      for (size_t i = 1; i < 1000; ++i) {
        const double a = answers[0][row * 1000 + i - 1], b = answers[0][row * 1000 + i];
        const double u = numbers[row * 1000 + size_t(a)], v = numbers[row * 1000 + size_t(b)];
        REQUIRE((u == v ? a < b : descending ? u > v : u < v));
      }
  }
  set_num_threads(before);
}

TEST_CASE("sort agrees with topk of everything") {
  const Tensor x = test::spread({3, 7}, -1, 1);
  for (const bool descending : {false, true})
    CHECK(sort(x, 1, descending).values.to_vector() == topk(x, 7, 1, descending).values.to_vector());
}

TEST_CASE("derivatives of sort, in every layout without equals") {
  for (const int axis : {0, 1, -1})
    for (const test::Layout layout : {test::Layout::contiguous, test::Layout::permuted, test::Layout::sliced})
      for (const bool descending : {false, true})
        CHECK_NOTHROW(gradcheck([&](const Tensor& x) { return square(sort(x, axis, descending).values); },
                                test::laid_out(test::spread({3, 4}, -2, 2), layout)));
}

TEST_CASE("sort says when there is no such axis") {
  const std::string text = message_of<IndexError>([] { (void)sort(zeros({2, 3}), 2); });
  CHECK(text.starts_with("argsort: (2, 3): there is no axis 2"));
  CHECK(test::follows_grammar(text));
}
