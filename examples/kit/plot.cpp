#include <heed/examples/kit/plot.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/core/error.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/svg.h>

namespace heed::kit {
namespace {

/// One axis: data -> pixels.
struct Axis {
  double low, high;  // data; logarithms of it on a log axis
  double from, to;   // pixels
  bool log;

  double operator()(double v) const {
    return from + ((log ? std::log10(v) : v) - low) / (high - low) * (to - from);
  }
  bool shows(double v) const { return std::isfinite(v) && (!log || v > 0); }
  std::vector<double> ticks(int count) const {
    return log ? log_ticks(std::pow(10, low), std::pow(10, high), count)
               : nice_ticks(low, high, count);
  }
};

/// The range of what is shown, a little wider, never empty.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double v, bool log) {
    if (!std::isfinite(v) || (log && v <= 0)) return;
    low = std::min(low, log ? std::log10(v) : v);
    high = std::max(high, log ? std::log10(v) : v);
  }
  void widen(double part) {
    if (low > high) low = 0, high = 1;
    const double extra = high > low ? part * (high - low) : std::max(0.5, 0.05 * std::abs(low));
    low -= extra;
    high += extra;
  }
};

/// Ticks share the decimals that their distance needs: 1.0, 1.5, 2.0.
std::string tick_label(double value, const std::vector<double>& ticks, bool log) {
  if (value == 0) return "0";
  if (log || ticks.size() < 2 || std::abs(value) >= 1e6 || std::abs(ticks[1] - ticks[0]) < 1e-4)
    return general(value, 6);
  return fixed(value,
               std::max(0, static_cast<int>(std::ceil(-std::log10(ticks[1] - ticks[0]) - 1e-9))));
}

/// At most two points a pixel column, its lowest and its highest: what the eye would see of more.
void thin_out(std::vector<double>& x, std::vector<double>& y, size_t pixels) {
  if (x.size() <= 4 * pixels) return;
  std::vector<double> thin_x, thin_y;
  for (size_t begin = 0; begin < x.size();) {
    const size_t end = std::min(x.size(), begin + x.size() / pixels + 1);
    const auto [lowest, highest] = std::minmax_element(y.begin() + begin, y.begin() + end);
    for (const auto point : {std::min(lowest, highest), std::max(lowest, highest)}) {
      thin_x.push_back(x[point - y.begin()]);
      thin_y.push_back(*point);
    }
    begin = end;
  }
  x = std::move(thin_x);
  y = std::move(thin_y);
}

std::string draw_series(const Series& series, int number, const Axis& x_axis, const Axis& y_axis) {
  const std::string colour = std::to_string(series.colour.value_or(number) % 8);
  std::string out;
  if (series.mark == Mark::dots) {
    for (size_t i = 0; i < series.x.size(); ++i)
      if (x_axis.shows(series.x[i]) && y_axis.shows(series.y[i]))
        out += "<circle class=\"dot f" + colour + "\" r=\"" + (series.faint ? "2" : "3.2") +
               "\" cx=\"" + at(x_axis(series.x[i])) + "\" cy=\"" + at(y_axis(series.y[i])) +
               "\"/>\n";
    return out;
  }
  std::vector<double> x = series.x, y = series.y;
  if (std::all_of(y.begin(), y.end(), [&](double v) { return y_axis.shows(v); }))
    thin_out(x, y, static_cast<size_t>(std::abs(x_axis.to - x_axis.from)));
  std::string path;
  bool pen_down = false;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool shown = x_axis.shows(x[i]) && y_axis.shows(y[i]);
    if (shown) path += (pen_down ? "L" : "M") + at(x_axis(x[i])) + ' ' + at(y_axis(y[i]));
    pen_down = shown;
  }
  if (path.empty()) return out;
  return "<path class=\"line s" + colour + (series.mark == Mark::dashes ? " dashes" : "") +
         (series.faint ? " faint" : "") + "\" d=\"" + path + "\"/>\n";
}

/// Rows of "— name" above the plot. Returns the text; `height` is what it takes.
std::string draw_legend(const Plot& plot, const Box& box, double y, double& height) {
  std::string out;
  double x = box.x;
  height = 0;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const Series& series = plot.series[i];
    if (series.name.empty()) continue;
    const double width = 30 + label_width(series.name) + 14;
    if (height == 0) height = 20;
    if (x > box.x && x + width > box.x + box.width) x = box.x, y += 20, height += 20;
    const std::string colour = std::to_string(series.colour.value_or(static_cast<int>(i)) % 8);
    if (series.mark == Mark::dots)
      out += "<circle class=\"dot f" + colour + "\" r=\"4\" cx=\"" + at(x + 12) + "\" cy=\"" +
             at(y - 4) + "\"/>\n";
    else
      out += svg_line(x, y - 4, x + 24, y - 4,
                      "line s" + colour + (series.mark == Mark::dashes ? " dashes" : "") +
                          (series.faint ? " faint" : ""));
    out += svg_text(x + 30, y, series.name);
    x += width;
  }
  return out;
}

std::string draw_levels(const Plot& plot, const Axis& x_axis, const Axis& y_axis) {
  std::string out;
  std::vector<double> taken;  // heights of the labels at the right end
  for (const Level& level : plot.levels) {
    if (!y_axis.shows(level.y)) continue;
    const double y = y_axis(level.y);
    out += svg_line(x_axis.from, y, x_axis.to, y, "level");
    double label = y - 4;  // above its line, below it where that place is taken
    for (const double other : taken)
      if (std::abs(other - label) < 13) label = y + 13;
    taken.push_back(label);
    out += svg_text(x_axis.to - 4, label, level.label, Anchor::end, "small halo");
  }
  return out;
}

}  // namespace

std::string draw(const Plot& plot, Box box) {
  Range x_range, y_range;
  for (const Series& series : plot.series) {
    check<ShapeError>(series.x.size() == series.y.size(), "plot: '", series.name, "' has ",
                      series.x.size(), " x and ", series.y.size(),
                      " y: each point needs both: give as many of each");
    for (size_t i = 0; i < series.x.size(); ++i) {
      if (!std::isfinite(series.y[i])) continue;
      x_range.include(series.x[i], plot.log_x);
      y_range.include(series.y[i], plot.log_y);
    }
  }
  for (const Level& level : plot.levels) y_range.include(level.y, plot.log_y);
  x_range.widen(0.02);
  y_range.widen(0.05);

  std::string out;
  double top = box.y + 4;
  if (!plot.title.empty()) out += svg_text(box.x, (top += 16) - 4, plot.title, Anchor::start, "h");
  double legend_height = 0;
  out += draw_legend(plot, box, top + 14, legend_height);
  top += legend_height + 8;
  const double bottom = box.y + box.height - (plot.x_label.empty() ? 24 : 44);

  Axis y_axis{y_range.low, y_range.high, bottom, top, plot.log_y};
  const auto y_ticks = y_axis.ticks(std::max(2, static_cast<int>((bottom - top) / 45)));
  double label_space = 0;
  for (const double t : y_ticks)
    label_space = std::max(label_space, label_width(tick_label(t, y_ticks, plot.log_y)));
  const double left = box.x + label_space + 10 + (plot.y_label.empty() ? 0 : 20);
  Axis x_axis{x_range.low, x_range.high, left, box.x + box.width - 8, plot.log_x};
  const auto x_ticks = x_axis.ticks(std::max(2, static_cast<int>((x_axis.to - left) / 80)));

  for (const double t : y_ticks) {
    out += svg_line(left, y_axis(t), x_axis.to, y_axis(t), "g");
    out += svg_text(left - 6, y_axis(t) + 4, tick_label(t, y_ticks, plot.log_y), Anchor::end);
  }
  for (const double t : x_ticks) {
    out += svg_line(x_axis(t), bottom, x_axis(t), bottom + 4, "a");
    out += svg_text(x_axis(t), bottom + 18, tick_label(t, x_ticks, plot.log_x), Anchor::middle);
  }
  out += svg_line(left, bottom, x_axis.to, bottom, "a") + svg_line(left, top, left, bottom, "a");
  if (!plot.x_label.empty())
    out += svg_text((left + x_axis.to) / 2, bottom + 36, plot.x_label, Anchor::middle);
  if (!plot.y_label.empty()) {
    const double x = box.x + 12, y = (top + bottom) / 2;
    out += svg_text(x, y, plot.y_label, Anchor::middle, "t",
                    "rotate(-90 " + at(x) + ' ' + at(y) + ')');
  }
  for (size_t i = 0; i < plot.series.size(); ++i)
    out += draw_series(plot.series[i], static_cast<int>(i), x_axis, y_axis);
  return out + draw_levels(plot, x_axis, y_axis);
}

std::vector<double> smoothed(const std::vector<double>& y, double window) {
  const double b = 1 - 1 / std::max(1.0, window);
  std::vector<double> sums(y.size()), weights(y.size());
  const auto sweep = [&](size_t i, double& sum, double& weight) {
    sums[i] += b * sum, weights[i] += b * weight;  // what lies behind i, without i itself
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

Plot loss_plot(const std::vector<double>& steps, const std::vector<double>& losses,
               const std::vector<Level>& baselines) {
  Plot plot{.title = "Loss", .x_label = "step", .y_label = "loss", .levels = baselines};
  plot.series.push_back({.name = "each step", .x = steps, .y = losses, .faint = true, .colour = 0});
  plot.series.push_back({.name = "smoothed",
                         .x = steps,
                         .y = smoothed(losses, static_cast<double>(losses.size()) / 100),
                         .colour = 0});
  return plot;
}

std::vector<double> nice_ticks(double low, double high, int count) {
  if (!(high > low)) return {low};
  const double rough = (high - low) / std::max(1, count);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    ticks.push_back(i == 0 ? 0 : i * step);
  return ticks.size() < 2 ? nice_ticks(low, high, count + 1) : ticks;  // one alone shows no scale
}

std::vector<double> log_ticks(double low, double high, int count) {
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  std::vector<double> powers, all;
  for (int e = first; e <= last; ++e)
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10, e);
      if (tick < low * (1 - 1e-9) || tick > high * (1 + 1e-9)) continue;
      all.push_back(tick);
      if (factor == 1) powers.push_back(tick);
    }
  if (powers.size() < 3 && !all.empty()) return all;
  const auto most = static_cast<size_t>(std::max(count, 1));
  const size_t every = (powers.size() + most - 1) / most;
  std::vector<double> ticks;
  for (size_t i = 0; i < powers.size(); i += every) ticks.push_back(powers[i]);
  return ticks.empty() ? nice_ticks(low, high, count) : ticks;
}

}  // namespace heed::kit
