// The limits of one thread of this machine: loops that only read, only write, or only multiply. A kernel's
// figure divided by the corresponding limit says how much can still be gained.
#include <algorithm>

#include <heed/core/ops/ops.h>
#include "bench/bench.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace heed::bench {

namespace {

constexpr int64_t count = int64_t{16} << 20;  // 64 MiB: no cache holds them
constexpr int64_t line = 16;                  // elements per cache line

// The result must be used, or the compiler removes the loop.
void use(__m128 value) { __asm__ volatile("" ::"x"(value)); }

void ask_for(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }

__m128 sum_of_line(const float* p) {
  return _mm_add_ps(_mm_add_ps(_mm_load_ps(p), _mm_load_ps(p + 4)),
                    _mm_add_ps(_mm_load_ps(p + 8), _mm_load_ps(p + 12)));
}

void read(const float* x) {
  constexpr int64_t ahead = 2048;
  __m128 sum = _mm_setzero_ps();
  for (int64_t i = 0; i < count; i += line) {
    ask_for(x + std::min(i + ahead, count - line));
    sum = _mm_add_ps(sum, sum_of_line(x + i));
  }
  use(sum);
}

void copy(const float* x, float* y) {
  for (int64_t i = 0; i < count; i += 4) _mm_store_ps(y + i, _mm_load_ps(x + i));
}

void copy_streamed(const float* x, float* y) {
  constexpr int64_t ahead = 512;
  for (int64_t i = 0; i < count; i += line) {
    ask_for(x + std::min(i + ahead, count - line));
    for (int64_t j = i; j < i + line; j += 4) _mm_stream_ps(y + j, _mm_load_ps(x + j));
  }
  _mm_sfence();
}

// More independent sums than two multiply-add units have in flight.
constexpr int sums = 12, times = 100'000;

__attribute__((target("avx512f"))) void multiply_add_512() {
  __m512 sum[sums] = {}, x = _mm512_set1_ps(0.5f);
  for (int i = 0; i < times; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < sums; ++k) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+v"(sum[k]) : "v"(x));
  }
}

__attribute__((target("avx2,fma"))) void multiply_add_256() {
  __m256 sum[sums] = {}, x = _mm256_set1_ps(0.5f);
  for (int i = 0; i < times; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < sums; ++k) __asm__ volatile("vfmadd231ps %1, %1, %0" : "+x"(sum[k]) : "x"(x));
  }
}

}  // namespace

void add_limits(Workloads& all) {
  const auto add = [&](const std::string& name, double bytes, std::function<void(float*, float*)> loop) {
    all.push_back({name, {"GB/s", 1e-9 * bytes * static_cast<double>(count), true}, [=] {
                     return Step([=, x = core::full({count}, 1.0), y = core::full({count}, 0.0)] {
                       loop(x.data<float>(), y.data<float>());
                     });
                   }});
  };
  add("limit_read", 4, [](float* x, float*) { read(x); });
  add("limit_copy", 8, copy);
  add("limit_copy_streamed", 8, copy_streamed);
  const auto add_peak = [&](const std::string& name, double lanes, void (*loop)()) {
    all.push_back({name, {"GFLOP/s", 2e-9 * lanes * sums * times, true}, [=] { return Step(loop); }});
  };
  if (__builtin_cpu_supports("avx512f")) add_peak("limit_multiply_add_avx512", 16, multiply_add_512);
  if (__builtin_cpu_supports("fma")) add_peak("limit_multiply_add_avx2", 8, multiply_add_256);
}

}  // namespace heed::bench

#else

namespace heed::bench {

void add_limits(Workloads&) {}  // written for x86 only

}  // namespace heed::bench

#endif
