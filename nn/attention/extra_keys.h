// Keys and values that torch.nn.MultiheadAttention can add to its inputs: learnt ones (add_bias_kv), and zeros
// (add_zero_attn), which let a query attend to nothing. Every query sees them, whatever the masks say.
#pragma once

#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/kv_cache.h>

namespace heed::nn {

struct ExtraKeys {
  Tensor bias_k, bias_v;  // (1, 1, E) each, or none
  bool zeros = false;

  int64_t count() const { return (bias_k.defined() ? 1 : 0) + (zeros ? 1 : 0); }
  /// k, v (B, h, m, d) -> (B, h, m + count, d).
  KeysValues after(KeysValues keys) const;
  /// The masks combined, with one more column per extra key, for `scores` (B, h, n, m) of the given keys.
  AttentionOptions seen_by_all(const char* op, AttentionOptions options, const Shape& scores, Dtype dtype) const;
};

}  // namespace heed::nn
