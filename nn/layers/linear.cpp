#include <heed/nn/layers/linear.h>

#include <cmath>

#include <heed/autograd/ops/create.h>
#include <heed/nn/init.h>

namespace heed::nn {

Linear::Linear(Whole in_features, Whole out_features, const LinearOptions& options)
    : weight(parameter(zeros({out_features, in_features}))) {
  const double bound = in_features > 0 ? 1.0 / std::sqrt(static_cast<double>(in_features)) : 0.0;
  uniform_(weight, -bound, bound);
  if (options.bias) {
    bias = parameter(zeros({out_features}));
    uniform_(bias, -bound, bound);
  }
}

}  // namespace heed::nn
