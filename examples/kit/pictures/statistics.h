// Pictures of many values at once: how they are distributed, and how attention falls with the distance.
//
//     const kit::Plot weights = kit::histogram_plot("Weights", {{"before", first}, {"after", last}});
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

struct NamedValues {
  std::string name;
  std::vector<double> values = {};
};

/// The fraction of each list's values in every one of `bins` intervals of equal width, which are the same for all
/// lists. Values that are not drawable are left out; a list without others has no curve.
Plot histogram_plot(const std::string& title, const std::vector<NamedValues>& lists, int bins = 40);

/// The weights of one head, n queries by m keys, row by row; the last query stands at the last key.
struct HeadWeights {
  std::string name;
  int64_t queries = 0, keys = 0;
  std::vector<double> weights = {};
};

/// y(δ): the mean weight that a query gives to the key δ positions before its own, over the queries that have such a
/// key. Throws ShapeError if sizes do not fit.
Plot distance_plot(const std::string& title, const std::vector<HeadWeights>& heads);

}  // namespace heed::kit
