// The GPT shapes measured: nanoGPT's for characters on a CPU, its "baby GPT", and GPT-2's.
#pragma once

#include <heed/nn/models/gpt.h>
#include "bench/bench.h"

namespace heed::bench {

struct GPTShape {
  const char* name;
  int64_t layers, heads, width, context, batch, vocab;
  bool recompute = false;

  nn::GPTOptions options() const {
    return {
        .vocab = vocab, .context = context, .width = width, .heads = heads, .layers = layers, .recompute = recompute};
  }
};

inline constexpr GPTShape gpt_s{"S", 4, 4, 128, 64, 12, 65};
inline constexpr GPTShape gpt_m{"M", 6, 6, 384, 256, 8, 65};
inline constexpr GPTShape gpt_m_recompute{"M_recompute", 6, 6, 384, 256, 8, 65, true};
inline constexpr GPTShape gpt_124m{"G124", 12, 12, 768, 64, 4, 50257};

/// 6 flop per weight and token, 12 · layers · width · context per token for attention (counted without mask).
double gflop(const GPTShape& shape);
Step training_step(const GPTShape& shape);

}  // namespace heed::bench
