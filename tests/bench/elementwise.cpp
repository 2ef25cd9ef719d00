// Maps, rows, reductions, losses, the optimizer: in cache (1M elements) and from memory (16M).
#include <heed/nn/nn.h>
#include <heed/optim/optim.h>
#include "bench/bench.h"

namespace heed::bench {

namespace {

// "a+b" reads two arrays and writes one: 12 bytes per element.
void add_map(Workloads& all, const std::string& name, const Shape& shape, double bytes,
             std::function<Tensor(const Tensor&, const Tensor&)> f) {
  const int64_t n = shape.numel();
  all.push_back({cat(name, n > (4 << 20) ? "_16M" : "_1M"), {"GB/s", 1e-9 * bytes * static_cast<double>(n), true}, [=] {
                   return Step([=, a = randn(shape), b = randn(shape)] {
                     const NoGrad off;
                     f(a, b);
                   });
                 }});
}

}  // namespace

void add_elementwise(Workloads& all) {
  for (const int64_t n : {int64_t{1} << 20, int64_t{16} << 20}) {
    using T = const Tensor&;
    add_map(all, "copy", {n}, 8, [](T a, T) { return a.clone(); });
    add_map(all, "add", {n}, 12, [](T a, T b) { return a + b; });
    add_map(all, "exp", {n}, 8, [](T a, T) { return exp(a); });
    add_map(all, "tanh", {n}, 8, [](T a, T) { return tanh(a); });
    add_map(all, "gelu", {n}, 8, [](T a, T) { return gelu(a); });
    add_map(all, "gelu_tanh", {n}, 8, [](T a, T) { return gelu_tanh(a); });
    add_map(all, "softmax64", {n / 64, 64}, 8, [](T a, T) { return softmax(a, -1); });
    add_map(all, "softmax1024", {n / 1024, 1024}, 8, [](T a, T) { return softmax(a, -1); });
    add_map(all, "layer_norm384", {n / 384, 384}, 8,
            [w = ones({384}), b = zeros({384})](T a, T) { return layer_norm(a, w, b); });
    add_map(all, "sum_axis0", {n / 1024, 1024}, 4, [](T a, T) { return sum(a, 0); });
    add_map(all, "sum_axis1", {n / 1024, 1024}, 4, [](T a, T) { return sum(a, 1); });
    add_map(all, "transpose", {n / 1024, 1024}, 8, [](T a, T) { return a.transpose(0, 1).contiguous(); });
  }
  for (const bool backward : {false, true})
    all.push_back({backward ? "cross_entropy_256x50257_fwd_bwd" : "cross_entropy_256x50257_fwd",
                   {"Gelem/s", 1e-9 * 256 * 50257, true},
                   [backward] {
                     return Step(
                         [=, logits = parameter(randn({256, 50257})), target = randint(0, 50257, {256})]() mutable {
                           logits.zero_grad();
                           const Tensor loss = nn::cross_entropy(logits, target);
                           if (backward) loss.backward();
                         });
                   }});
  all.push_back({"adamw_10M", {"GB/s", 28e-9 * 10'000'000, true}, [] {
                   Tensor p = parameter(randn({10'000'000}));
                   p.set_grad(randn({10'000'000}));
                   auto adam = std::make_shared<optim::AdamW>(std::vector<Tensor>{p});
                   return Step([=] { adam->step(); });
                 }});
}

}  // namespace heed::bench
