// Which kernel table: the choice made at start, open to tests.
#pragma once

#include <vector>

#include <heed/core/kernels/kernels.h>

namespace heed::core {

/// The tables that this machine can run, fastest first; the baseline is always the last.
std::vector<const Kernels*> supported_kernels();

/// The table named `wanted` (a value of HEED_ISA), the fastest where it is null. Throws Error if
/// this machine has no such instruction set.
const Kernels& choose_kernels(const char* wanted);

}  // namespace heed::core
