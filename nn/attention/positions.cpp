#include <heed/nn/attention/positions.h>

#include <cmath>

#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/init.h>

namespace heed::nn {

Tensor sinusoidal_table(int64_t n, int64_t d, Dtype dtype) {
  check<DtypeError>(is_floating(dtype), "sinusoidal_table: dtype ", dtype,
                    ": cannot hold sines: use float32 or float64");
  const Tensor table = zeros({n, d}, Dtype::f64);
  double* const values = table.array().data<double>();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < d; ++c) {
      const double angle =
          static_cast<double>(i) / std::pow(10000.0, static_cast<double>(c - c % 2) / static_cast<double>(d));
      values[i * d + c] = c % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  return table.to(dtype);
}

void check_first(const char* layer, const Tensor& x, int64_t first, int64_t places) {
  check<DtypeError>(is_floating(x.dtype()), layer, ": input ", x.dtype(), " ", x.shape(),
                    ": needs float32 or float64: convert with to(Dtype::f32)");
  check<IndexError>(first >= 0 && first <= places, layer, ": input ", x.shape(), " at position ", first,
                    ": there are positions 0 … ", places - 1, ": count them from 0, or make max_length larger");
}

namespace {

Tensor rows_for(const char* layer, const Tensor& table, const Tensor& x, int64_t first) {
  check_first(layer, x, first, table.size(0));
  const int64_t room = table.size(0) - first;
  check<ShapeError>(x.dim() >= 2 && x.size(-1) == table.size(1) && x.size(-2) <= room, layer, ": input ", x.shape(),
                    first == 0 ? "" : cat(" at position ", first), ", table ", table.shape(),
                    ": the input must be (…, n, ", table.size(1), ") with n <= ", room,
                    ": make max_length larger for longer sequences");
  return table.slice(0, first, first + x.size(-2));
}

}  // namespace

SinusoidalPositions::SinusoidalPositions(Whole width, const PositionOptions& o)
    : table(sinusoidal_table(o.max_length, width, Dtype::f64)), dropout(o.dropout) {}

Tensor SinusoidalPositions::operator()(const Tensor& x, int64_t first) const {
  const Scope scope(*this);
  return scope(dropout(x + rows_for("SinusoidalPositions", table, x, first).to(x.dtype())));
}

LearnedPositions::LearnedPositions(Whole width, const PositionOptions& o)
    : weight(parameter(zeros({o.max_length, width}))), dropout(o.dropout) {
  normal_(weight);
}

Tensor LearnedPositions::operator()(const Tensor& x, int64_t first) const {
  const Scope scope(*this);
  return scope(dropout(x + rows_for("LearnedPositions", weight, x, first)));
}

}  // namespace heed::nn
