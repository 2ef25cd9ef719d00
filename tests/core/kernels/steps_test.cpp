// The steps from a formula to its fast form (tests/bench/steps.h): each computes the same.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <heed/core/parallel.h>

#include "bench/steps.h"
#include "support/catch.h"

using namespace heed::bench;

namespace {

void require_equal_steps(const KernelSteps& kernel) {
  std::vector<float>& y = *kernel.result;
  kernel.steps.front().run();
  const std::vector<float> expected = y;
  float highest = 0;
  for (const float e : expected) highest = std::max(highest, std::fabs(e));
  const int threads = heed::num_threads();
  for (const KernelStep& step : kernel.steps) {
    CAPTURE(kernel.name, kernel.what, step.change);
    y.assign(y.size(), std::numeric_limits<float>::quiet_NaN());
    heed::set_num_threads(step.threaded ? 3 : 1);
    step.run();
    for (size_t i = 0; i < y.size(); ++i) {
      CAPTURE(i);
      REQUIRE(std::fabs(y[i] - expected[i]) <= 1e-5f * std::fabs(expected[i]) + 2e-6f * highest);
    }
  }
  heed::set_num_threads(threads);
}

}  // namespace

TEST_CASE("steps: every step from a formula to its fast form gives the same result") {
  for (const int64_t n : {1, 5, 33, 200}) {
    require_equal_steps(softmax_steps(37, n));
    require_equal_steps(layer_norm_steps(37, n));
    require_equal_steps(gemm_steps(n));
    require_equal_steps(attention_steps(n, 8));
  }
  require_equal_steps(gemm_steps(400));  // more than one block in every direction
}
