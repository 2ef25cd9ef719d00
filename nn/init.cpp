#include <heed/nn/init.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <heed/core/op_name.h>

namespace heed::nn {

namespace {

template <class Fill> Tensor& write(const char* op, Tensor& x, Fill fill) {
  const core::OpName at(op);
  const NoGrad no_history;
  core::Array values(x.shape(), x.dtype());
  fill(values);
  return x.copy_(Tensor(values));
}

struct Fans {
  double in, out;
};

Fans fans(const char* op, const Tensor& x) {
  check<ShapeError>(x.dim() >= 2, op, ": ", x.shape(),
                    ": fan in and fan out need two axes or more: use uniform_ or normal_");
  const double field = static_cast<double>(x.numel()) / std::max(1.0, static_cast<double>(x.size(0) * x.size(1)));
  return {static_cast<double>(x.size(1)) * field, static_cast<double>(x.size(0)) * field};
}

void check_gain(const char* op, double gain) {
  check(std::isfinite(gain) && gain >= 0.0, op, ": gain = ", gain, ": must be a number >= 0");
}

double kaiming_std(const char* op, const Tensor& x, double slope) {
  check(std::isfinite(slope), op, ": slope = ", slope, ": must be a finite number");
  return std::sqrt(2.0 / (1.0 + slope * slope) / fans(op, x).in);
}

}  // namespace

Tensor& constant_(Tensor& x, double value) {
  const NoGrad no_history;
  return x.fill_(value);
}

Tensor& uniform_(Tensor& x, double low, double high) {
  return write("uniform_", x, [&](const core::Array& y) { core::fill_uniform(y, low, high, default_generator()); });
}

Tensor& normal_(Tensor& x, double mean, double std) {
  return write("normal_", x, [&](const core::Array& y) { core::fill_normal(y, mean, std, default_generator()); });
}

Tensor& trunc_normal_(Tensor& x, double mean, double std, double low, double high) {
  return write("trunc_normal_", x, [&](const core::Array& y) {
    core::fill_truncated_normal(y, mean, std, low, high, default_generator());
  });
}

Tensor& xavier_uniform_(Tensor& x, double gain) {
  const Fans fan = fans("xavier_uniform_", x);
  check_gain("xavier_uniform_", gain);
  if (x.numel() == 0) return x;
  const double bound = gain * std::sqrt(6.0 / (fan.in + fan.out));
  return uniform_(x, -bound, bound);
}

Tensor& xavier_normal_(Tensor& x, double gain) {
  const Fans fan = fans("xavier_normal_", x);
  check_gain("xavier_normal_", gain);
  if (x.numel() == 0) return x;
  return normal_(x, 0.0, gain * std::sqrt(2.0 / (fan.in + fan.out)));
}

Tensor& kaiming_uniform_(Tensor& x, double slope) {
  const double bound = std::sqrt(3.0) * kaiming_std("kaiming_uniform_", x, slope);
  if (x.numel() == 0) return x;
  return uniform_(x, -bound, bound);
}

Tensor& kaiming_normal_(Tensor& x, double slope) {
  const double std = kaiming_std("kaiming_normal_", x, slope);
  return x.numel() == 0 ? x : normal_(x, 0.0, std);
}

namespace {

// Gram-Schmidt: each row minus its projections on the previous rows, then normalised. Done twice, which is
// enough for orthogonality to the last digits (Giraud et al. 2005). It is the QR decomposition
// whose R has a positive diagonal; for normal vectors Q is uniformly distributed (Mezzadri 2007).
void orthonormalise(double* rows, int64_t count, int64_t width) {
  const auto dot = [width](const double* a, const double* b) { return std::inner_product(a, a + width, b, 0.0); };
  for (int64_t i = 0; i < count; ++i) {
    double* const v = rows + i * width;
    for (int pass = 0; pass < 2; ++pass)
      for (const double* before = rows; before < v; before += width) {
        const double along = dot(v, before);
        for (int64_t k = 0; k < width; ++k) v[k] -= along * before[k];
      }
    const double length = std::sqrt(dot(v, v));
    for (int64_t k = 0; k < width; ++k) v[k] /= length;
  }
}

}  // namespace

Tensor& orthogonal_(Tensor& x, double gain) {
  check<ShapeError>(x.dim() >= 2, "orthogonal_: ", x.shape(),
                    ": needs two axes or more: a vector has nothing to be orthogonal to");
  check(std::isfinite(gain), "orthogonal_: gain = ", gain, ": must be a finite number");
  if (x.numel() == 0) return x;
  const int64_t rows = x.size(0), columns = x.numel() / rows;
  const int64_t count = std::min(rows, columns), width = std::max(rows, columns);
  const core::Array matrix({count, width}, Dtype::f64);
  core::fill_normal(matrix, 0.0, 1.0, default_generator());
  double* const numbers = matrix.data<double>();
  orthonormalise(numbers, count, width);
  std::for_each_n(numbers, matrix.numel(), [gain](double& number) { number *= gain; });
  return write("orthogonal_", x, [&](const core::Array& y) {
    const core::Array upright = rows <= columns ? matrix : core::transpose(matrix, 0, 1);
    core::copy_into(y, core::reshape(upright, x.shape()));
  });
}

Tensor& gpt2_residual_(Tensor& x, int64_t layers, double std) {
  check(layers > 0, "gpt2_residual_: ", layers, " layers: must be positive");
  return normal_(x, 0.0, std / std::sqrt(2.0 * static_cast<double>(layers)));
}

}  // namespace heed::nn
