#include <heed/core/ops/dropout.h>

#include <algorithm>
#include <array>

#include <heed/core/parallel.h>

namespace heed::core {

DropoutMask DropoutMask::draw(double p, Generator& generator) {
  check(p >= 0.0 && p <= 1.0, "dropout: p = ", p, ": a probability lies in 0 … 1");
  return {p, generator.seed(), generator.take(1)};
}

void DropoutMask::keep(uint64_t first, int64_t n, bool* kept) const {
  const double threshold = p * 4294967296.0;
  std::array<uint32_t, 256> words;
  for (int64_t i = 0; i < n; i += 256) {
    const int64_t some = std::min<int64_t>(256, n - i);
    words_at(seed, call, first + static_cast<uint64_t>(i), words.data(), some);
    for (int64_t j = 0; j < some; ++j) kept[i + j] = words[static_cast<size_t>(j)] >= threshold;
  }
}

Array DropoutMask::keep(const Shape& shape) const {
  Array mask(shape, Dtype::boolean);
  bool* const kept = mask.data<bool>();
  parallel_for(mask.numel(), 16384,
               [&](int64_t begin, int64_t end) { keep(static_cast<uint64_t>(begin), end - begin, kept + begin); });
  return mask;
}

}  // namespace heed::core
