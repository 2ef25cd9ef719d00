// Worksheets: a matrix calculation to show in a terminal, to fill in on paper, and to check.
//
//     kit::Worksheet sheet{.title = "A product"};
//     sheet.steps.push_back({"1. Multiply", "Row times column.", {{a, "·", b, "=", c}}});
//     core::write_file_atomic("worksheet.html", kit::worksheet_html(sheet, false));
//     core::write_file_atomic("answer_key.html", kit::worksheet_html(sheet, true));
//
// One description makes all three, so they cannot disagree. The pages load nothing from anywhere
// and are laid out for printing. Same input, same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace heed::kit {

enum class Role {
  given,   // printed on every sheet
  result,  // empty boxes on the worksheet, values on the key
  known,   // found in an earlier step: its name on sheets, its values in a terminal
};

struct Grid {
  std::string name;
  int64_t rows = 0, columns = 0;
  std::vector<double> values = {};  // row by row
  int decimals = 0;
  Role role = Role::result;
};

/// Grids, and signs between them.
using Formula = std::vector<std::variant<Grid, std::string>>;

struct WorksheetStep {
  std::string title, text;
  std::vector<Formula> formulas;
};

struct Worksheet {
  std::string title;
  std::string note = {};  // below the title
  std::vector<WorksheetStep> steps = {};
};

/// Names above, rows below, signs between the grids: one line more than the highest grid has rows. Throws
/// ShapeError if a grid's sizes do not fit its values.
std::vector<std::string> formula_lines(const Formula& formula);

/// Two columns of text: the right one begins `gap` blanks after the longest line of the left.
std::vector<std::string> side_by_side(const std::vector<std::string>& left, const std::vector<std::string>& right,
                                      int gap = 6);

/// The sheet as one HTML page: with empty boxes, or `filled`.
std::string worksheet_html(const Worksheet& sheet, bool filled);

}  // namespace heed::kit
