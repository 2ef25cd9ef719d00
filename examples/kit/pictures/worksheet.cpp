#include <heed/examples/kit/pictures/worksheet.h>

#include <algorithm>

#include <heed/core/error.h>
#include <heed/examples/kit/format.h>

namespace heed::kit {
namespace {

/// "-1", "0.258": no minus sign before zeros only.
std::string number(double value, int decimals) {
  const std::string text = fixed(value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos ? fixed(0, decimals) : text;
}

void check_sizes(const Grid& grid) {
  check<ShapeError>(
      grid.rows > 0 && grid.columns > 0 && static_cast<int64_t>(grid.values.size()) == grid.rows * grid.columns,
      "worksheet: ", grid.name, " with ", grid.rows, " rows and ", grid.columns, " columns, but ", grid.values.size(),
      " values: give rows x columns of them, row by row");
}

/// A grid's lines, all of one width: its name, then its rows.
std::vector<std::string> lines_of(const Grid& grid) {
  check_sizes(grid);
  std::vector<std::string> cells;
  int width = 1;
  for (const double value : grid.values) {
    cells.push_back(number(value, grid.decimals));
    width = std::max(width, text_width(cells.back()));
  }
  std::vector<std::string> lines = {grid.name};
  for (int64_t i = 0; i < grid.rows; ++i) {
    std::string line;
    for (int64_t j = 0; j < grid.columns; ++j) {
      const std::string& cell = cells[static_cast<size_t>(i * grid.columns + j)];
      line += (j == 0 ? "" : " ") + std::string(static_cast<size_t>(width - text_width(cell)), ' ') + cell;
    }
    lines.push_back(line);
  }
  int widest = 0;
  for (const std::string& line : lines) widest = std::max(widest, text_width(line));
  for (std::string& line : lines) line = fit(line, widest);
  return lines;
}

const char* const sheet_style = R"css(
  @page { size: A4 landscape; margin: 12mm }
  :root { color-scheme: light }
  * { box-sizing: border-box }
  body { margin: 0 auto; padding: 24px; max-width: 1080px; background: #fff; color: #111;
         font: 15px/1.45 system-ui, sans-serif }
  header { display: flex; justify-content: space-between; align-items: baseline; gap: 24px;
           border-bottom: 2px solid #111; margin-bottom: 12px }
  h1 { font-size: 22px; margin: 0 0 6px }
  h2 { font-size: 16px; margin: 0 0 2px }
  p { margin: 0 0 8px }
  sub, sup { font-size: 75%; line-height: 0 }
  .name { white-space: nowrap }
  .name span { display: inline-block; width: 200px; border-bottom: 1px solid #111; margin-left: 6px }
  main, .formulas { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 20px 44px }
  section { break-inside: avoid; max-width: 100% }
  section > h2, section > p { width: 0; min-width: max(100%, 290px) }
  .formulas { gap: 12px 36px }
  .formula { display: flex; flex-wrap: wrap; align-items: center; gap: 10px; break-inside: avoid }
  .sign { font-size: 18px; padding-top: 20px; white-space: nowrap }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums }
  caption { font-weight: 600; font-size: 14px; height: 20px; text-align: center; white-space: nowrap }
  td { border: 1px solid #999; min-width: 30px; height: 28px; padding: 0 5px; text-align: center }
  .wide td { min-width: 52px }
  .given td { background: #f1f1f1; border-color: #ccc }
  .result td { border-color: #333; color: #00508f; font-weight: 600 }
  @media print { body { padding: 0; max-width: none; -webkit-print-color-adjust: exact; print-color-adjust: exact } }
)css";

/// "W_Q" with a subscript Q, "e^R" with a superscript R.
std::string name_html(const std::string& name) {
  const std::string text = escaped_xml(name);
  std::string html;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool low = text[i] == '_', high = text[i] == '^';
    if ((low || high) && i + 1 < text.size()) {
      const std::string tag = low ? "sub>" : "sup>";
      html += '<' + tag + text[++i] + "</" + tag;
    } else {
      html += text[i];
    }
  }
  return html;
}

std::string table(const Grid& grid, bool filled) {
  const bool given = grid.role == Role::given;
  std::string html = std::string("<table class=\"") + (given ? "given" : "result") +
                     (grid.decimals > 0 ? " wide" : "") + "\"><caption>" + name_html(grid.name) + "</caption>\n";
  for (int64_t i = 0; i < grid.rows; ++i) {
    html += "<tr>";
    for (int64_t j = 0; j < grid.columns; ++j) {
      const double value = grid.values[static_cast<size_t>(i * grid.columns + j)];
      html += "<td>" + (given || filled ? number(value, grid.decimals) : "") + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</table>\n";
}

}  // namespace

std::vector<std::string> formula_lines(const Formula& formula) {
  std::vector<std::vector<std::string>> blocks;
  size_t height = 2;
  for (const auto& piece : formula) {
    const auto* grid = std::get_if<Grid>(&piece);
    blocks.push_back(grid ? lines_of(*grid) : std::vector<std::string>{std::get<std::string>(piece)});
    height = std::max(height, blocks.back().size());
  }
  std::vector<std::string> lines(height);
  for (const auto& block : blocks) {
    // Vertically centred below the names; a sign has no name.
    const size_t top = block.size() == 1 ? height / 2 : (height - block.size()) / 2;
    for (size_t i = 0; i < height; ++i) {
      const bool inside = i >= top && i < top + block.size();
      lines[i] += (lines[i].empty() && &block == &blocks.front() ? "" : "  ") +
                  (inside ? block[i - top] : std::string(static_cast<size_t>(text_width(block[0])), ' '));
    }
  }
  for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
  return lines;
}

std::vector<std::string> side_by_side(const std::vector<std::string>& left, const std::vector<std::string>& right,
                                      int gap) {
  int width = 0;
  for (const std::string& line : left) width = std::max(width, text_width(line));
  std::vector<std::string> lines;
  for (size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    std::string line = i < left.size() ? left[i] : "";
    if (i < right.size() && !right[i].empty()) line = fit(line, width + gap) + right[i];
    lines.push_back(line);
  }
  return lines;
}

std::string worksheet_html(const Worksheet& sheet, bool filled) {
  const std::string title = escaped_xml(sheet.title) + (filled ? ": answer key" : "");
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      title + "</title>\n<style>" + sheet_style + "</style>\n</head>\n<body>\n<header><h1>" + title + "</h1>" +
      (filled ? "" : "<div class=\"name\">Name <span></span></div>") + "</header>\n";
  if (!sheet.note.empty()) html += "<p>" + escaped_xml(sheet.note) + "</p>\n";
  html += "<main>\n";
  for (const WorksheetStep& step : sheet.steps) {
    html += "<section>\n<h2>" + escaped_xml(step.title) + "</h2>\n<p>" + escaped_xml(step.text) +
            "</p>\n<div class=\"formulas\">\n";
    for (const Formula& formula : step.formulas) {
      html += "<div class=\"formula\">\n";
      for (const auto& piece : formula) {
        const auto* grid = std::get_if<Grid>(&piece);
        if (grid) check_sizes(*grid);
        html += grid && grid->role != Role::known
                    ? table(*grid, filled)
                    : "<div class=\"sign\">" + name_html(grid ? grid->name : std::get<std::string>(piece)) + "</div>\n";
      }
      html += "</div>\n";
    }
    html += "</div>\n</section>\n";
  }
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace heed::kit
