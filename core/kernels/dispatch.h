// Which kernel table: the choice made at start, open to tests.
#pragma once

#include <vector>

#include <heed/core/kernels/kernels.h>

namespace heed::core {

/// The tables that this machine can run, fastest first; the last two are always the baseline and the plain twins.
std::vector<const Kernels*> supported_kernels();

/// The table named `wanted` (a value of HEED_ISA), the fastest where it is null or empty. Throws Error if this machine has
/// none of that name.
const Kernels& choose_kernels(const char* wanted);

}  // namespace heed::core
