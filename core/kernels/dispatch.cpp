#include <heed/core/kernels/dispatch.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include <heed/core/error.h>
#include <heed/core/text.h>

namespace heed::core {

extern const Kernels kernels_baseline, kernels_plain;
#if defined(__x86_64__)
extern const Kernels kernels_avx2, kernels_avx512;
#elif defined(__aarch64__)
extern const Kernels kernels_neon;
#endif

std::vector<const Kernels*> supported_kernels() {
  std::vector<const Kernels*> tables;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw")) {
    tables.push_back(&kernels_avx512);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables.push_back(&kernels_avx2);
#elif defined(__aarch64__)
  tables.push_back(&kernels_neon);
#endif
  tables.push_back(&kernels_baseline);
  tables.push_back(&kernels_plain);
  return tables;
}

const Kernels& choose_kernels(const char* wanted) {
  const auto tables = supported_kernels();
  if (!wanted || *wanted == 0) return *tables.front();
  std::string names;
  for (const Kernels* table : tables) {
    if (std::strcmp(table->isa, wanted) == 0) return *table;
    names += names.empty() ? table->isa : std::string(", ") + table->isa;
  }
  fail("HEED_ISA: ", quote(wanted), ": not an instruction set of this machine: use one of ", names, ", or unset it");
}

const Kernels& kernels() {
  static const Kernels& chosen = choose_kernels(std::getenv("HEED_ISA"));
  return chosen;
}

}  // namespace heed::core
