// CONTRIBUTING's kernel and its plain twin, compiled for the narrowest register.
#include <cmath>
#include <cstdint>

#include <stddef.h>
#include <stdint.h>

#define HEED_VECTOR_BYTES 16
#include <heed/core/kernels/kernels.h>
#include <heed/core/kernels/lanes.h>
#include <heed/core/kernels/vector_math.h>

namespace heed::core {
namespace {

#include <snippets/CONTRIBUTING_md_12.inc>
#include <snippets/CONTRIBUTING_md_13.inc>

}  // namespace
}  // namespace heed::core

namespace heed::pages {

void fast(const float* x, float* y, int64_t n);
void plain(const float* x, float* y, int64_t n);

void fast(const float* x, float* y, int64_t n) { core::softsign(x, y, n); }
void plain(const float* x, float* y, int64_t n) { core::plain_softsign(x, y, n); }

}  // namespace heed::pages
