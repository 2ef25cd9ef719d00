#include <heed/examples/kit/pictures/svg.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

// t text, h heading, g grid, a axis, s0…s7 series, e edge of a cell. Presentation only: without it
// the picture is still right, in black.
constexpr const char* style = R"css(svg text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1b1b1b}
svg .h{font-weight:600;font-size:14px}svg .title{font-weight:600;font-size:17px}svg .small{font-size:11px}svg .note{font-size:13px;fill:#444}
svg .white{fill:#fff}svg .black{fill:#000}
.paper{fill:#fff}.g{stroke:#ddd}.a{stroke:#555}.level{stroke:#555;stroke-dasharray:2 4}
.halo{stroke:#fff;stroke-width:3px;stroke-linejoin:round;paint-order:stroke}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.dashes{stroke-dasharray:7 4}
.faint{stroke-width:1;opacity:.4}.band{stroke:none;opacity:.2}.dot{stroke:none;opacity:.8}
.s0{stroke:#0072b2}.s1{stroke:#d55e00}.s2{stroke:#009e73}.s3{stroke:#cc79a7}
.s4{stroke:#e69f00}.s5{stroke:#56b4e9}.s6{stroke:#9a8700}.s7{stroke:#1b1b1b}
.f0{fill:#0072b2}.f1{fill:#d55e00}.f2{fill:#009e73}.f3{fill:#cc79a7}
.f4{fill:#e69f00}.f5{fill:#56b4e9}.f6{fill:#9a8700}.f7{fill:#1b1b1b}
@media (prefers-color-scheme:dark){
svg text{fill:#e8e8e8}svg .note{fill:#c4c7cc}svg .white{fill:#fff}svg .black{fill:#000}
.paper{fill:#16181c}.g{stroke:#33373d}.a{stroke:#9aa0a6}.level{stroke:#9aa0a6}.halo{stroke:#16181c}
.s0{stroke:#4fa8dc}.s6{stroke:#f0e442}.s7{stroke:#e8e8e8}
.f0{fill:#4fa8dc}.f6{fill:#f0e442}.f7{fill:#e8e8e8}
}
)css";

const std::string& title_of(const Panel& panel) {
  return std::visit([](const auto& p) -> const std::string& { return p.title; }, panel);
}

std::string described(const Figure& figure) {
  if (!figure.description.empty()) return figure.description;
  std::string titles;
  for (const Panel& panel : figure.panels)
    if (!title_of(panel).empty()) titles += (titles.empty() ? "" : "; ") + title_of(panel);
  if (!figure.note.empty()) return titles.empty() ? figure.note : figure.note + ' ' + titles;
  return titles.empty() ? figure.title : titles;
}

double mix(double a, double b, double t) { return a + (b - a) * t; }

Colour mix(Colour a, Colour b, double t) {
  const auto part = [t](int x, int y) { return static_cast<int>(std::lround(mix(x, y, t))); };
  return {part(a.red, b.red), part(a.green, b.green), part(a.blue, b.blue)};
}

/// From white over a hue to its dark end.
Colour ramp(Colour hue, Colour dark, double t) {
  constexpr Colour white{250, 250, 250};
  return t < 0.6 ? mix(white, hue, t / 0.6) : mix(hue, dark, (t - 0.6) / 0.4);
}

}  // namespace

std::string Colour::hex() const {
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "#";
  for (const int part : {red, green, blue}) text += {digits[part / 16], digits[part % 16]};
  return text;
}

double Colour::luminance() const {
  const auto linear = [](int part) {
    const double c = part / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

Colour colour_scale(double t, bool diverging) {
  constexpr Colour blue{0, 114, 178}, navy{0, 30, 66}, vermilion{213, 94, 0}, brown{84, 26, 0};
  t = t >= 0 ? std::min(t, 1.0) : 0.0;  // NaN too
  if (!diverging) return ramp(blue, navy, t);
  return t < 0.5 ? ramp(vermilion, brown, 1 - 2 * t) : ramp(blue, navy, 2 * t - 1);
}

std::string at(double coordinate) {
  const double rounded = std::round(coordinate * 10) / 10;
  return general(rounded == 0 ? 0 : rounded, 8);
}

double label_width(const std::string& text) { return 6.8 * text_width(text); }

std::string svg_text(double x, double y, const std::string& text, Anchor anchor, const std::string& css,
                     const std::string& transform) {
  static const char* const anchors[] = {"start", "middle", "end"};
  std::string out = "<text x=\"" + at(x) + "\" y=\"" + at(y) + '"';
  if (css != "t") out += " class=\"" + css + '"';
  if (anchor != Anchor::start) out += std::string(" text-anchor=\"") + anchors[static_cast<int>(anchor)] + '"';
  if (!transform.empty()) out += " transform=\"" + transform + '"';
  return out + '>' + escaped_xml(text) + "</text>\n";
}

std::string svg_line(double x1, double y1, double x2, double y2, const std::string& css) {
  return "<line class=\"" + css + "\" x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" +
         at(y2) + "\"/>\n";
}

std::vector<std::string> wrapped(const std::string& text, double width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (lines.empty() || label_width(lines.back() + ' ' + word) > width) lines.push_back(word);
    else lines.back() += ' ' + word;
  }
  return lines;
}

namespace {

/// `style` stands inside of it, if it is a file of its own.
std::string element(const Figure& figure, const std::string& id, const std::string& css) {
  check<ShapeError>(figure.columns > 0 && figure.panel_width >= 200 && figure.panel_height >= 120,
                    "svg: ", figure.columns, " columns of panels of ", figure.panel_width, " x ", figure.panel_height,
                    ": a panel is at least 200 x 120, and there is at "
                    "least one column: enlarge them");
  constexpr double margin = 16, note_line = 18;
  const std::string hatch = id + "-hatch";
  const auto columns = static_cast<size_t>(figure.columns);
  const auto used = std::max<size_t>(1, std::min(columns, figure.panels.size()));
  double width = static_cast<double>(used) * (figure.panel_width + margin) - margin;
  // A column of small heat maps is not made as wide as a plot.
  if (used == 1 && !figure.panels.empty()) {
    double needed = std::max(320.0, 1.5 * label_width(figure.title));
    for (const Panel& panel : figure.panels) {
      const auto* map = std::get_if<HeatMap>(&panel);
      needed = std::max(needed, map ? std::max(natural_width(*map, figure.panel_width), 1.3 * label_width(map->title))
                                    : figure.panel_width);
    }
    width = std::min(width, needed);
  }
  const std::vector<std::string> note = wrapped(figure.note, width);
  std::string body;
  double y = margin;
  if (!figure.title.empty()) {
    body += svg_text(margin, y + 16, figure.title, Anchor::start, "title");
    y += note.empty() ? 34 : 28;
  }
  for (const std::string& line : note) body += svg_text(margin, (y += note_line) - 6, line, Anchor::start, "note");
  if (!note.empty()) y += 10;
  for (size_t first = 0; first < figure.panels.size(); first += columns) {
    double row_height = 0;
    for (size_t i = first; i < std::min(first + columns, figure.panels.size()); ++i) {
      const auto* map = std::get_if<HeatMap>(&figure.panels[i]);
      const double height = map ? natural_height(*map, figure.panel_width) : figure.panel_height;
      const Box box{margin + static_cast<double>(i - first) * (figure.panel_width + margin), y,
                    static_cast<double>(figure.panel_width), height};
      body += map ? draw(*map, box, hatch) : draw(std::get<Plot>(figure.panels[i]), box);
      row_height = std::max(row_height, height);
    }
    y += row_height + margin;
  }
  const std::string total_width = at(2 * margin + width), height = at(y);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + total_width + "\" height=\"" + height +
         "\" viewBox=\"0 0 " + total_width + ' ' + height + "\" aria-labelledby=\"" + id + "-title " + id +
         "-desc\">\n<title id=\"" + id + "-title\">" + escaped_xml(figure.title) + "</title>\n<desc id=\"" + id +
         "-desc\">" + escaped_xml(described(figure)) + "</desc>\n" + css + "<defs><pattern id=\"" + hatch +
         "\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
         "patternTransform=\"rotate(45)\">"
         "<line class=\"a\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs>\n"
         "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n" +
         body + "</svg>\n";
}

}  // namespace

std::string svg(const Figure& figure) { return element(figure, "svg", "<style>" + svg_style() + "</style>\n"); }
std::string svg_element(const Figure& figure, const std::string& id) { return element(figure, escaped_xml(id), ""); }
std::string svg_style() { return style; }

void save_svg(const std::filesystem::path& file, const Figure& figure) {
  core::write_file_atomic(file.string(), svg(figure));
}

}  // namespace heed::kit
