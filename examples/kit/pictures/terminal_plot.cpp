#include <heed/examples/kit/pictures/terminal_plot.h>

#include <algorithm>
#include <cmath>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

struct Span {
  double low = 0, high = 0;
  bool any = false;
  void include(double v) {
    if (!drawable(v)) return;
    low = any ? std::min(low, v) : v;
    high = any ? std::max(high, v) : v;
    any = true;
  }
  /// The level of v, 0 … levels-1.
  int level(double v, int levels) const {
    if (!(high > low)) return 0;
    const double step =
        (v / 2 - low / 2) / (high / 2 - low / 2) * levels;  // halves, so that differences do not overflow
    return step > 0 ? static_cast<int>(std::min<double>(step, levels - 1)) : 0;
  }
};

/// Ends the last line, without trailing blanks.
void end_line(std::string& text) {
  text.erase(text.find_last_not_of(' ') + 1);
  text += '\n';
}

}  // namespace

std::string sparkline(const std::vector<double>& values, int columns) {
  static const char* const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const size_t stretches = std::min(values.size(), static_cast<size_t>(std::max(columns, 0)));
  std::vector<double> means;
  Span span;
  for (size_t i = 0; i < stretches; ++i) {
    double sum = 0, count = 0;
    for (size_t k = i * values.size() / stretches; k < (i + 1) * values.size() / stretches; ++k)
      if (std::isfinite(values[k])) sum += values[k], ++count;
    means.push_back(sum / count);  // NaN if no value is finite
    span.include(means.back());
  }
  std::string line;
  for (const double mean : means) line += drawable(mean) ? bars[span.level(mean, 8)] : " ";
  return line;
}

std::string terminal_heat_map(const HeatMap& map, bool numbers) {
  const auto fits = [](size_t labels, int64_t n) { return labels == 0 || static_cast<int64_t>(labels) == n; };
  check<ShapeError>(static_cast<int64_t>(map.values.size()) == map.rows * map.columns &&
                        fits(map.row_labels.size(), map.rows) && fits(map.column_labels.size(), map.columns),
                    "heat map: ", map.rows, " rows and ", map.columns, " columns, but ", map.values.size(), " values, ",
                    map.row_labels.size(), " row and ", map.column_labels.size(),
                    " column labels: give rows x columns values, and a label per row and column, or none");
  static const char* const shades[] = {"·", "░", "▒", "▓", "█"};
  Span span;
  for (const double v : map.values) span.include(v);
  if (span.low > 0) span.low = 0;
  if (map.low && drawable(*map.low)) span.low = *map.low;
  if (map.high && drawable(*map.high)) span.high = *map.high;

  std::vector<std::string> rows, columns;  // the labels, which may be words from a file
  for (const auto& label : map.row_labels) rows.push_back(harmless(label));
  for (const auto& label : map.column_labels) columns.push_back(harmless(label));
  int left = 0;
  for (const auto& label : rows) left = std::max(left, text_width(label));
  left = std::min(left, 16);
  std::vector<int> widths;
  for (int64_t j = 0; j < map.columns; ++j)
    widths.push_back(std::clamp(columns.empty() ? 0 : text_width(columns[j]), numbers ? 4 : 2, 10));
  std::string out;
  if (!map.title.empty()) out += map.title + '\n';
  if (!columns.empty()) {
    out += std::string(left, ' ');
    for (int64_t j = 0; j < map.columns; ++j) out += ' ' + fit(columns[j], widths[j]);
    end_line(out);
  }
  for (int64_t i = 0; i < map.rows; ++i) {
    const std::string label = rows.empty() ? "" : rows[i];
    const std::string name = fit(label, std::min(left, text_width(label)));
    out += std::string(left - text_width(name), ' ') + name;
    for (int64_t j = 0; j < map.columns; ++j) {
      const double v = map.values[i * map.columns + j];
      std::string cell = "  ";
      if (drawable(v)) {
        const std::string shade = shades[span.level(v, 5)];
        cell = !numbers ? shade + shade : std::abs(v) < 1000 ? fixed(v, 2) : general(v, 2);
      } else if (!std::isnan(v)) {
        cell = v > 0 ? "+∞" : "-∞";
      }
      out += ' ' + fit(cell, widths[j]);
    }
    end_line(out);
  }
  return out;
}

}  // namespace heed::kit
