#include <heed/autograd/ops/dropout.h>

#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/core/op_name.h>

namespace heed {

Tensor dropout(const Tensor& x, Real p, Generator& generator) {
  const core::OpName at("dropout");
  check<DtypeError>(is_floating(x.dtype()), "dropout: ", x.shape(), " of ", x.dtype(),
                    ": dropout scales what it keeps: convert with to(Dtype::f32)");
  const DropoutMask mask = DropoutMask::draw(p, generator);
  if (p == 0.0) return x;
  return where(Tensor(mask.keep(x.shape())), x * mask.factor(), 0.0);
}

}  // namespace heed
