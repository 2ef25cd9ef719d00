#include <heed/examples/kit/pictures/statistics.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/core/error.h>

namespace heed::kit {

Plot histogram_plot(const std::string& title, const std::vector<NamedValues>& lists, int bins) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const NamedValues& list : lists)
    for (const double v : list.values)
      if (drawable(v)) low = std::min(low, v), high = std::max(high, v);
  Plot plot{.title = title, .x_label = "value", .y_label = "fraction of the values", .y_low = 0.0};
  const auto count = static_cast<size_t>(std::max(bins, 1));
  // An interval of values that are all equal has a width, too.
  if (!(high > low)) low -= 0.5, high = low + 1;
  const double width = (high - low) / static_cast<double>(count);
  for (size_t k = 0; k < lists.size(); ++k) {
    std::vector<double> fractions(count, 0.0);
    double total = 0;
    for (const double v : lists[k].values)
      if (drawable(v)) {
        const double bin = std::floor((v - low) / width);
        ++fractions[static_cast<size_t>(std::clamp(bin, 0.0, static_cast<double>(count) - 1))];
        ++total;
      }
    if (total == 0) continue;
    Series outline{.name = lists[k].name, .colour = static_cast<int>(k)};
    const auto add = [&](double x, double y) {
      outline.x.push_back(x), outline.y.push_back(y);
      outline.low.push_back(0), outline.high.push_back(y);
    };
    for (size_t i = 0; i < count; ++i) {
      add(low + static_cast<double>(i) * width, fractions[i] / total);
      add(low + static_cast<double>(i + 1) * width, fractions[i] / total);
    }
    plot.series.push_back(outline);
  }
  return plot;
}

Plot distance_plot(const std::string& title, const std::vector<HeadWeights>& heads) {
  Plot plot{
      .title = title, .x_label = "distance: positions between query and key", .y_label = "mean weight", .y_low = 0.0};
  for (const HeadWeights& head : heads) {
    const int64_t n = head.queries, m = head.keys;
    check<ShapeError>(n > 0 && m > 0 && static_cast<int64_t>(head.weights.size()) == n * m, "distance plot: '",
                      head.name, "' of ", n, " queries and ", m, " keys has ", head.weights.size(),
                      " weights: give queries x keys of them, row by row");
    Series curve{.name = head.name};
    for (int64_t distance = 0; distance < m; ++distance) {
      double sum = 0, count = 0;
      for (int64_t i = 0; i < n; ++i) {
        const int64_t j = i + m - n - distance;
        if (j < 0 || j >= m) continue;
        sum += head.weights[static_cast<size_t>(i * m + j)];
        ++count;
      }
      if (count == 0) continue;
      curve.x.push_back(static_cast<double>(distance));
      curve.y.push_back(sum / count);
    }
    plot.series.push_back(curve);
  }
  return plot;
}

}  // namespace heed::kit
