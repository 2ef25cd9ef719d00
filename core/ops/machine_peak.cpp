#include <heed/core/ops/machine_peak.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include <heed/core/array.h>
#include <heed/core/kernels/kernels.h>
#include <heed/core/parallel.h>
#include <heed/core/watch.h>

namespace heed::core {

namespace {

// Per second, the best of some tries: whatever else the machine does only makes it slower.
template <class Run> double best_rate(double amount, const Run& run) {
  using Seconds = std::chrono::duration<double>;
  const auto start = std::chrono::steady_clock::now();
  double best = 0;
  for (auto begin = start; begin - start < std::chrono::milliseconds(40);) {
    run();
    const auto end = std::chrono::steady_clock::now();
    best = std::max(best, amount / Seconds(end - begin).count());
    begin = end;
  }
  return best;
}

// GEMM's inner loop on one tile, whose operands stay in the L1 cache: nothing but multiply-adds.
double peak_flops(int threads) {
  constexpr int64_t k = 128;
  const KernelsOf<float>& kernel = kernels().f32;
  const int64_t m = kernel.tile_rows, n = kernel.tile_columns, products = 20'000'000 / (m * n * k);
  const Array a = full({m * k}, 0.5, Dtype::f32), b = full({k * n}, 0.5, Dtype::f32);
  return best_rate(2.0 * static_cast<double>(m * n * k * products * threads), [&] {
    parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> c(static_cast<size_t>(m * n));
      const GemmBlock<float> block{m,     n,        k, a.data<float>(), 1,      m, m * k, b.data<float>(), n,
                                   k * n, c.data(), n, false,           nullptr};
      for (int64_t i = 0; i < (end - begin) * products; ++i) kernel.gemm_block(block);
    });
  });
}

double peak_bytes() {
  constexpr int64_t count = int64_t{8} << 20, part = count / 64;  // 32 MiB each
  const Array from = full({count}, 1.0, Dtype::f32), to = full({count}, 0.0, Dtype::f32);
  return best_rate(2.0 * sizeof(float) * count, [&] {
    parallel_for(count, part, [&](int64_t begin, int64_t end) {
      kernels().f32.stream(from.data<float>() + begin, to.data<float>() + begin, end - begin);
    });
  });
}

}  // namespace

MachinePeak machine_peak() {
  static std::mutex mutex;
  static MachinePeak peak{};
  static int measured_with = 0;
  const std::lock_guard lock(mutex);
  if (measured_with != num_threads()) {
    Watch* const before = std::exchange(watch, nullptr);  // the probe itself is nobody's op
    peak = {peak_flops(num_threads()), peak_bytes()};
    measured_with = num_threads();
    watch = before;
  }
  return peak;
}

}  // namespace heed::core
