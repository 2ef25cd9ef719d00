// Sampling: the next token from a model's logits.
#pragma once

#include <cstdint>
#include <vector>

namespace heed::kit {

struct SamplingOptions {
  double temperature = 1;  // logits are divided by it; 0 takes the largest
  int64_t top_k = 0;       // keep the k largest; 0 keeps all
  double top_p = 1;        // keep the fewest whose probabilities add up to this (Holtzman et al. 2020)
};

/// The index i with  Σ_{j before i} pⱼ <= u < Σ_{j up to i} pⱼ, p = softmax of what is kept, in
/// order of decreasing probability (ties: lower index first). `u` is uniform on [0, 1).
/// Throws Error if there are no logits, one is NaN, all are -∞, or an option is out of range.
int64_t sample(const std::vector<float>& logits, double u, const SamplingOptions& options = {});

}  // namespace heed::kit
