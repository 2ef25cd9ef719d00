#include <heed/autograd/ops/multinomial.h>

#include <heed/core/ops/multinomial.h>

namespace heed {

Tensor multinomial(const Tensor& weights, Whole count, const MultinomialOptions& options) {
  return Tensor(core::multinomial(weights.array(), count, options.replacement, options.generator));
}

}  // namespace heed
