// Dropout as a layer: active while training, off in evaluation.
#pragma once

#include <heed/autograd/ops/dropout.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// Zeroes each element with probability p and scales the others by 1 / (1 - p) (Srivastava et al. 2014).
/// It draws from the default generator (a thread's own under a GeneratorGuard) or from `generator`,
/// which must live as long as the layer and its copies.
struct Dropout : Module {
  double p;
  Generator* generator;  // null: the default one

  explicit Dropout(Real probability = 0.5) : Dropout(probability, nullptr) {}
  Dropout(Real probability, Generator& own) : Dropout(probability, &own) {}

  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(training && p != 0.0 ? dropout(x, p, generator ? *generator : default_generator()) : x);
  }

  void visit(Visitor&) override {}

 private:
  Dropout(Real probability, Generator* from) : p(probability), generator(from) {
    check(p >= 0.0 && p <= 1.0, "Dropout: p = ", p, ": a probability lies in 0 … 1");
  }
};

}  // namespace heed::nn
