#include <heed/autograd/ops/linalg.h>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>

namespace heed {

Tensor matmul(const Tensor& a, const Tensor& b) {
  const core::OpName at("matmul");
  core::check_defined(a.array(), "left operand");
  core::check_defined(b.array(), "right operand");
  check<ShapeError>(a.dim() > 0 && b.dim() > 0, "matmul: ", a.shape(), " @ ", b.shape(),
                    ": a scalar is not a matrix: multiply with *");
  if (a.dim() == 1 || b.dim() == 1)
    check<ShapeError>(a.size(-1) == b.size(b.dim() == 1 ? 0 : -2), "matmul: ", a.shape(), " @ ", b.shape(),
                      ": inner sizes differ: ", a.size(-1), " against ", b.size(b.dim() == 1 ? 0 : -2),
                      ": must be equal");
  if (a.dim() == 1) return matmul(a.unsqueeze(0), b).squeeze(b.dim() == 1 ? 0 : -2);
  if (b.dim() == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);
  if (a.dim() > 2 && b.dim() == 2 && a.size(-1) == b.size(0) && a.size(-1) > 0) {  // one large product instead of many
    Shape shape = a.shape();
    shape[shape.rank() - 1] = b.size(1);
    return matmul(a.reshape({-1, a.size(-1)}), b).reshape(shape);
  }
  return op("matmul", core::matmul(a.array(), b.array()),
            edge(a, keep(b), [](auto& g, auto& b) { return matmul(g, b.transpose(-2, -1)); }),
            edge(b, keep(a), [](auto& g, auto& a) { return matmul(a.transpose(-2, -1), g); }));
}

namespace {

// (…, n) -> (rows, n); not with -1, which is ambiguous for n = 0.
Tensor rows(const Tensor& x) {
  int64_t count = 1;
  for (int i = 0; i + 1 < x.dim(); ++i) count *= x.shape()[i];
  return x.reshape({count, x.size(-1)});
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  core::Array y = core::linear(x.array(), weight.array(), bias.array());
  const auto grad_x = edge(x, keep(weight), [](auto& g, auto& w) { return matmul(g, w); });
  const auto grad_weight = edge(weight, keep(x), [](auto& g, auto& x) {
    if (!grad_enabled()) return Tensor(core::linear_weight_grad(g.array(), x.array()));
    return matmul(rows(g).transpose(0, 1), rows(x));
  });
  if (!bias.defined()) return op("linear", std::move(y), grad_x, grad_weight);
  return op("linear", std::move(y), grad_x, grad_weight, edge(bias, [](auto& g) { return g; }));
}

}  // namespace heed
