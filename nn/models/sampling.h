// Sampling: from a language model's logits to the next token.
//
//     p = softmax(logits / temperature), unlikely tokens removed, the rest scaled to sum 1
//
// Removed is what the options ask for, in this order: all but the top_k likeliest tokens; all but the likeliest whose
// probabilities add up to top_p (Holtzman et al. 2020, nucleus sampling); those less likely than min_p times the
// likeliest (Nguyen et al. 2024). Before that, the logit of each token that occurred already is divided by
// repetition_penalty if it is positive, multiplied if it is negative (Keskar et al. 2019, section 4.1). Options and
// order are those of Hugging Face's generate().
#pragma once

#include <cstdint>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/core/random.h>

namespace heed::nn {

struct SamplingOptions {
  double temperature = 1.0;         // below 1: closer to the likeliest; 0: always the likeliest
  int64_t top_k = 0;                // 0: all
  double top_p = 1.0;               // 1: all
  double min_p = 0.0;               // 0: all
  double repetition_penalty = 1.0;  // 1: none
};

/// Throws Error, naming `op`, if an option is out of range.
void check_sampling(const char* op, const SamplingOptions& options);

/// logits (B, V) -> probabilities (B, V), f64. Of equal logits, those with lower index are kept first; temperature 0
/// gives the likeliest token probability 1. `before[b]` are the tokens of row b so far; needed for repetition_penalty only.
/// Throws Error if a logit is NaN, all of a row are -∞, or an option is out of range. O(B V), and sorting what top_k and
/// top_p leave over.
Tensor token_probabilities(const Tensor& logits, const SamplingOptions& options = {},
                           const std::vector<std::vector<int64_t>>& before = {});

/// logits (B, V) -> the next token of each row, (B) i64: drawn from token_probabilities, or with temperature 0 the
/// likeliest, without a draw.
Tensor sample_tokens(const Tensor& logits, const SamplingOptions& options, Generator& generator,
                     const std::vector<std::vector<int64_t>>& before = {});

}  // namespace heed::nn
