#include <heed/nn/doctor/heads.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <heed/core/error.h>

namespace heed::nn {

namespace {

constexpr int64_t rows_needed = 8;  // rows on which no head is judged

}  // namespace

void HeadMeasures::Head::add(const double* weights, int64_t keys) {
  ++rows;
  const double* const end = weights + keys;
  if (std::all_of(weights, end, [](double w) { return w == 0.0; })) {
    ++masked;
    return;
  }
  if (keys < 2) return;
  const double* const highest = std::max_element(weights, end);
  if (key < 0) key = highest - weights;
  constant = constant && *highest > 0.999 && key == highest - weights;
  const auto permitted = static_cast<double>(std::count_if(weights, end, [](double w) { return w > 0.0; }));
  if (permitted < 2.0) return;
  ++choices;
  // To rounding: after initialisation weights are nearly uniform, but do depend on what is read.
  uniform = uniform && *highest * permitted - 1.0 < 1e-5;
}

void HeadMeasures::add(const AttentionTrace& trace) {
  for (const AttentionEntry& entry : trace.entries()) {
    const int rank = entry.weights.dim();
    if (rank < 2 || entry.weights.numel() == 0) continue;
    const int64_t keys = entry.weights.size(-1), queries = entry.weights.size(-2);
    const int64_t heads = rank > 3 ? entry.weights.size(-3) : 1;
    const std::vector<double> weights = entry.weights.to_vector();
    for (int64_t row = 0; row < entry.weights.numel() / keys; ++row)
      heads_[{entry.path, row / queries % heads}].add(weights.data() + row * keys, keys);
  }
}

void HeadMeasures::judge(const Examination& e) const {
  std::map<std::string, std::pair<int64_t, int64_t>> masked;  // per layer: of how many rows
  for (const auto& [name, head] : heads_) {
    const auto& [path, index] = name;
    masked[path].first += head.masked;
    masked[path].second += head.rows;
    if (head.choices >= rows_needed && head.uniform)
      e.add(Severity::warning, "uniform head", path,
            cat("head ", index, " gives equal weights to all keys in each of ", head.choices, " rows"),
            "its scores do not depend on what it reads: look at its projections and its scale");
    if (head.rows - head.masked >= rows_needed && head.key >= 0 && head.constant)
      e.add(e.options.untrained ? Severity::warning : Severity::note, "constant head", path,
            cat("head ", index, " gives all of its weight to key ", head.key, " in each of ", head.rows - head.masked,
                " rows"),
            "it reads nothing else, and its scores get no gradient: look at its mask, its scale and its biases");
  }
  for (const auto& [path, count] : masked)
    if (count.first > 0)
      e.add(Severity::warning, "masked rows", path,
            cat(count.first, " of ", count.second, " queries may attend to no key, so their output is 0"),
            "in a mask, true permits; leave at least one key to each query, or leave out empty sequences");
}

}  // namespace heed::nn
