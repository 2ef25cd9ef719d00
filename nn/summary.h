// summary: what a model is made of, as a table.
//
//     std::cout << nn::summary(model);
//
//     path             class                tensor  shape      elements
//                      GPT
//     wte              Embedding            weight  (65, 64)      4,160
//     h.0              Block
//     h.0.ln_1         LayerNorm            weight  (64,)            64
//     …
//     lm_head          Linear               weight  (65, 64)          -  is wte.weight
//     total 103,104 elements, 103,104 of them trainable, 402.8 KiB
//
// A tensor under several names is counted once, and later appearances refer to the first; so
// do those of a module. Tensors that require no gradient are marked as frozen.
#pragma once

#include <string>

#include <heed/nn/module.h>

namespace heed::nn {

std::string summary(const Module& model);

}  // namespace heed::nn
