// Matrix products C (M, N) = A (M, K) B (K, N), f32, with BLAS's interface: pointers to elements, no
// arrays made. "NT": B is stored (N, K); "TN": A is (K, M).
#include <utility>

#include <heed/core/ops/compact_matrix.h>
#include <heed/core/ops/gemm.h>
#include <heed/core/ops/ops.h>
#include <heed/core/random.h>
#include "bench/bench.h"

namespace heed::bench {

namespace {

struct Product {
  const char* name;
  int64_t m, k, n, batch = 1;
  bool a_transposed = false, b_transposed = false;
};

constexpr Product products[] = {{"4", 4, 4, 4},
                                {"16", 16, 16, 16},
                                {"32", 32, 32, 32},
                                {"64", 64, 64, 64},
                                {"128", 128, 128, 128},
                                {"256", 256, 256, 256},
                                {"512", 512, 512, 512},
                                {"1024", 1024, 1024, 1024},
                                {"2048", 2048, 2048, 2048},
                                {"768x128x512", 768, 128, 512},
                                {"768x512x128", 768, 512, 128},
                                {"768x128x384", 768, 128, 384},
                                {"2048x384x1152", 2048, 384, 1152},
                                {"2048x384x1536", 2048, 384, 1536},
                                {"2048x1536x384", 2048, 1536, 384},
                                {"2048x384x1536_NT", 2048, 384, 1536, 1, false, true},
                                {"2048x384x1536_TN", 2048, 384, 1536, 1, true, false},
                                {"384x2048x1536_TN", 384, 2048, 1536, 1, true, false},
                                {"256x64x256_NT_b48", 256, 64, 256, 48, false, true},
                                {"256x256x64_b48", 256, 256, 64, 48},
                                {"64x32x64_NT_b48", 64, 32, 64, 48, false, true},
                                {"64x64x32_b48", 64, 64, 32, 48},
                                {"1x768x3072", 1, 768, 3072},
                                {"1x768x3072_NT", 1, 768, 3072, 1, false, true},
                                {"1x768x32000_NT", 1, 768, 32000, 1, false, true}};

// One row, as when text is written. The larger matrix does not fit any cache: as many times faster than
// gemm_…_NT as its elements are narrower is what memory allows.
constexpr Product narrow_products[] = {{"1x768x3072", 1, 768, 3072},
                                       {"1x768x32000", 1, 768, 32000},
                                       {"8x768x3072", 8, 768, 3072},
                                       {"64x768x3072", 64, 768, 3072}};

core::Array numbers(int64_t count) {
  core::Array x({count});
  Generator generator(1);
  core::fill_uniform(x, -1.0, 1.0, generator);
  return x;
}

Step product(const Product& p) {
  const core::Array a = numbers(p.batch * p.m * p.k), b = numbers(p.batch * p.k * p.n),
                    c = numbers(p.batch * p.m * p.n);
  core::Gemm<float> g{};
  g.m = p.m, g.n = p.n, g.k = p.k, g.batch = p.batch;
  g.a = a.data<float>(), g.a_row = p.a_transposed ? 1 : p.k, g.a_col = p.a_transposed ? p.m : 1, g.a_batch = p.m * p.k;
  g.b = b.data<float>(), g.b_row = p.b_transposed ? 1 : p.n, g.b_col = p.b_transposed ? p.k : 1, g.b_batch = p.k * p.n;
  g.c = c.data<float>(), g.c_row = p.n, g.c_batch = p.m * p.n;
  return [=] {
    static_cast<void>(a), static_cast<void>(b), static_cast<void>(c);  // they own the elements
    core::gemm(g);
  };
}

Step narrow_product(const Product& p, core::CompactType type) {
  const core::Array x = core::reshape(numbers(p.m * p.k), {p.m, p.k});
  const auto w = core::CompactMatrix::from(core::reshape(numbers(p.n * p.k), {p.n, p.k}), type);
  return [=] { w.product(x); };
}

double gflop_of(const Product& p) { return 2e-9 * static_cast<double>(p.batch * p.m * p.k * p.n); }

}  // namespace

void add_gemm(Workloads& all) {
  for (const Product& p : products)
    all.push_back({cat("gemm_", p.name), {"GFLOP/s", gflop_of(p), true}, [p] { return product(p); }});
  using enum core::CompactType;
  for (const auto& [name, kept] : {std::pair("f16", f16), {"bf16", bf16}, {"i8", i8}}) {
    const core::CompactType type = kept;  // clang 14 captures no structured binding
    for (const Product& p : narrow_products)
      all.push_back({cat("compact_", name, "_", p.name), {"GFLOP/s", gflop_of(p), true}, [p, type] {
                       return narrow_product(p, type);
                     }});
  }
}

}  // namespace heed::bench
