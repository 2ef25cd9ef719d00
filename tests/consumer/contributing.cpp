// CONTRIBUTING's op, line for line.
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/core/ops/ops.h>

namespace mine {

using namespace heed;
using core::Unary;

#include <snippets/CONTRIBUTING_md_1.inc>

}  // namespace mine

bool contributing_is_right();
bool contributing_is_right() {
  const heed::Tensor x = heed::randn({3, 4}, heed::Dtype::f64);
  heed::gradcheck([](const heed::Tensor& in) { return mine::softplus(in); }, x);
  return amax(abs(mine::softplus(x) - heed::softplus(x))).item() == 0.0;
}
