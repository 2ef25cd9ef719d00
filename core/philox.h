// Philox-4x32-10: random bits as a function of a counter. Salmon et al. 2011, "Parallel random
// numbers: as easy as 1, 2, 3", table 2.
//
// Ten rounds of multiply and mix turn a 128-bit counter under a 64-bit key into 128 random bits.
// There is no state to carry along: block 1,000,000 costs the same as block 0, so any thread may
// compute any part of a sequence, with the same result.
#pragma once

#include <array>
#include <cstdint>

namespace heed::core {

using PhiloxBlock = std::array<uint32_t, 4>;

/// One block. In heed, counter = (index, stream) and key = seed, low words first.
PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key);

/// Block `index` of sequence `stream` under `seed`.
PhiloxBlock philox(uint64_t seed, uint64_t stream, uint64_t index);

/// Writes blocks first … first + blocks - 1 consecutively (4 · blocks words).
void philox_fill(uint64_t seed, uint64_t stream, uint64_t first, uint32_t* words, int64_t blocks);

}  // namespace heed::core
