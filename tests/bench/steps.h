// From the formula to the fast form: each step is code that runs, gives the result of the first, and is measured beside
// it by heed_bench --steps. The pages core/kernels/{softmax,norm,gemm,attention}.md say why each step is faster.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/bench.h"

namespace heed::bench {

struct KernelStep {
  std::string change;  // to the step before
  Step run;
  bool threaded = false;  // the others run on one thread
};

struct KernelSteps {
  std::string name, what, page;
  Unit unit;
  std::shared_ptr<std::vector<float>> result;  // of the step that ran last
  std::vector<KernelStep> steps;
};

KernelSteps softmax_steps(int64_t rows, int64_t n);
KernelSteps layer_norm_steps(int64_t rows, int64_t n);
KernelSteps gemm_steps(int64_t n);
KernelSteps attention_steps(int64_t n, int64_t d);

}  // namespace heed::bench
