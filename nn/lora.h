// Adapting a trained model with few parameters (Hu et al. 2021).
//
//     add_low_rank(model, {.rank = 8});      // freezes the model; only the adapters are trained
//     optim::AdamW adamw(model.parameters());
//     …
//     merge_low_rank(model);                 // W += (α/r) B A: an ordinary model again, as fast as before
//
// Without the merge, state_dict() has lora_A and lora_B beside each weight; they alone are a small file.
#pragma once

#include <string>
#include <vector>

#include <heed/nn/layers/low_rank.h>

namespace heed::nn {

struct LoRAOptions {
  int64_t rank = 8;
  double alpha = 16.0;
  /// Names of the layers that get one, such as "q_proj": the last part of their path. Empty: all Linear layers, but those
  /// whose weight is also another layer's: a merge would change both.
  std::vector<std::string> layers = {};
};

/// Returns how many layers got an adapter. Throws Error if none has such a name, or one has an adapter already or shares
/// its weight; then nothing is changed.
int64_t add_low_rank(Module& model, const LoRAOptions& options = {});

/// Adds each adapter's product to its weight and removes it; all parameters can be trained again.
void merge_low_rank(Module& model);

}  // namespace heed::nn
