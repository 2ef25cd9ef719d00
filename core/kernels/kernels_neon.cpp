// Advanced SIMD with fused multiply-add: every aarch64 CPU. Differs from the baseline by
// contraction.
#if defined(__aarch64__)
#if defined(__clang__)
#pragma clang fp contract(fast)
#else
#pragma GCC optimize("fp-contract=fast", "expensive-optimizations")  // the latter fuses, at -O1 too
#endif

#define HEED_VECTOR_BYTES 16
#define HEED_TILE_ROWS 8
#define HEED_ISA_NAME "neon"
#define HEED_ISA_TABLE kernels_neon
#include <heed/core/kernels/kernels.inc>
#endif
