#include <heed/core/ops/multinomial.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>
#include <tuple>
#include <vector>

#include <heed/core/op_name.h>
#include <heed/core/parallel.h>

namespace heed::core {

namespace {

/// " of row 3" in a message, if there are rows. Streamed, for it is an argument of a check of each weight.
struct OfRow {
  bool named;
  int64_t row;
};
std::ostream& operator<<(std::ostream& out, OfRow at) { return at.named ? out << " of row " << at.row : out; }

/// Throws unless the weights of the row are those of a distribution with enough positions to draw.
void check_row(const Array& weights, const double* w, int64_t n, int64_t row, int64_t needed) {
  const OfRow of_row{weights.rank() == 2, row};
  double total = 0;
  int64_t positive = 0;
  for (int64_t j = 0; j < n; ++j) {
    check(std::isfinite(w[j]) && w[j] >= 0, "multinomial: weights ", weights.shape(), ": weight ", j, of_row, " is ",
          w[j], ": must be finite and not negative: logits need softmax() first");
    total += w[j];
    positive += w[j] > 0;
  }
  check(positive > 0, "multinomial: weights ", weights.shape(), ": all", of_row,
        " are 0: at least one must be positive");
  check(std::isfinite(total), "multinomial: weights ", weights.shape(), ": the sum", of_row,
        " is infinite: divide them by their largest");
  check(positive >= needed, "multinomial: weights ", weights.shape(), ": only ", positive, of_row, " are positive, ",
        needed, " are to be drawn without replacement: draw fewer, or with replacement");
}

/// A position for each of the u, from the cumulative sums of the weights.
void draw_each(const std::vector<double>& sums, const double* u, int64_t count, int64_t* to) {
  const double total = sums.back(), below = std::nextafter(total, 0.0);
  for (int64_t i = 0; i < count; ++i) {
    // A position whose weight is 0 has the sum of the one before it, so it is never the first that exceeds.
    const auto found = std::upper_bound(sums.begin(), sums.end(), std::min(u[i] * total, below));
    to[i] = found - sums.begin();
  }
}

/// The `count` positions with the smallest e / w, in order. Equal quotients (where w is tiny beside the largest)
/// keep the order of positions, but a weight of 0 is always last.
void draw_smallest(const double* w, const double* e, int64_t n, int64_t count, int64_t* to) {
  const double highest = *std::max_element(w, w + n);
  std::vector<std::tuple<bool, double, int64_t>> order;
  for (int64_t j = 0; j < n; ++j) order.emplace_back(w[j] == 0, e[j] / (w[j] / highest), j);
  std::partial_sort(order.begin(), order.begin() + count, order.end());
  for (int64_t i = 0; i < count; ++i) to[i] = std::get<2>(order[static_cast<size_t>(i)]);
}

}  // namespace

Array multinomial(const Array& weights, int64_t count, bool replacement, Generator& generator) {
  const OpName at("multinomial");
  check_defined(weights, "weights");
  check<ShapeError>(weights.rank() == 1 || weights.rank() == 2, "multinomial: weights ", weights.shape(),
                    ": needs one axis (V) or two (B, V)");
  check<DtypeError>(is_floating(weights.dtype()), "multinomial: weights ", weights.shape(), " of ", weights.dtype(),
                    ": needs float32 or float64: convert with to(Dtype::f32)");
  check(count > 0, "multinomial: weights ", weights.shape(), ", ", count, " draws: draw at least one");
  const int64_t n = weights.size(-1), rows = weights.rank() == 2 ? weights.size(0) : 1;
  Shape shape = weights.shape();
  shape[shape.rank() - 1] = count;
  const Array y(shape, Dtype::i64), w = to(contiguous(weights), Dtype::f64);
  const bool one_by_one = replacement || count == 1;
  const Array random({rows, one_by_one ? count : n}, Dtype::f64);
  for (int64_t b = 0; b < rows; ++b) check_row(weights, w.data<double>() + b * n, n, b, replacement ? 1 : count);
  if (one_by_one) fill_uniform(random, 0, 1, generator);
  else fill_exponential(random, generator);
  parallel_for(rows, (1 << 14) / (n + 1) + 1, [&](int64_t begin, int64_t end) {
    std::vector<double> sums(static_cast<size_t>(n));
    for (int64_t b = begin; b < end; ++b) {
      const double* const row = w.data<double>() + b * n;
      const double* const drawn = random.data<double>() + b * random.size(1);
      int64_t* const to = y.data<int64_t>() + b * count;
      if (one_by_one) {
        std::partial_sum(row, row + n, sums.begin());
        draw_each(sums, drawn, count, to);
      } else {
        draw_smallest(row, drawn, n, count, to);
      }
    }
  });
  return y;
}

}  // namespace heed::core
