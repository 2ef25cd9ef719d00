#include <heed/optim/clip.h>

#include <cmath>

#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/linalg.h>
#include <heed/autograd/ops/reduce.h>

namespace heed::optim {

double clip_grad_norm(const std::vector<Tensor>& params, double max_norm, const ClipOptions& options) {
  check(max_norm > 0, "clip_grad_norm: max_norm = ", max_norm, ": must be > 0");
  const NoGrad no_history;
  double squares = 0;
  for (const Tensor& p : params)
    if (const Tensor g = p.grad(); g.defined()) {
      const Tensor flat = g.reshape({-1});
      const double square = matmul(flat, flat).item();
      // The squares of 1e20 and 1e-23 are out of f32's range: such gradients are summed again in f64.
      squares += square > 1e-30 && std::isfinite(square) ? square : sum(heed::square(flat.to(Dtype::f64))).item();
    }
  const double norm = std::sqrt(squares);
  check(!options.error_if_nonfinite || std::isfinite(norm), "clip_grad_norm: the gradients of ", params.size(),
        " parameters have norm ", norm,
        ": training has diverged: lower the learning rate, or find the cause with DetectAnomaly");
  const double scale = max_norm / (norm + 1e-6);
  if (scale < 1.0 || std::isnan(scale))
    for (const Tensor& p : params)
      if (Tensor g = p.grad(); g.defined()) g.mul_(scale);
  return norm;
}

void clip_grad_value(const std::vector<Tensor>& params, double limit) {
  check(limit > 0, "clip_grad_value: limit = ", limit, ": must be > 0");
  const NoGrad no_history;
  for (const Tensor& p : params)
    if (Tensor g = p.grad(); g.defined()) g.copy_(clamp(g, -limit, limit));
}

}  // namespace heed::optim
