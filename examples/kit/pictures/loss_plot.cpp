#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {
namespace {

/// Lifts the pen where there is no value. (Only the logged losses report how many values were left out.)
Series without_gaps(Series curve) {
  for (size_t i = 0; i < curve.y.size(); ++i)
    if (!drawable(curve.y[i])) curve.x[i] = curve.y[i] = std::numeric_limits<double>::quiet_NaN();
  return curve;
}

/// Whether the largest loss exceeds the smallest so far that a linear axis would hide the end of the curve.
bool span_decades(const std::vector<Series>& curves) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const Series& curve : curves) {
    if (curve.faint) continue;
    for (const double y : curve.y)
      if (drawable(y)) low = std::min(low, y), high = std::max(high, y);
  }
  return low > 0 && high >= 30 * low;
}

}  // namespace

std::vector<double> smoothed(const std::vector<double>& y, double window) {
  const double b = 1 - 1 / std::max(1.0, window);
  std::vector<double> sums(y.size()), weights(y.size());
  const auto sweep = [&](size_t i, double& sum, double& weight) {
    sums[i] += b * sum, weights[i] += b * weight;  // the elements after i, without i itself
    const bool counts = std::isfinite(y[i]);
    sum = b * sum + (counts ? y[i] : 0);
    weight = b * weight + (counts ? 1 : 0);
  };
  double sum = 0, weight = 0;
  for (size_t i = 0; i < y.size(); ++i) sweep(i, sum, weight);
  sum = weight = 0;
  for (size_t i = y.size(); i-- > 0;) sweep(i, sum, weight);
  std::vector<double> means;
  for (size_t i = 0; i < y.size(); ++i) {
    const bool counts = std::isfinite(y[i]);
    means.push_back((sums[i] + (counts ? y[i] : 0)) / (weights[i] + (counts ? 1 : 0)));
  }
  return means;
}

Plot loss_plot(const std::vector<LossCurve>& curves, const std::vector<Level>& baselines) {
  Plot plot{.title = "Loss", .x_label = "step", .y_label = "loss", .levels = baselines};
  const bool several = curves.size() > 1;
  for (size_t i = 0; i < curves.size(); ++i) {
    const auto& [name, training, validation] = curves[i];
    const int colour = static_cast<int>(i);
    plot.series.push_back({.name = several ? "" : "each step",
                           .x = training.steps,
                           .y = training.values,
                           .faint = true,
                           .colour = colour});
    const auto n = static_cast<double>(training.values.size());
    const double window = n < 20 ? 1 : std::max(4.0, n / 100);  // with few steps each one counts
    plot.series.push_back(without_gaps({.name = several ? name : "smoothed",
                                        .x = training.steps,
                                        .y = smoothed(training.values, window),
                                        .colour = colour}));
    if (validation.steps.empty()) continue;
    plot.series.push_back({.name = several ? name + ", validation" : "validation",
                           .x = validation.steps,
                           .y = validation.values,
                           .mark = Mark::dashes,
                           .colour = several ? colour : colour + 1});
  }
  plot.log_y = span_decades(plot.series);
  return plot;
}

Plot loss_plot(const std::vector<double>& steps, const std::vector<double>& losses,
               const std::vector<Level>& baselines) {
  return loss_plot({{.training = {steps, losses}}}, baselines);
}

}  // namespace heed::kit
