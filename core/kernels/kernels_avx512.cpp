// AVX-512: Intel's servers from 2017 on, AMD from Zen 4 on. The target is named here, so that no
// flag is needed.
#if defined(__x86_64__)
#if defined(__clang__)
// clang-format off
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))), apply_to = function)
// clang-format on
#pragma clang fp contract(fast)
#else
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#pragma GCC optimize("fp-contract=fast", "expensive-optimizations")  // the latter fuses, at -O1 too
#endif

#define HEED_VECTOR_BYTES 64
#define HEED_TILE_ROWS 8
#define HEED_ISA_NAME "avx512"
#define HEED_ISA_TABLE kernels_avx512
#include <heed/core/kernels/kernels.inc>

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
