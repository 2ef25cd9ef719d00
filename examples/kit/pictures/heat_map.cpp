#include <algorithm>
#include <cmath>

#include <heed/core/error.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/svg.h>

namespace heed::kit {
namespace {

constexpr int longest_label = 22;  // code points; longer labels are cut

/// The layout of a heat map, in pixels relative to its box.
struct Layout {
  double left, top, cell_width, cell_height;
  bool tilted;  // column labels do not fit above their columns
  double right_margin;
};

/// Infinite, or too large to be drawn. (NaN is an empty cell by intention.)
int64_t left_out_of(const HeatMap& map) {
  return std::count_if(map.values.begin(), map.values.end(), [](double v) { return !drawable(v) && !std::isnan(v); });
}

std::string cell_text(double v) { return std::abs(v) < 1000 ? fixed(v, 2) : general(v, 2); }

double widest(const std::vector<std::string>& labels) {
  double width = 0;
  for (const auto& label : labels) width = std::max(width, label_width(label));
  return std::min(width, label_width(std::string(longest_label, 'm')));
}

std::string cut(const std::string& label) {
  return text_width(label) > longest_label ? fit(label, longest_label) : label;
}

Layout lay_out(const HeatMap& map, double width) {
  const double row_label = widest(map.row_labels), column_label = widest(map.column_labels);
  Layout l{};
  l.left = row_label + 8 + (map.row_axis.empty() ? 0 : 20);
  l.right_margin = 70;  // the colour bar and its scale
  const double room = (width - l.left - l.right_margin) / static_cast<double>(std::max<int64_t>(map.columns, 1));
  l.cell_width = std::min(48.0, room);
  l.tilted = column_label + 4 > l.cell_width;
  if (l.tilted && !map.column_labels.empty()) l.right_margin = std::max(l.right_margin, 0.75 * column_label);
  l.cell_width = std::min(l.cell_width,
                          (width - l.left - l.right_margin) / static_cast<double>(std::max<int64_t>(map.columns, 1)));
  l.cell_height = std::min({30.0, l.cell_width, 0.9 * width / static_cast<double>(std::max<int64_t>(map.rows, 1))});
  l.top = (map.title.empty() ? 4 : 24) + (map.column_labels.empty() ? 0 : l.tilted ? 0.75 * column_label + 14 : 18);
  return l;
}

/// Labels closer than 13 pixels are unreadable: only every n-th is then written.
int64_t label_stride(double cell) { return std::max<int64_t>(1, std::llround(std::ceil(13 / cell))); }

std::string draw_labels(const HeatMap& map, const Layout& l, const Box& box) {
  std::string out;
  const double x0 = box.x + l.left, y0 = box.y + l.top;
  for (int64_t i = 0; i < static_cast<int64_t>(map.row_labels.size()); i += label_stride(l.cell_height))
    out +=
        svg_text(x0 - 6, y0 + (static_cast<double>(i) + 0.5) * l.cell_height + 4, cut(map.row_labels[i]), Anchor::end);
  const int64_t every = l.tilted ? label_stride(l.cell_width) : 1;
  for (int64_t j = 0; j < static_cast<int64_t>(map.column_labels.size()); j += every) {
    const double x = x0 + (static_cast<double>(j) + 0.5) * l.cell_width, y = y0 - 6;
    out += l.tilted ? svg_text(x + 3, y, cut(map.column_labels[j]), Anchor::start, "t",
                               "rotate(-45 " + at(x + 3) + ' ' + at(y) + ')')
                    : svg_text(x, y, cut(map.column_labels[j]), Anchor::middle);
  }
  if (!map.title.empty()) out += svg_text(box.x, box.y + 14, map.title, Anchor::start, "h");
  if (!map.column_axis.empty())
    out += svg_text(x0 + 0.5 * l.cell_width * static_cast<double>(map.columns),
                    y0 + l.cell_height * static_cast<double>(map.rows) + 16, map.column_axis, Anchor::middle, "small");
  if (!map.row_axis.empty()) {
    const double x = box.x + 12, y = y0 + 0.5 * l.cell_height * static_cast<double>(map.rows);
    out += svg_text(x, y, map.row_axis, Anchor::middle, "small", "rotate(-90 " + at(x) + ' ' + at(y) + ')');
  }
  return out;
}

std::string draw_colour_bar(double low, double high, bool diverging, double x, double y, double height) {
  std::string out;
  constexpr int bands = 24;
  for (int i = 0; i < bands; ++i)
    out += "<rect x=\"" + at(x) + "\" y=\"" + at(y + height * i / bands) + "\" width=\"12\" height=\"" +
           at(height / bands + 0.5) + "\" fill=\"" + colour_scale(1 - (i + 0.5) / bands, diverging).hex() + "\"/>\n";
  return out + svg_text(x + 17, y + 9, general(high == 0 ? 0 : high, 3), Anchor::start, "small") +
         svg_text(x + 17, y + height, general(low, 3), Anchor::start, "small");
}

}  // namespace

double natural_height(const HeatMap& map, double width) {
  const Layout l = lay_out(map, width);
  return l.top + std::max(60.0, l.cell_height * static_cast<double>(map.rows)) + (map.column_axis.empty() ? 8 : 22) +
         (left_out_of(map) > 0 ? 16 : 0);
}

double natural_width(const HeatMap& map, double width) {
  const Layout l = lay_out(map, width);
  return l.left + l.cell_width * static_cast<double>(map.columns) + l.right_margin;
}

std::string draw(const HeatMap& map, Box box, const std::string& hatch) {
  const auto fits = [](size_t labels, int64_t n) { return labels == 0 || static_cast<int64_t>(labels) == n; };
  check<ShapeError>(
      map.rows > 0 && map.columns > 0 && static_cast<int64_t>(map.values.size()) == map.rows * map.columns,
      "heat map: ", map.rows, " rows and ", map.columns, " columns, but ", map.values.size(),
      " values: give rows x columns of them, row by row");
  check<ShapeError>(fits(map.row_labels.size(), map.rows) && fits(map.column_labels.size(), map.columns),
                    "heat map: ", map.rows, " rows and ", map.columns, " columns, but ", map.row_labels.size(), " and ",
                    map.column_labels.size(), " labels: give one per row and column, or none");
  double low = 0, high = 0;
  bool any = false;
  for (const double v : map.values) {
    if (!drawable(v)) continue;
    low = any ? std::min(low, v) : v;
    high = any ? std::max(high, v) : v;
    any = true;
  }
  // A scale of weights (>= 0) starts at white; a scale with both signs has white at zero.
  const bool diverging = map.low.value_or(low) < 0 && map.high.value_or(high) > 0;
  if (low >= 0) low = 0;
  if (diverging) low = -(high = std::max(-low, high));
  if (map.low && drawable(*map.low)) low = *map.low;
  if (map.high && drawable(*map.high)) high = *map.high;
  if (!(high > low)) high = low + std::max(1.0, std::abs(low));

  const Layout l = lay_out(map, box.width);
  const double x0 = box.x + l.left, y0 = box.y + l.top;
  const bool numbers = map.numbers.value_or(l.cell_width >= 32 && l.cell_height >= 16);
  std::string cells, texts;
  // Edges as they will be written: a cell ends where the next one begins, without a line of background between.
  const auto written = [](double edge) { return std::round(edge * 10) / 10; };
  const auto left = [&](int64_t j) { return written(x0 + static_cast<double>(j) * l.cell_width); };
  const auto top = [&](int64_t i) { return written(y0 + static_cast<double>(i) * l.cell_height); };
  for (int64_t i = 0; i < map.rows; ++i)
    for (int64_t j = 0; j < map.columns; ++j) {
      const double v = map.values[i * map.columns + j];
      if (!drawable(v)) continue;
      const Colour colour = colour_scale((v - low) / (high - low), diverging);
      const double x = left(j), y = top(i);
      cells += "<rect x=\"" + at(x) + "\" y=\"" + at(y) + "\" width=\"" + at(left(j + 1) - x) + "\" height=\"" +
               at(top(i + 1) - y) + "\" fill=\"" + colour.hex() + "\"/>\n";
      if (numbers)
        texts += svg_text(x + l.cell_width / 2, y + l.cell_height / 2 + 4, cell_text(v), Anchor::middle,
                          colour.luminance() < 0.179 ? "small white" : "small black");
    }
  std::string out = "<g shape-rendering=\"crispEdges\">\n" + cells + "</g>\n" + texts;
  // The frame; if there are empty cells, it is drawn first, hatched, and shows through them.
  const bool gaps = std::any_of(map.values.begin(), map.values.end(), [](double v) { return !drawable(v); });
  const std::string frame = "<rect class=\"a\" fill=\"" + (gaps ? "url(#" + hatch + ")" : std::string("none")) +
                            "\" x=\"" + at(x0) + "\" y=\"" + at(y0) + "\" width=\"" +
                            at(l.cell_width * static_cast<double>(map.columns)) + "\" height=\"" +
                            at(l.cell_height * static_cast<double>(map.rows)) + "\"/>\n";
  const int64_t left_out = left_out_of(map);
  if (left_out > 0)
    out += svg_text(x0, box.y + natural_height(map, box.width) - 6,
                    std::to_string(left_out) + " left out, hatched: not finite", Anchor::start, "small");
  return (gaps ? frame + out : out + frame) + draw_labels(map, l, box) +
         draw_colour_bar(low, high, diverging, x0 + l.cell_width * static_cast<double>(map.columns) + 12, y0,
                         std::max(60.0, l.cell_height * static_cast<double>(map.rows)));
}

}  // namespace heed::kit
