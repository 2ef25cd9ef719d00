#include <heed/nn/attention/rotary.h>

#include <cmath>
#include <utility>

#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/views.h>
#include <heed/nn/attention/positions.h>

namespace heed::nn {

namespace {

// The elements a and b of every pair: (…, n, d) -> two of (…, n, d / 2).
std::pair<Tensor, Tensor> pairs(const Tensor& x, RopeLayout layout) {
  const int64_t d = x.size(-1);
  if (layout == RopeLayout::half_split) return {x.slice(-1, 0, d / 2), x.slice(-1, d / 2, d)};
  return {x.slice(-1, 0, d, 2), x.slice(-1, 1, d, 2)};
}

Tensor joined(const Tensor& a, const Tensor& b, const Shape& shape, RopeLayout layout) {
  return layout == RopeLayout::half_split ? cat({a, b}, -1) : stack({a, b}, -1).reshape(shape);
}

}  // namespace

RotaryPositions::RotaryPositions(Whole width, RopeLayout layout_, const RopeOptions& o) : layout(layout_) {
  check<ShapeError>(width > 0 && width % 2 == 0, "RotaryPositions: width ", width,
                    ": elements are rotated in pairs: the width of a head must be even");
  check(std::isfinite(o.base) && o.base > 0.0, "RotaryPositions: base = ", o.base, ": must be a positive number");
  const int64_t half = width / 2;
  cosines = zeros({o.max_length, half}, Dtype::f64);
  sines = zeros({o.max_length, half}, Dtype::f64);
  double* c = cosines.array().data<double>();
  double* s = sines.array().data<double>();
  for (int64_t i = 0; i < o.max_length; ++i)
    for (int64_t j = 0; j < half; ++j) {
      const double angle =
          static_cast<double>(i) * std::pow(o.base, -2.0 * static_cast<double>(j) / static_cast<double>(width));
      *c++ = std::cos(angle);
      *s++ = std::sin(angle);
    }
}

Tensor RotaryPositions::operator()(const Tensor& x, int64_t first) const {
  const Scope scope(*this);
  const int64_t d = 2 * cosines.size(1), room = cosines.size(0);
  check_first("RotaryPositions", x, first, room);
  check<ShapeError>(x.dim() >= 2 && x.size(-1) == d && x.size(-2) <= room - first, "RotaryPositions: input ", x.shape(),
                    " at position ", first, ", table (", room, ", ", d, "): the input must be (…, n, ", d,
                    ") and end at position ", room, " at most: make max_length larger for longer sequences");
  const auto rows = [&](const Tensor& table) { return table.slice(0, first, first + x.size(-2)).to(x.dtype()); };
  const auto [a, b] = pairs(x, layout);
  const Tensor c = rows(cosines), s = rows(sines);
  return scope(joined(a * c - b * s, a * s + b * c, x.shape(), layout));
}

Tensor convert_rope(const Tensor& projection, int64_t heads, RopeLayout from, RopeLayout to) {
  const int64_t rows = projection.dim() > 0 ? projection.size(0) : 0;
  check<ShapeError>(heads > 0 && rows % (2 * heads) == 0 && rows > 0, "convert_rope: projection ", projection.shape(),
                    ", ", heads, " heads: must be (heads d, …) with d even");
  if (from == to) return projection;
  const int64_t half = rows / heads / 2;
  const bool halves = from == RopeLayout::half_split;  // else pairs
  const Shape apart = halves ? Shape{heads, 2, half, -1} : Shape{heads, half, 2, -1};
  return projection.reshape(apart).transpose(1, 2).reshape(projection.shape());
}

}  // namespace heed::nn
