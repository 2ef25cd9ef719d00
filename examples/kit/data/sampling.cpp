#include <heed/examples/kit/data/sampling.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <heed/core/error.h>

namespace heed::kit {

int64_t sample(const std::vector<float>& logits, double u, const SamplingOptions& options) {
  check(!logits.empty(), "sample: no logits: give one for each token");
  check(options.temperature >= 0 && options.top_k >= 0 && options.top_p > 0 && options.top_p <= 1,
        "sample: temperature ", options.temperature, ", top_k ", options.top_k, ", top_p ", options.top_p,
        ": out of range: temperature and top_k are at least 0, top_p is above 0 and at most 1");
  check(u >= 0 && u < 1, "sample: u is ", u, ": must be at least 0 and less than 1");
  for (size_t i = 0; i < logits.size(); ++i)
    check(!std::isnan(logits[i]), "sample: logit ", i, " is nan: find out where it came from (detect_anomaly)");

  // 1. Order by probability. A stable sort keeps ties in their order: same logits, same token.
  std::vector<int64_t> order(logits.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return logits[a] > logits[b]; });
  const double largest = logits[order[0]];
  check(largest > -std::numeric_limits<double>::infinity(), "sample: all ", logits.size(),
        " logits are -inf: no token is allowed");
  if (options.temperature == 0 || std::isinf(largest)) return order[0];
  if (options.top_k > 0 && options.top_k < static_cast<int64_t>(order.size()))
    order.resize(static_cast<size_t>(options.top_k));

  // 2. Softmax of what is kept.
  std::vector<double> p;
  for (const int64_t i : order) p.push_back(std::exp((logits[i] - largest) / options.temperature));
  double sum = std::accumulate(p.begin(), p.end(), 0.0);

  // 3. The shortest prefix of the order that has top_p of the sum.
  if (options.top_p < 1) {
    double head = 0;
    size_t kept = 0;
    while (kept < p.size() && head < options.top_p * sum) head += p[kept++];
    p.resize(kept);
    sum = head;
  }

  // 4. The token on which u falls.
  double below = 0;
  for (size_t k = 0; k < p.size(); ++k) {
    below += p[k];
    if (u * sum < below) return order[k];
  }
  return order[p.size() - 1];  // u * sum was rounded up to the sum itself
}

}  // namespace heed::kit
