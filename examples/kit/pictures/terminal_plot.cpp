#include <heed/examples/kit/pictures/terminal_plot.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <heed/core/error.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/terminal.h>

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

namespace {

constexpr int levels = 5;
const char* const shades[levels] = {"·", "░", "▒", "▓", "█"};

/// Where each shade but the first begins.
struct Steps {
  double from[levels - 1];

  int level(double v) const {
    return static_cast<int>(std::count_if(std::begin(from), std::end(from), [v](double begin) { return v >= begin; }));
  }
};

/// Whether the rows are weights: not negative, each with a sum of 1, or of 0 where nothing may be attended to.
bool holds_weights(const HeatMap& map) {
  for (int64_t i = 0; i < map.rows; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < map.columns; ++j) {
      const double v = map.values[i * map.columns + j];
      if (std::isnan(v)) continue;
      if (!(v >= 0 && v <= 1.001)) return false;
      sum += v;
    }
    // A map that says that it ends at 1 may show a part of the keys only.
    if (sum > 1.001 || (sum > 1e-9 && sum < 0.999 && map.high != 1.0)) return false;
  }
  return map.columns > 0;
}

Steps steps_of(const HeatMap& map) {
  Span span;
  for (const double v : map.values) span.include(v);
  Steps steps{};
  if (holds_weights(map) && span.high > 0) {
    const double top = map.high && drawable(*map.high) ? std::max(*map.high, span.high) : span.high;
    const double first = std::min(0.5 / static_cast<double>(map.columns), top / 2);
    for (int k = 0; k < levels - 1; ++k) steps.from[k] = first * std::pow(top / first, k / double{levels - 1});
    return steps;
  }
  if (span.low > 0) span.low = 0;
  if (map.low && drawable(*map.low)) span.low = *map.low;
  if (map.high && drawable(*map.high)) span.high = *map.high;
  for (int k = 0; k < levels - 1; ++k) {
    const double part = (k + 1) / double{levels};
    steps.from[k] = span.high > span.low ? span.low * (1 - part) + span.high * part
                                         : std::numeric_limits<double>::infinity();  // all equal: all are the lowest
  }
  return steps;
}

/// "· < 0.17  ░ < 0.26  …  █", in lines of at most `width`.
std::string scale_text(const Steps& steps, int width) {
  std::string text, line;
  for (int k = 0; k < levels; ++k) {
    const std::string part = k + 1 < levels ? std::string(shades[k]) + " < " + general(steps.from[k], 2) : shades[k];
    if (!line.empty() && width > 0 && text_width(line) + 2 + text_width(part) > width)
      text += line + '\n', line.clear();
    line += (line.empty() ? "" : "  ") + part;
  }
  return text + line + '\n';
}

/// A label over cells of this width: of one character, its first.
std::string heading(const std::string& label, int width) {
  if (width > 1) return fit(label, width);
  size_t end = std::min<size_t>(1, label.size());
  while (end < label.size() && (static_cast<unsigned char>(label[end]) & 0xC0) == 0x80) ++end;
  return end == 0 ? " " : label.substr(0, end);
}

/// Characters per label and cell, and how many columns are shown.
struct Room {
  int left = 0;
  std::vector<int> cells;
  bool apart = true;  // a blank between cells

  int width() const {
    int sum = left;
    for (const int cell : cells) sum += cell + apart;
    return sum;
  }
};

Room room_of(const std::vector<std::string>& rows, const std::vector<std::string>& columns, int64_t count, bool numbers,
             int width) {
  Room room;
  for (const auto& label : rows) room.left = std::max(room.left, text_width(label));
  room.left = std::min(room.left, 16);
  for (int64_t j = 0; j < count; ++j)
    room.cells.push_back(std::clamp(columns.empty() ? 0 : text_width(columns[j]), numbers ? 4 : 2, 10));
  if (width <= 0 || room.width() <= width) return room;
  room.left = std::min(room.left, 6);
  for (int& cell : room.cells) cell = numbers ? 4 : 2;
  if (room.width() > width && !numbers) {
    for (int& cell : room.cells) cell = 1;
    room.apart = false;
    room.left += 1;  // and one blank before them
  }
  while (room.cells.size() > 1 && room.width() > width) room.cells.pop_back();
  return room;
}

}  // namespace

std::string terminal_heat_map(const HeatMap& map, bool numbers, int width) {
  const auto fits = [](size_t labels, int64_t n) { return labels == 0 || static_cast<int64_t>(labels) == n; };
  check<ShapeError>(static_cast<int64_t>(map.values.size()) == map.rows * map.columns &&
                        fits(map.row_labels.size(), map.rows) && fits(map.column_labels.size(), map.columns),
                    "heat map: ", map.rows, " rows and ", map.columns, " columns, but ", map.values.size(), " values, ",
                    map.row_labels.size(), " row and ", map.column_labels.size(),
                    " column labels: give rows x columns values, and a label per row and column, or none");
  const Steps steps = steps_of(map);
  std::vector<std::string> rows, columns;  // the labels, which may be words from a file
  for (const auto& label : map.row_labels) rows.push_back(harmless(label));
  for (const auto& label : map.column_labels) columns.push_back(harmless(label));
  const Room room = room_of(rows, columns, map.columns, numbers, width);
  const char* const between = room.apart ? " " : "";
  std::string out;
  if (!map.title.empty())
    out += (width > 0 && text_width(map.title) > width ? fit(map.title, width) : map.title) + '\n';
  if (!columns.empty()) {
    out += std::string(room.left, ' ');
    for (size_t j = 0; j < room.cells.size(); ++j) out += between + heading(columns[j], room.cells[j]);
    end_line(out);
  }
  for (int64_t i = 0; i < map.rows; ++i) {
    const int space = room.left - !room.apart;
    const std::string label = rows.empty() ? "" : rows[i];
    const std::string name = fit(label, std::min(space, text_width(label)));
    out += std::string(space - text_width(name), ' ') + name + (room.apart ? "" : " ");
    for (size_t j = 0; j < room.cells.size(); ++j) {
      const double v = map.values[i * map.columns + static_cast<int64_t>(j)];
      std::string cell = "  ";
      if (drawable(v)) {
        const std::string shade = shades[steps.level(v)];
        cell = numbers              ? (std::abs(v) < 1000 ? fixed(v, 2) : general(v, 2))
               : room.cells[j] == 1 ? shade
                                    : shade + shade;
      } else if (!std::isnan(v)) {
        cell = room.cells[j] == 1 ? "∞" : v > 0 ? "+∞" : "-∞";
      } else if (room.cells[j] == 1) {
        cell = " ";
      }
      out += between + fit(cell, room.cells[j]);
    }
    end_line(out);
  }
  const int64_t left_out = map.columns - static_cast<int64_t>(room.cells.size());
  if (left_out > 0) out += cat("… ", left_out, left_out == 1 ? " column" : " columns", " more") + '\n';
  const bool no_scale = numbers || !std::isfinite(steps.from[0]);
  return no_scale ? out : out + '\n' + scale_text(steps, width);
}

int picture_width() { return is_terminal(Stream::out) ? terminal_width(Stream::out) : 0; }

}  // namespace heed::kit
