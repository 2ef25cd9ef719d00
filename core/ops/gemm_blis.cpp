// GEMM by BLIS (Van Zee & van de Geijn 2015), if heed is built with HEED_WITH_BLIS: one product
// of strided matrices. Batches use heed's own kernels.
#ifdef HEED_WITH_BLIS
#include <heed/core/ops/gemm.h>

#include <blis.h>

#include <cstdlib>
#include <string>
#include <type_traits>

#include <heed/core/parallel.h>

namespace heed::core {
namespace {

// BLIS 0.9 does not know AMD's CPUs with AVX-512 and would fall back to portable C, six times
// slower. Intel's kernels run well on them. A choice made by the user is kept.
void choose_architecture() {
#if defined(__x86_64__) && !defined(_WIN32)
  __builtin_cpu_init();
  if (__builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f")) {
    setenv("BLIS_ARCH_TYPE", std::to_string(static_cast<int>(BLIS_ARCH_SKX)).c_str(), 0);
  }
#endif
}

}  // namespace

/// C = A B [+ C] as BLIS sums it; the caller handles bias and batch.
template <class T> void gemm_blis(const Gemm<T>& p) {
  static const bool chosen = (choose_architecture(), true);
  static_cast<void>(chosen);
  bli_thread_set_num_threads(num_threads());
  T one = 1, beta = p.accumulate ? T(1) : T(0);
  T* const a = const_cast<T*>(p.a);  // BLIS reads A and B only, though its interface does not say so
  T* const b = const_cast<T*>(p.b);
  const auto product = [&] {
    if constexpr (std::is_same_v<T, float>) return bli_sgemm;
    else return bli_dgemm;
  }();
  product(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, p.m, p.n, p.k, &one, a, p.a_row, p.a_col, b, p.b_row, p.b_col, &beta,
          p.c, p.c_row, 1);
}

template void gemm_blis(const Gemm<float>&);
template void gemm_blis(const Gemm<double>&);

}  // namespace heed::core
#endif
