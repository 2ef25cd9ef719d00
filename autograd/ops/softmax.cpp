#include <heed/autograd/ops/softmax.h>

#include <numbers>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/core/ops/ops.h>

namespace heed {

Tensor softmax(const Tensor& x, Axis axis) {
  return op("softmax", core::softmax(x.array(), axis), edge(x, [axis](auto& g, auto& y) {
              // One pass, if the gradient itself is not recorded; the formula in Tensors, if it is.
              if (!grad_enabled()) return Tensor(core::softmax_grad(y.array(), g.array(), axis));
              return y * (g - sum(g * y, axis, keepdim));
            }));
}

Tensor log_softmax(const Tensor& x, Axis axis) {
  return op("log_softmax", core::log_softmax(x.array(), axis), edge(x, [axis](auto& g, auto& y) {
              if (!grad_enabled()) return Tensor(core::log_softmax_grad(y.array(), g.array(), axis));
              // Near exp(y) = 1, 1 - exp(y) would lose its digits; expm1 keeps them.
              const Tensor total = sum(g, axis, keepdim);
              return where(y > -std::numbers::ln2, (g - total) - expm1(y) * total, g - exp(y) * total);
            }));
}

}  // namespace heed
