#include <heed/nn/kernels.h>

#include <cmath>

#include <heed/autograd/ops.h>

namespace heed::nn {

namespace {

// (…, n, 1, d) - (…, 1, m, d) -> (…, n, m, d)
Tensor differences(const Tensor& q, const Tensor& k) {
  check<ShapeError>(q.dim() >= 2 && k.dim() >= 2 && q.size(-1) == k.size(-1),
                    "squared_distances: queries ", q.shape(), ", keys ", k.shape(),
                    ": must be (…, n, d) and (…, m, d): the last axes differ");
  return q.unsqueeze(-2) - k.unsqueeze(-3);
}

}  // namespace

Tensor squared_distances(const Tensor& q, const Tensor& k) {
  return sum(square(differences(q, k)), -1);
}

DistanceKernel::DistanceKernel(const KernelOptions& o) : fixed_width(o.width) {
  check(o.width > 0.0, "DistanceKernel: width = ", o.width, ": must be positive");
  if (o.learn_width) log_width = parameter(scalar(std::log(o.width)));
}

double DistanceKernel::width() const {
  return log_width.defined() ? std::exp(log_width.item()) : fixed_width;
}

Tensor DistanceKernel::scaled_squares(const Tensor& q, const Tensor& k) const {
  const Tensor squares = squared_distances(q, k);
  return log_width.defined() ? squares * exp(-2.0 * log_width)
                             : squares / (fixed_width * fixed_width);
}

Tensor DistanceKernel::scaled_distances(const Tensor& q, const Tensor& k) const {
  const Tensor distances = norm(differences(q, k), -1);
  return log_width.defined() ? distances * exp(-log_width) : distances / fixed_width;
}

Tensor Gaussian::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return -0.5 * scaled_squares(q, k);
}

Tensor Epanechikov::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return 0.75 * relu(1.0 - scaled_squares(q, k));
}

Tensor Triangular::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return relu(1.0 - scaled_distances(q, k));
}

Boxcar::Boxcar(const KernelOptions& o) : DistanceKernel(o) {
  check(!o.learn_width,
        "Boxcar: learn_width: its derivative by the width is 0 wherever there is one: "
        "learn the width of a Gaussian, an Epanechikov or a triangular kernel");
}

Tensor Boxcar::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return (scaled_distances(q, k) <= 1.0).to(q.dtype());
}

Tensor Constant::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return ones_like(squared_distances(q, k).detach());
}

}  // namespace heed::nn
