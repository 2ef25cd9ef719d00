// What every CPU of the architecture has: SSE2 on x86-64, Advanced SIMD on aarch64.
#define HEED_VECTOR_BYTES 16
#define HEED_TILE_ROWS 4
#define HEED_ISA_NAME "baseline"
#define HEED_ISA_TABLE kernels_baseline
#include <heed/core/kernels/kernels.inc>
