// Pictures made of characters, for the terminal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

/// "▇▅▃▂▁▁": one character for each of `columns` stretches of the values (their mean), scaled from
/// the smallest to the largest; all at the bottom where they are equal. A stretch without a drawable
/// value is a blank.
std::string sparkline(const std::vector<double>& values, int columns = 40);

/// A heat map with its labels, two characters a cell, from blank over ░▒▓ to █. One line a row:
///
///              the  cat  sat
///         le   ██   ░░   ··
///
/// Weights (>= 0) scale from zero, other values from their smallest. Throws ShapeError as svg does.
/// NaN is an empty cell; what else is not drawable is ±∞.
/// With `numbers` each cell shows its value with two decimals instead.
std::string terminal_heat_map(const HeatMap& map, bool numbers = false);

}  // namespace heed::kit
