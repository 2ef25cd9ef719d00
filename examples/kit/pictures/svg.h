// Pieces of SVG text that line plots and heat maps share. Used by plot.cpp and heat_map.cpp.
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

struct Box {
  double x, y, width, height;
};

struct Colour {
  int red, green, blue;
  std::string hex() const;   // "#0072b2"
  double luminance() const;  // relative luminance of WCAG 2, 0 … 1
};

/// `t` in 0 … 1 on a scale from paper white over blue to navy, or, for `diverging`, from red over
/// white (t = 0.5) to blue. Luminance falls steadily away from white, so it also works in grey.
Colour colour_scale(double t, bool diverging);

enum class Anchor { start, middle, end };

/// <text>. `css` is a class of the style sheet; `transform` e.g. "rotate(-45 10 20)".
std::string svg_text(double x, double y, const std::string& text, Anchor anchor = Anchor::start,
                     const std::string& css = "t", const std::string& transform = {});
std::string svg_line(double x1, double y1, double x2, double y2, const std::string& css);

/// A coordinate: one decimal at most.
std::string at(double coordinate);

/// An upper estimate of a label's width in pixels, at the 12 px used.
double label_width(const std::string& text);

/// A sentence as lines of at most this width.
std::vector<std::string> wrapped(const std::string& text, double width);

/// The panels, drawn into a box with this position and width. `hatch` is the id of the pattern of empty cells.
std::string draw(const Plot& plot, Box box);
std::string draw(const HeatMap& map, Box box, const std::string& hatch = "hatch");
double natural_height(const HeatMap& map, double width);
double natural_width(const HeatMap& map, double width);  // what it needs of it

}  // namespace heed::kit
