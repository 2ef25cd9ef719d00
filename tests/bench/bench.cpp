#include "bench/bench.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <heed/autograd/leaf.h>
#include <heed/core/ops/ops.h>
#include <heed/core/parallel.h>

namespace heed::bench {

namespace {

double seconds_of(const Step& step, int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) step();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Figure measure(const Workload& workload, double seconds) {
  const Step step = workload.prepare();
  step();
  int64_t calls = 1;
  double once = seconds_of(step, 1);
  while (once < 5e-3) {
    calls *= 2;
    once = seconds_of(step, calls);
  }
  std::vector<double> times;
  for (double spent = 0.0; spent < seconds || times.size() < 5;) {
    const double batch = seconds_of(step, calls);
    times.push_back(batch / static_cast<double>(calls));
    spent += batch;
  }
  take_unowned_leaves();  // of a workload without an optimizer, so that the next workload's optimizer does not report them
  std::sort(times.begin(), times.end());
  const auto figure = [&](double s) {
    return workload.unit.rate ? workload.unit.amount / s : s * workload.unit.amount;
  };
  const double low = figure(times.front()), high = figure(times.back());
  return {figure(times[times.size() / 2]), std::min(low, high), std::max(low, high)};
}

double probe(int threads) {
  // One product that stays in the cache of each core: its rate is that of the multiply-add units.
  const int before = num_threads();
  set_num_threads(threads);
  const int64_t n = 384, batch = 8;
  const core::Array a = core::full({batch, n, n}, 0.5), b = core::full({batch, n, n}, 0.25);
  const Workload product{"probe", {"GFLOP/s", 2e-9 * static_cast<double>(batch * n * n * n), true}, [&] {
                           return Step([&] { core::matmul(a, b); });
                         }};
  const double rate = measure(product, 0.2).high;
  set_num_threads(before);
  return rate;
}

}  // namespace heed::bench
