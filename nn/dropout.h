// Dropout as a layer: at work while training, absent in evaluation.
#pragma once

#include <heed/autograd/dropout.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// Zeroes each number with probability p and scales the others by 1 / (1 - p) (Srivastava et al. 2014).
struct Dropout : Module {
  double p;

  explicit Dropout(Real probability = 0.5) : p(probability) {
    check(p >= 0.0 && p <= 1.0, "Dropout: p = ", p, ": a probability lies in 0 … 1");
  }

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return training && p > 0.0 ? dropout(x, p) : x;
  }

  void visit(Visitor&) override {}
};

}  // namespace heed::nn
