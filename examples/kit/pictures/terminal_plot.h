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

/// A heat map with its labels: one line per row, two characters per cell, from · over ░▒▓ to █, and below it the
/// scale: from which value on each of them stands.
///
///              the  cat  sat
///         le   ██   ░░   ··
///
///         · < 0.167  ░ < 0.26  ▒ < 0.41  ▓ < 0.64  █
///
/// Where rows are weights (>= 0, each row's sum 1 or 0; with `high` = 1 also less), · is less than half of an equal share, 1/columns, and the
/// other steps are equal ratios up to the largest: a uniform row is seen, and is seen to be uniform. Other values that
/// are all >= 0 have equal steps from zero, the rest from their smallest. Throws ShapeError as svg does. NaN is an empty
/// cell; other values that are not drawable are ±∞. With `numbers` each cell shows its value with two decimals
/// instead.
///
/// A map wider than `width` characters (0: any) has labels of at most 6, then cells of one character, and at last only
/// its first columns, followed by how many are left out.
std::string terminal_heat_map(const HeatMap& map, bool numbers = false, int width = 0);

/// The width for pictures on stdout: the terminal's; 0, any, if it is none.
int picture_width();

}  // namespace heed::kit
