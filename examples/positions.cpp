// Positions: attention treats its keys as a set. Three ways to tell a model where a token stands, drawn.
//
//     sinusoids   added to the token: each pair of features is a clock hand with a speed of its own   (Vaswani et al. 2017)
//     RoPE        queries and keys are turned by these clocks, so that q·k depends on the distance      (Su et al. 2021)
//     ALiBi       nothing is added or turned: a head's scores fall with the distance, at its own slope  (Press et al. 2022)
//
// All three let a score depend on the distance between two tokens, and not on where they stand. The program shows that
// this is so, and draws how a score falls with the distance.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/terminal_plot.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/nn/attention/alibi.h>
#include <heed/nn/attention/positions.h>
#include <heed/nn/attention/rotary.h>

using namespace heed;

namespace {

/// s (n, n): by distance δ = i - j >= 0, the mean of s over the pairs at that distance, and how far any is from it.
struct ByDistance {
  std::vector<double> distance, mean;
  double spread = 0;
};

ByDistance by_distance(const Tensor& scores) {
  const int64_t n = scores.size(0);
  const std::vector<double> s = scores.to_vector();
  ByDistance result;
  for (int64_t distance = 0; distance < n; ++distance) {
    double sum = 0, low = 0, high = 0;
    for (int64_t i = distance; i < n; ++i) {
      const double v = s[static_cast<size_t>(i * n + i - distance)];
      low = i == distance ? v : std::min(low, v);
      high = i == distance ? v : std::max(high, v);
      sum += v;
    }
    result.distance.push_back(static_cast<double>(distance));
    result.mean.push_back(sum / static_cast<double>(n - distance));
    result.spread = std::max(result.spread, high - low);
  }
  return result;
}

kit::Series curve(const std::string& name, const ByDistance& s) { return {.name = name, .x = s.distance, .y = s.mean}; }

/// P[i][c] for the first positions and all features.
kit::HeatMap table_map(const Tensor& table, int64_t positions) {
  kit::HeatMap map{.title = "Sinusoids, -1 … 1", .row_axis = "positions", .column_axis = "features: fast to slow"};
  const Tensor shown = table.slice(0, 0, positions);
  map.rows = shown.size(0), map.columns = shown.size(1), map.values = shown.to_vector();
  map.low = -1, map.high = 1, map.numbers = false;
  for (int64_t i = 0; i < positions; ++i) map.row_labels.push_back(std::to_string(i));
  return map;
}

/// ALiBi as a causal model adds it: what lies ahead is masked.
kit::HeatMap alibi_map(const Tensor& bias, double slope) {
  const int64_t n = bias.size(0);
  kit::HeatMap map{.title = "ALiBi, added to the scores, slope " + kit::general(slope, 3),
                   .row_axis = "queries",
                   .column_axis = "keys"};
  map.rows = map.columns = n, map.values = bias.to_vector(), map.numbers = false;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i + 1; j < n; ++j) map.values[static_cast<size_t>(i * n + j)] = NAN;
  return map;
}

int run(int argc, char** argv) {
  kit::Common common{.steps = 10, .steps_help = "distances to print"};
  int64_t positions = 64, width = 32, heads = 8;
  kit::Cli cli("positions", "Sinusoids, RoPE and ALiBi: how a score falls with the distance.");
  cli.group("Encodings", {{"positions", &positions, "positions", {.min = 2, .max = 1024}},
                          {"width", &width, "features of a token or head", {.min = 2, .max = 1024}},
                          {"heads", &heads, "heads of ALiBi", {.min = 1, .max = 64}}});
  cli.common(common);
  cli.example("positions", "the table, and a picture of all three");
  cli.example("positions --width 128", "more features: a sharper peak");
  cli.json_keys({{"sinusoid_spread", "how much P_i·P_j differs between pairs at one distance, at most"},
                 {"rope_spread", "the same of q·k after rotation"},
                 {"slopes", "ALiBi's slopes by head"}});
  if (!cli.parse(argc, argv)) return 0;
  check<kit::UsageError>(width % 2 == 0, "--width ", width, ": features come in pairs: give an even number");
  kit::RunFolder folder(common.out);
  const std::filesystem::path picture = folder.file("positions.svg", "three encodings of positions");

  const Tensor table = nn::sinusoidal_table(positions, width, Dtype::f64);
  const ByDistance sinusoids = by_distance(matmul(table, table.transpose(0, 1)) / (static_cast<double>(width) / 2));
  // The same query and key at every position: after the rotation only the distance is left.
  const nn::RotaryPositions rotate(width, nn::RopeLayout::interleaved, {.max_length = positions});
  const Tensor turned = rotate(ones({positions, width}, Dtype::f64));
  const ByDistance rope = by_distance(matmul(turned, turned.transpose(0, 1)) / static_cast<double>(width));
  const Tensor bias = nn::alibi_bias(heads, positions, positions, Dtype::f64)[0];  // (heads, n, n)
  const std::vector<double> slopes = nn::alibi_slopes(heads, Dtype::f64).to_vector();

  std::cout
      << "1. Scores by distance. Sinusoids: P_i·P_j, as a part of P_i·P_i. RoPE: q·k for q = k = (1, …, 1), likewise.\n"
      << "   ALiBi: what is added, in the first and the last of " << heads << " heads.\n\n"
      << "   distance   sinusoids      RoPE     ALiBi, first     last\n";
  const ByDistance first = by_distance(bias[0]), last = by_distance(bias[heads - 1]);
  for (size_t i = 0; i < std::min<size_t>(sinusoids.mean.size(), static_cast<size_t>(common.steps)); ++i)
    std::cout << kit::right(std::to_string(i), 11) << kit::right(kit::fixed(sinusoids.mean[i], 4), 12)
              << kit::right(kit::fixed(rope.mean[i], 4), 10) << kit::right(kit::fixed(first.mean[i], 4), 17)
              << kit::right(kit::fixed(last.mean[i], 4), 9) << '\n';
  std::cout << "\n2. Do these depend on the distance alone? Largest difference between pairs at one distance:\n\n"
            << "     sinusoids " << kit::general(sinusoids.spread, 2) << ", RoPE " << kit::general(rope.spread, 2)
            << ": both are rounding errors\n\n3. The first sinusoids, by position and feature, fast to slow:\n\n"
            << kit::terminal_heat_map(
                   table_map(table.slice(1, 0, std::min<int64_t>(width, 24)), std::min<int64_t>(positions, 12)), false,
                   kit::picture_width())
            << '\n';

  kit::Plot similar{
      .title = "Scores by distance", .x_label = "distance, positions", .y_label = "part of that at distance 0"};
  similar.series = {curve("sinusoids, P_i·P_j", sinusoids), curve("RoPE, q = k = (1, …, 1)", rope)};
  similar.series[1].mark = kit::Mark::dashes;  // the same curve: both are Σ cos δω_j
  kit::Plot added{.title = "ALiBi by head", .x_label = "distance, positions", .y_label = "added to the score"};
  for (int64_t h = 0; h < heads; ++h)
    added.series.push_back(
        curve(h == 0 || h == heads - 1 ? "head " + std::to_string(h + 1) : "", by_distance(bias[h])));
  kit::Figure figure{.title = "Positions: three encodings",
                     .note = "Each lets a score fall with the distance between two tokens, wherever the pair stands.",
                     .panels = {table_map(table, std::min<int64_t>(positions, 48)), similar,
                                alibi_map(bias[0]
                                              .slice(0, 0, std::min<int64_t>(positions, 24))
                                              .slice(1, 0, std::min<int64_t>(positions, 24)),
                                          slopes[0]),
                                added},
                     .columns = 2};
  figure.panel_width = 520, figure.panel_height = 460;
  kit::save_svg(picture, figure);
  folder.print();
  kit::Json::List by_head(slopes.begin(), slopes.end());
  cli.print_json({{"sinusoid_spread", sinusoids.spread}, {"rope_spread", rope.spread}, {"slopes", by_head}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
