// Pictures: line plots and heat maps in one self-contained SVG file that any browser opens.
//
//     kit::save_svg("loss.svg", {.title = "Loss", .panels = {kit::loss_plot(steps, losses)}});
//
// Colours are those of Okabe & Ito 2008, which colour-blind people can tell apart; the file follows
// the reader's light or dark mode. Same input, same bytes.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <heed/examples/kit/metrics_log.h>

namespace heed::kit {

/// Whether pictures show v: finite, and far enough from the largest double for differences to stay finite.
/// Other values are left out, and the picture says how many.
inline bool drawable(double v) { return std::abs(v) <= 1e300; }  // false for NaN

enum class Mark { line, dashes, dots };

struct Series {
  std::string name = {};               // in the legend; "": not in the legend
  std::vector<double> x = {}, y = {};  // a value that is not drawable breaks the line; NaN for both lifts the pen
  Mark mark = Mark::line;
  bool faint = false;                        // pale and thin: a raw curve beneath its smoothed one
  std::optional<int> colour = std::nullopt;  // 0 … 7; by default the index of the series
  std::vector<double> low = {}, high = {};   // one each per point, or none: the band between them is shaded
};

/// A labelled horizontal line: a baseline, a published value.
struct Level {
  double y;
  std::string label;
};

struct Plot {
  std::string title = {};
  std::string x_label = {}, y_label = {};
  std::vector<Series> series = {};
  std::vector<Level> levels = {};
  bool log_x = false, log_y = false;  // values <= 0 are then left out
  // Ends of the axes, as y 0 and 1 for a fraction. By default they are those of the data, a little wider; a value
  // beyond them is drawn all the same, and the axis then reaches to it.
  std::optional<double> y_low = std::nullopt, y_high = std::nullopt;
  std::optional<double> x_low = std::nullopt, x_high = std::nullopt;
};

struct HeatMap {
  std::string title = {};
  std::string row_axis = {}, column_axis = {};                   // "queries", "keys"
  std::vector<std::string> row_labels = {}, column_labels = {};  // one per row and column, or none
  int64_t rows = 0, columns = 0;
  std::vector<double> values = {};                                // row-major; a NaN is an empty cell, hatched
  std::optional<double> low = std::nullopt, high = std::nullopt;  // ends of the colour scale
  std::optional<bool> numbers = std::nullopt;                     // values in the cells; by default if they fit
};

using Panel = std::variant<Plot, HeatMap>;

struct Figure {
  std::string title = {};
  std::string note = {};         // below the title: one sentence that says what to see
  std::string description = {};  // for screen readers; by default the note and the panels' titles
  std::vector<Panel> panels = {};
  int columns = 1;
  int panel_width = 640, panel_height = 400;  // a heat map has the height that it needs
};

/// Throws ShapeError if lengths or label counts do not fit.
std::string svg(const Figure& figure);
void save_svg(const std::filesystem::path& file, const Figure& figure);

/// The same for a page with several pictures: its ids begin with `id`, and svg_style(), which belongs once on the
/// page, is not in it.
std::string svg_element(const Figure& figure, const std::string& id);
std::string svg_style();

/// Σⱼ b^|i-j| yⱼ / Σⱼ b^|i-j|, b = 1 - 1/window: a kernel mean over both sides, so that the curve
/// does not lag. Values that are not finite are left out. O(n).
std::vector<double> smoothed(const std::vector<double>& y, double window);

/// A training loss as it was logged, and the validation loss, if there is one.
struct LossCurve {
  std::string name = {};  // of the model, if there are several
  Metric training = {}, validation = {};
};

/// The logged losses pale, a smoothed curve over them, the validation losses dashed, baselines as levels. The
/// axis is logarithmic if the curves span decades.
Plot loss_plot(const std::vector<LossCurve>& curves, const std::vector<Level>& baselines = {});
Plot loss_plot(const std::vector<double>& steps, const std::vector<double>& losses,
               const std::vector<Level>& baselines = {});

/// Round numbers inside [low, high], 1, 2 or 5 times a power of ten apart: about `count`, at least
/// two.
std::vector<double> nice_ticks(double low, double high, int count);

/// 1, 2 and 5 times powers of ten inside [low, high]; only powers of ten if these are enough.
/// REQUIRES: 0 < low <= high
std::vector<double> log_ticks(double low, double high, int count);

}  // namespace heed::kit
