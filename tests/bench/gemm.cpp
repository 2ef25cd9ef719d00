// Matrix products C (M, N) = A (M, K) B (K, N), f32, with BLAS's interface: pointers to elements, no
// arrays made. "NT": B is stored (N, K); "TN": A is (K, M).
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
                                {"1x768x3072_NT", 1, 768, 3072, 1, false, true}};

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

}  // namespace

void add_gemm(Workloads& all) {
  for (const Product& p : products) {
    const double gflop = 2e-9 * static_cast<double>(p.batch * p.m * p.k * p.n);
    all.push_back({cat("gemm_", p.name), {"GFLOP/s", gflop, true}, [p] { return product(p); }});
  }
}

}  // namespace heed::bench
