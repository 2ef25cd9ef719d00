// Pictures made of characters, for the terminal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

/// "▇▅▃▂▁▁": one character per segment of the values, of which there are `columns`; its height is the
/// segment's mean, scaled from the smallest to the largest; the lowest if all are equal. A segment without a
/// drawable value is a blank.
std::string sparkline(const std::vector<double>& values, int columns = 40);

/// A heat map with its labels: one line per row, two characters per cell, from · over ░▒▓ to █:
///
///              the  cat  sat
///         le   ██   ░░   ··
///
/// Weights (>= 0) scale from zero, other values from their smallest. Throws ShapeError as svg does.
/// NaN is an empty cell; other values that are not drawable are ±∞.
/// With `numbers` each cell shows its value with two decimals instead.
std::string terminal_heat_map(const HeatMap& map, bool numbers = false);

}  // namespace heed::kit
