#include <heed/autograd/ops/dropout.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>
#include <heed/core/parallel.h>

namespace heed {

DropoutMask DropoutMask::draw(double p, Generator& generator) {
  check(p >= 0.0 && p <= 1.0, "dropout: p = ", p, ": a probability lies in 0 … 1");
  return {p, generator.seed(), generator.take(1)};
}

core::Array DropoutMask::keep(const Shape& shape) const {
  core::Array mask(shape, Dtype::boolean);
  const double threshold = p * 4294967296.0;
  bool* const kept = mask.data<bool>();
  core::parallel_for(mask.numel(), 16384, [&](int64_t begin, int64_t end) {
    std::array<uint32_t, 256> words;
    for (int64_t i = begin; i < end; i += 256) {
      const int64_t n = std::min<int64_t>(256, end - i);
      core::words_at(seed, call, static_cast<uint64_t>(i), words.data(), n);
      for (int64_t j = 0; j < n; ++j) kept[i + j] = words[static_cast<size_t>(j)] >= threshold;
    }
  });
  return mask;
}

Tensor dropout(const Tensor& x, Real p, Generator& generator) {
  const core::OpName at("dropout");
  check<DtypeError>(is_floating(x.dtype()), "dropout: ", x.shape(), " of ", x.dtype(),
                    ": what is kept is scaled: convert with to(Dtype::f32)");
  const DropoutMask drop = DropoutMask::draw(p, generator);
  if (p == 0.0) return x;
  const double scale = p < 1.0 ? 1.0 / (1.0 - p) : 0.0;
  return where(Tensor(drop.keep(x.shape())), x * scale, 0.0);
}

}  // namespace heed
