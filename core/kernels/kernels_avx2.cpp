// AVX2 and FMA: x86-64 from 2013 on. The target is named here, so that no flag is needed.
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#pragma clang fp contract(fast)
#else
#pragma GCC target("avx2,fma")
#pragma GCC optimize("fp-contract=fast", "expensive-optimizations")  // the latter fuses, at -O1 too
#endif

#define HEED_VECTOR_BYTES 32
#define HEED_TILE_ROWS 6
#define HEED_ISA_NAME "avx2"
#define HEED_ISA_TABLE kernels_avx2
#include <heed/core/kernels/kernels.inc>

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
