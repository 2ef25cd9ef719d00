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

int64_t Linear::in_features() const { return compact ? compact.columns() : weight.size(1); }
int64_t Linear::out_features() const { return compact ? compact.rows() : weight.size(0); }

void Linear::visit(Visitor& v) {
  if (compact) v.left_out("weight");
  v("weight", weight);
  v("bias", bias);
  if (low_rank) low_rank->visit(v);
}

}  // namespace heed::nn
