#include <heed/nn/init.h>

#include <cmath>

namespace heed::nn {

namespace {

template <class Fill>
Tensor& write(Tensor& x, Fill fill) {
  const NoGrad no_history;
  core::Array values(x.shape(), x.dtype());
  fill(values);
  return x.copy_(Tensor(values));
}

struct Fans {
  double in, out;
};

Fans fans(const char* op, const Tensor& x) {
  check<ShapeError>(x.dim() >= 2, op, ": ", x.shape(), ": fan in and fan out need two axes or more: use uniform_ or normal_");
  const double field = static_cast<double>(x.numel()) / std::max(1.0, static_cast<double>(x.size(0) * x.size(1)));
  return {static_cast<double>(x.size(1)) * field, static_cast<double>(x.size(0)) * field};
}

double kaiming_std(const char* op, const Tensor& x, double slope) {
  return std::sqrt(2.0 / (1.0 + slope * slope) / fans(op, x).in);
}

}  // namespace

Tensor& constant_(Tensor& x, double value) {
  const NoGrad no_history;
  return x.fill_(value);
}

Tensor& uniform_(Tensor& x, double low, double high) {
  return write(x, [&](const core::Array& y) { core::fill_uniform(y, low, high, default_generator()); });
}

Tensor& normal_(Tensor& x, double mean, double std) {
  return write(x, [&](const core::Array& y) { core::fill_normal(y, mean, std, default_generator()); });
}

Tensor& trunc_normal_(Tensor& x, double mean, double std, double low, double high) {
  return write(x, [&](const core::Array& y) {
    core::fill_truncated_normal(y, mean, std, low, high, default_generator());
  });
}

Tensor& xavier_uniform_(Tensor& x, double gain) {
  const Fans fan = fans("xavier_uniform_", x);
  const double bound = gain * std::sqrt(6.0 / (fan.in + fan.out));
  return uniform_(x, -bound, bound);
}

Tensor& xavier_normal_(Tensor& x, double gain) {
  const Fans fan = fans("xavier_normal_", x);
  return normal_(x, 0.0, gain * std::sqrt(2.0 / (fan.in + fan.out)));
}

Tensor& kaiming_uniform_(Tensor& x, double slope) {
  const double bound = std::sqrt(3.0) * kaiming_std("kaiming_uniform_", x, slope);
  return uniform_(x, -bound, bound);
}

Tensor& kaiming_normal_(Tensor& x, double slope) { return normal_(x, 0.0, kaiming_std("kaiming_normal_", x, slope)); }

Tensor& gpt2_residual_(Tensor& x, int64_t layers, double std) {
  return normal_(x, 0.0, std / std::sqrt(2.0 * static_cast<double>(layers)));
}

}  // namespace heed::nn
