#include <heed/autograd/ops/sort.h>

#include <heed/autograd/ops/indexing.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>

namespace heed {

Sorted sort(const Tensor& x, Axis axis, bool descending) {
  const core::OpName at("sort");
  const Tensor positions = argsort(x, axis, descending);
  return {gather(x, axis, positions), positions};
}

Tensor argsort(const Tensor& x, Axis axis, bool descending) {
  return Tensor(core::argsort(x.array(), axis, descending));
}

}  // namespace heed
