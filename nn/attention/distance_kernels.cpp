#include <heed/nn/attention/distance_kernels.h>

#include <cmath>

#include <heed/autograd/ops.h>

namespace heed::nn {

namespace {

// (…, n, 1, d) - (…, 1, m, d) -> (…, n, m, d)
Tensor differences(const Tensor& q, const Tensor& k) {
  check<ShapeError>(q.dim() >= 2 && k.dim() >= 2 && q.size(-1) == k.size(-1), "squared_distances: queries ", q.shape(),
                    ", keys ", k.shape(), ": must be (…, n, d) and (…, m, d): the last axes differ");
  return q.unsqueeze(-2) - k.unsqueeze(-3);
}

}  // namespace

Tensor squared_distances(const Tensor& q, const Tensor& k) {
  const Tensor squares = square(differences(q, k));
  return squares.size(-1) == 1 ? squares.squeeze(-1) : sum(squares, -1);  // one dimension: no sum
}

DistanceKernel::DistanceKernel(const KernelOptions& o)
    : fixed_widths(o.widths.empty() ? std::vector<double>{o.width} : o.widths) {
  std::vector<double> logs;
  for (const double width : fixed_widths) {
    check(width > 0.0, "DistanceKernel: width = ", width, ": must be positive");
    logs.push_back(std::log(width));
  }
  if (o.learn_width) log_width = parameter(o.widths.empty() ? scalar(logs[0]) : tensor(logs));
}

std::vector<double> DistanceKernel::widths() const {
  if (!log_width.defined()) return fixed_widths;
  std::vector<double> widths = log_width.to_vector();
  for (double& width : widths) width = std::exp(width);
  return widths;
}

Tensor DistanceKernel::divided(const Tensor& distances, double power, double factor) const {
  const auto heads = static_cast<int64_t>(fixed_widths.size());
  const auto of_heads = [&](const Tensor& widths) {  // (h) -> (h, 1, 1), to broadcast with (…, h, n, m)
    check<ShapeError>(distances.dim() >= 3 && distances.size(-3) == heads, "DistanceKernel: ", heads,
                      " widths, distances ", distances.shape(),
                      ": must be (…, heads, queries, keys): one width per head");
    return widths.reshape({heads, 1, 1});
  };
  if (log_width.defined()) {
    const Tensor by = factor * exp(-power * log_width);
    return distances * (log_width.dim() == 0 ? by : of_heads(by));
  }
  if (heads == 1) return distances / (std::pow(fixed_widths[0], power) / factor);
  return distances / (pow(of_heads(tensor(fixed_widths, distances.dtype())), power) / factor);
}

Tensor DistanceKernel::scaled_squares(const Tensor& q, const Tensor& k, double factor) const {
  return divided(squared_distances(q, k), 2.0, factor);
}

Tensor DistanceKernel::scaled_distances(const Tensor& q, const Tensor& k) const {
  return divided(norm(differences(q, k), -1), 1.0);
}

Tensor Gaussian::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return scope(scaled_squares(q, k, -0.5));
}

Tensor Epanechikov::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return scope(0.75 * relu(1.0 - scaled_squares(q, k)));
}

Tensor Triangular::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return scope(relu(1.0 - scaled_distances(q, k)));
}

Boxcar::Boxcar(const KernelOptions& o) : DistanceKernel(o) {
  check(!o.learn_width,
        "Boxcar: learn_width: its derivative by the width is 0 wherever it exists: "
        "learn the width of a Gaussian, an Epanechikov or a triangular kernel");
}

Tensor Boxcar::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return scope((scaled_distances(q, k) <= 1.0).to(q.dtype()));
}

Tensor Constant::operator()(const Tensor& q, const Tensor& k) const {
  const Scope scope(*this);
  return scope(ones_like(squared_distances(q, k).detach()));
}

}  // namespace heed::nn
