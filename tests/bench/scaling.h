// How cost grows: time and memory against length, width, batch, threads and depth of the graph.
#pragma once

#include <filesystem>

namespace heed::bench {

/// Draws cost.svg in `folder`, one panel per question; power laws are straight lines on its logarithmic axes.
void plot_scaling(const std::filesystem::path& folder, int threads, double seconds);

}  // namespace heed::bench
