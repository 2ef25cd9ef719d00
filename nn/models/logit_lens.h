// The logit lens: what would the model say after each of its layers? (nostalgebraist 2020, "interpreting GPT: the logit lens")
//
//     logitsₗ = lm_head(ln_f(xₗ)),   xₗ the residual stream after l blocks
//
//     const Tensor lens = logit_lens(gpt, tokens);      // (layers + 1, B, n, vocab)
//     argmax(lens, -1);                                 // the likeliest token of each layer, per position
#pragma once

#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>

namespace heed::nn {

/// tokens (B, n) -> (layers + 1, B, n, vocab): the first from the embeddings, the last are the model's logits. One call of
/// the model, and a product with the vocabulary per layer.
Tensor logit_lens(const GPT& model, const Tensor& tokens);
Tensor logit_lens(const Llama& model, const Tensor& tokens);

}  // namespace heed::nn
