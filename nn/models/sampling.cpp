#include <heed/nn/models/sampling.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <heed/autograd/ops.h>
#include <heed/autograd/ops/multinomial.h>

namespace heed::nn {

namespace {

constexpr const char* nan_advice = " is NaN: find out where it came from with DetectAnomaly";
constexpr double infinity = std::numeric_limits<double>::infinity();

using Row = std::vector<double>;
using Tokens = std::vector<int64_t>;

void penalise(Row& logits, const Tokens& before, double penalty) {
  std::vector<bool> seen(logits.size());
  for (const int64_t token : before) {
    const auto i = static_cast<size_t>(token);
    check<IndexError>(token >= 0 && i < logits.size(), "sample: token ", token, " occurred before: is not in 0 … ",
                      logits.size() - 1);
    if (seen[i]) continue;
    seen[i] = true;
    logits[i] = logits[i] > 0 ? logits[i] / penalty : logits[i] * penalty;
  }
}

// Removes from p, by making them zero, all but the likeliest: `most` tokens at most, and no more than have `share` of
// the sum.
void keep_likeliest(Row& p, size_t most, double share) {
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  // A token among the likeliest that have `share` cannot be one of n that have less than the rest of the sum together.
  const double least = most < p.size() ? 0.0 : (1.0 - share) * sum / static_cast<double>(p.size());
  std::vector<size_t> order;
  for (size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0 && p[i] >= least) order.push_back(i);
  const auto likelier = [&](size_t a, size_t b) { return p[a] != p[b] ? p[a] > p[b] : a < b; };
  if (most < order.size()) {
    std::nth_element(order.begin(), order.begin() + static_cast<int64_t>(most), order.end(), likelier);
    order.resize(most);
  }
  if (share < 1.0) {
    std::sort(order.begin(), order.end(), likelier);
    double whole = sum, head = 0.0;
    if (most < p.size()) {
      whole = 0.0;
      for (const size_t i : order) whole += p[i];
    }
    size_t kept = 0;
    while (kept < order.size() && head < share * whole) head += p[order[kept++]];
    order.resize(kept);
  }
  Row left(p.size());
  for (const size_t i : order) left[i] = p[i];
  p = std::move(left);
}

void check_logits(const Tensor& logits) {
  check<ShapeError>(logits.dim() == 2 && logits.size(1) > 0, "sample: logits ", logits.shape(),
                    ": must be (B, V), one row per sequence, with a logit for each token",
                    logits.dim() == 1 ? ": give a batch axis with unsqueeze(0)" : "");
  check<DtypeError>(is_floating(logits.dtype()), "sample: logits ", logits.dtype(), ": must be f32 or f64");
}

// In place: logits become probabilities.
void to_probabilities(Row& x, const SamplingOptions& o) {
  const double largest = *std::max_element(x.begin(), x.end());
  check(largest > -infinity, "sample: all ", x.size(), " logits are -inf: no token is allowed");
  if (o.temperature == 0.0 || std::isinf(largest)) {
    const auto best = static_cast<size_t>(std::find(x.begin(), x.end(), largest) - x.begin());
    x.assign(x.size(), 0.0);
    x[best] = 1.0;
    return;
  }
  for (double& value : x) value = std::exp((value - largest) / o.temperature);
  const auto most = o.top_k > 0 ? static_cast<size_t>(o.top_k) : x.size();
  if (most < x.size() || o.top_p < 1.0) keep_likeliest(x, most, o.top_p);
  for (double& value : x)
    if (value < o.min_p) value = 0.0;  // the likeliest has 1
  const double sum = std::accumulate(x.begin(), x.end(), 0.0);
  for (double& value : x) value /= sum;
}

}  // namespace

void check_sampling(const char* op, const SamplingOptions& o) {
  check(std::isfinite(o.temperature) && o.temperature >= 0 && o.top_k >= 0 && o.top_p > 0 && o.top_p <= 1 &&
            o.min_p >= 0 && o.min_p <= 1 && std::isfinite(o.repetition_penalty) && o.repetition_penalty > 0,
        op, ": temperature ", o.temperature, ", top_k ", o.top_k, ", top_p ", o.top_p, ", min_p ", o.min_p,
        ", repetition_penalty ", o.repetition_penalty,
        ": out of range: temperature and top_k are at least 0, top_p is above 0 and at most 1, min_p in 0 … 1, "
        "repetition_penalty above 0");
}

Tensor token_probabilities(const Tensor& logits, const SamplingOptions& options, const std::vector<Tokens>& before) {
  check_sampling("sample", options);
  check_logits(logits);
  const int64_t B = logits.size(0), V = logits.size(1);
  check<ShapeError>(options.repetition_penalty == 1.0 || static_cast<int64_t>(before.size()) == B, "sample: logits ",
                    logits.shape(), ", ", before.size(),
                    " lists of tokens that occurred: repetition_penalty needs one for each row");
  const NoGrad no_history;
  const std::vector<double> all = logits.to_vector();
  std::vector<double> result;
  result.reserve(all.size());
  for (int64_t b = 0; b < B; ++b) {
    Row row(all.begin() + b * V, all.begin() + (b + 1) * V);
    for (size_t i = 0; i < row.size(); ++i)
      check(!std::isnan(row[i]), "sample: logit ", i, " of row ", b, " of logits ", logits.shape(), nan_advice);
    if (options.repetition_penalty != 1.0) penalise(row, before[static_cast<size_t>(b)], options.repetition_penalty);
    to_probabilities(row, options);
    result.insert(result.end(), row.begin(), row.end());
  }
  return tensor(result, {B, V}, Dtype::f64);
}

Tensor sample_tokens(const Tensor& logits, const SamplingOptions& options, Generator& generator,
                     const std::vector<Tokens>& before) {
  if (options.temperature == 0.0 && options.repetition_penalty == 1.0) {
    check_logits(logits);
    const Extremum best = max(logits, -1);
    const std::vector<double> largest = best.values.to_vector();
    for (size_t b = 0; b < largest.size(); ++b) {
      check(!std::isnan(largest[b]), "sample: row ", b, " of logits ", logits.shape(), nan_advice);
      check(largest[b] > -infinity, "sample: all ", logits.size(1), " logits are -inf: no token is allowed");
    }
    return best.indices;
  }
  const Tensor p = token_probabilities(logits, options, before);
  return options.temperature == 0.0 ? max(p, -1).indices : multinomial(p, 1, {.generator = generator}).select(1, 0);
}

}  // namespace heed::nn
