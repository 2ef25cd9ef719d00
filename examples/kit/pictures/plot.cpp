#include <heed/examples/kit/pictures/plot.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/core/error.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/svg.h>

namespace heed::kit {
namespace {

bool axis_shows(double v, bool log) { return drawable(v) && (!log || v >= 1e-300); }

/// One axis: data -> pixels.
struct Axis {
  double low, high;  // data; logarithms of it on a log axis
  double from, to;   // pixels
  bool log;

  double operator()(double v) const { return from + ((log ? std::log10(v) : v) - low) / (high - low) * (to - from); }
  bool shows(double v) const { return axis_shows(v, log); }
  std::vector<double> ticks(int count) const {
    const auto power = [](double exponent) { return std::pow(10, std::clamp(exponent, -307.0, 307.0)); };
    return log ? log_ticks(power(low), power(high), count) : nice_ticks(low, high, count);
  }
};

/// The range of the values shown, a little wider, never empty.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double v, bool log) {
    if (!axis_shows(v, log)) return;
    low = std::min(low, log ? std::log10(v) : v);
    high = std::max(high, log ? std::log10(v) : v);
  }
  /// `keep_low`, `keep_high`: these ends were asked for and stay.
  void widen(double part, bool keep_low = false, bool keep_high = false) {
    if (low > high) low = 0, high = 1;
    // Values that differ only by rounding are treated as equal: no tick would lie between them.
    const double size = std::max(std::abs(low), std::abs(high)), span = high - low;
    const bool one_value = span <= 1e-9 * size || span < 1e-300;
    const double extra = one_value ? std::max(0.5, 0.05 * size) : part * span;
    if (!keep_low || one_value) low -= extra;
    if (!keep_high || one_value) high += extra;
  }
};

/// Widens the range of the data to the ends that were asked for, and by a part of its length where none was.
void finish(Range& range, double part, const std::optional<double>& low, const std::optional<double>& high, bool log) {
  for (const std::optional<double>& end : {low, high})
    if (end) range.include(*end, log);
  const auto is_at = [&](const std::optional<double>& asked, double end) {
    return asked && axis_shows(*asked, log) && (log ? std::log10(*asked) : *asked) == end;
  };
  range.widen(part, is_at(low, range.low), is_at(high, range.high));
}

std::string left_out_text(int64_t count, bool log) {
  return std::to_string(count) + (count == 1 ? " value" : " values") + " left out: not finite" +
         (log ? ", or not above 0" : "");
}

/// All ticks have as many decimals as their distance needs: 1.0, 1.5, 2.0.
std::string tick_label(double value, const std::vector<double>& ticks, bool log) {
  if (value == 0) return "0";
  if (log || ticks.size() < 2 || std::abs(value) >= 1e6 || std::abs(ticks[1] - ticks[0]) < 1e-4)
    return general(value, 6);
  return fixed(value, std::max(0, static_cast<int>(std::ceil(-std::log10(ticks[1] - ticks[0]) - 1e-9))));
}

/// At most two points per pixel column, its lowest and its highest: more would not be visible.
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

/// From left to right along the upper ends, and back along the lower ones; where an end is missing, a new piece begins.
std::string draw_band(const Series& series, int number, const Axis& x_axis, const Axis& y_axis) {
  std::string pieces, there, back;
  for (size_t i = 0; i <= series.low.size(); ++i) {
    const bool shown = i < series.low.size() && x_axis.shows(series.x[i]) && y_axis.shows(series.low[i]) &&
                       y_axis.shows(series.high[i]);
    if (shown) {
      const std::string x = at(x_axis(series.x[i])) + ' ';
      there += (there.empty() ? "M" : "L") + x + at(y_axis(series.high[i]));
      back = 'L' + x + at(y_axis(series.low[i])) + back;
    } else if (!there.empty()) {
      pieces += there + back + 'Z';
      there.clear(), back.clear();
    }
  }
  if (pieces.empty()) return "";
  return "<path class=\"band f" + std::to_string(series.colour.value_or(number) % 8) + "\" d=\"" + pieces + "\"/>\n";
}

std::string draw_series(const Series& series, int number, const Axis& x_axis, const Axis& y_axis) {
  const std::string colour = std::to_string(series.colour.value_or(number) % 8);
  std::string out;
  if (series.mark == Mark::dots) {
    for (size_t i = 0; i < series.x.size(); ++i)
      if (x_axis.shows(series.x[i]) && y_axis.shows(series.y[i]))
        out += "<circle class=\"dot f" + colour + "\" r=\"" + (series.faint ? "2" : "3.2") + "\" cx=\"" +
               at(x_axis(series.x[i])) + "\" cy=\"" + at(y_axis(series.y[i])) + "\"/>\n";
    return out;
  }
  std::vector<double> x = series.x, y = series.y;
  if (std::all_of(y.begin(), y.end(), [&](double v) { return y_axis.shows(v); }))
    thin_out(x, y, static_cast<size_t>(std::abs(x_axis.to - x_axis.from)));
  std::string path;
  bool pen_down = false;
  const auto shown = [&](size_t i) { return i < x.size() && x_axis.shows(x[i]) && y_axis.shows(y[i]); };
  for (size_t i = 0; i < x.size(); ++i) {
    if (shown(i)) {
      const std::string px = at(x_axis(x[i])), py = at(y_axis(y[i]));
      path += (pen_down ? "L" : "M") + px + ' ' + py;
      if (!pen_down && !shown(i + 1))  // an isolated point: a line of length 0 is invisible
        out += "<circle class=\"dot f" + colour + "\" r=\"2.5\" cx=\"" + px + "\" cy=\"" + py + "\"/>\n";
    }
    pen_down = shown(i);
  }
  if (path.empty()) return out;
  return out + "<path class=\"line s" + colour + (series.mark == Mark::dashes ? " dashes" : "") +
         (series.faint ? " faint" : "") + "\" d=\"" + path + "\"/>\n";
}

/// Rows of "— name" above the plot. Returns the text; `height` is the height that it takes.
std::string draw_legend(const Plot& plot, const Box& box, double y, double& height) {
  std::string out;
  double x = box.x;
  height = 0;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const Series& series = plot.series[i];
    if (series.name.empty()) continue;
    const double width = 30 + label_width(series.name) + 20;
    if (height == 0) height = 20;
    if (x > box.x && x + width > box.x + box.width) x = box.x, y += 20, height += 20;
    const std::string colour = std::to_string(series.colour.value_or(static_cast<int>(i)) % 8);
    if (series.mark == Mark::dots)
      out += "<circle class=\"dot f" + colour + "\" r=\"4\" cx=\"" + at(x + 12) + "\" cy=\"" + at(y - 4) + "\"/>\n";
    else
      out +=
          svg_line(x, y - 4, x + 24, y - 4,
                   "line s" + colour + (series.mark == Mark::dashes ? " dashes" : "") + (series.faint ? " faint" : ""));
    out += svg_text(x + 30, y, series.name);
    x += width;
  }
  return out;
}

/// Whether a curve passes through a label of this width at the right end of the plot.
bool covers_a_curve(const Plot& plot, const Axis& x_axis, const Axis& y_axis, double width, double y) {
  for (const Series& series : plot.series)
    for (size_t i = 0; i < series.x.size(); ++i)
      if (!series.faint && x_axis.shows(series.x[i]) && y_axis.shows(series.y[i]) &&
          x_axis(series.x[i]) > x_axis.to - width && std::abs(y_axis(series.y[i]) - (y - 4)) < 8)
        return true;
  return false;
}

std::string draw_levels(const Plot& plot, const Axis& x_axis, const Axis& y_axis) {
  std::string out;
  std::vector<double> taken;  // heights of the labels at the right end
  for (const Level& level : plot.levels) {
    if (!y_axis.shows(level.y)) continue;
    const double y = y_axis(level.y);
    out += svg_line(x_axis.from, y, x_axis.to, y, "level");
    double label = y - 4;  // above its line, below it where that position is taken
    for (const double other : taken)
      if (std::abs(other - label) < 13) label = y + 13;
    taken.push_back(label);
    const bool left = covers_a_curve(plot, x_axis, y_axis, label_width(level.label), label);
    out += svg_text(left ? x_axis.from + 4 : x_axis.to - 4, label, level.label, left ? Anchor::start : Anchor::end,
                    "small halo");
  }
  return out;
}

}  // namespace

std::string draw(const Plot& plot, Box box) {
  Range x_range, y_range;
  int64_t left_out = 0;
  for (const Series& series : plot.series) {
    check<ShapeError>(series.x.size() == series.y.size(), "plot: '", series.name, "' has ", series.x.size(), " x and ",
                      series.y.size(), " y: each point needs both: give as many of each");
    for (size_t i = 0; i < series.x.size(); ++i) {
      const bool pen_lift = std::isnan(series.x[i]) && std::isnan(series.y[i]);
      if (!axis_shows(series.x[i], plot.log_x) || !axis_shows(series.y[i], plot.log_y)) {
        left_out += !pen_lift;
        continue;
      }
      x_range.include(series.x[i], plot.log_x);
      y_range.include(series.y[i], plot.log_y);
    }
    check<ShapeError>(
        series.low.size() == series.high.size() && (series.low.empty() || series.low.size() == series.x.size()),
        "plot: the band of '", series.name, "' has ", series.low.size(), " and ", series.high.size(), " ends for ",
        series.x.size(), " points: give one of each per point, or none");
    for (size_t i = 0; i < series.low.size(); ++i) {
      if (!axis_shows(series.x[i], plot.log_x)) continue;
      y_range.include(series.low[i], plot.log_y);
      y_range.include(series.high[i], plot.log_y);
    }
  }
  for (const Level& level : plot.levels) {
    y_range.include(level.y, plot.log_y);
    left_out += !axis_shows(level.y, plot.log_y);
  }
  finish(x_range, 0.02, plot.x_low, plot.x_high, plot.log_x);
  finish(y_range, 0.05, plot.y_low, plot.y_high, plot.log_y);

  std::string out;
  double top = box.y + 4;
  if (!plot.title.empty()) out += svg_text(box.x, (top += 16) - 4, plot.title, Anchor::start, "h");
  double legend_height = 0;
  out += draw_legend(plot, box, top + 14, legend_height);
  top += legend_height + 8;
  const double bottom = box.y + box.height - (plot.x_label.empty() ? 24 : 44) - (left_out > 0 ? 16 : 0);

  Axis y_axis{y_range.low, y_range.high, bottom, top, plot.log_y};
  const auto y_ticks = y_axis.ticks(std::max(2, static_cast<int>((bottom - top) / 45)));
  double label_space = 0;
  for (const double t : y_ticks) label_space = std::max(label_space, label_width(tick_label(t, y_ticks, plot.log_y)));
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
  if (!plot.x_label.empty()) out += svg_text((left + x_axis.to) / 2, bottom + 36, plot.x_label, Anchor::middle);
  if (left_out > 0)
    out += svg_text(x_axis.to, box.y + box.height - 6, left_out_text(left_out, plot.log_x || plot.log_y), Anchor::end,
                    "small");
  if (!plot.y_label.empty()) {
    const double x = box.x + 12, y = (top + bottom) / 2;
    out += svg_text(x, y, plot.y_label, Anchor::middle, "t", "rotate(-90 " + at(x) + ' ' + at(y) + ')');
  }
  for (size_t i = 0; i < plot.series.size(); ++i) out += draw_band(plot.series[i], static_cast<int>(i), x_axis, y_axis);
  for (size_t i = 0; i < plot.series.size(); ++i)
    out += draw_series(plot.series[i], static_cast<int>(i), x_axis, y_axis);
  return out + draw_levels(plot, x_axis, y_axis);
}

std::vector<double> nice_ticks(double low, double high, int count) {
  const double span = high - low;
  const double least = std::max(1e-300, 1e-12 * std::max(std::abs(low), std::abs(high)));
  if (!(span >= least && span <= 3e300)) return {low};  // no step that a double can represent
  const double rough = (high - low) / std::max(1, count);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    ticks.push_back(i == 0 ? 0 : i * step);
  return ticks.size() < 2 ? nice_ticks(low, high, count + 1) : ticks;  // a single tick shows no scale
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
