// Files of llama2.c (Karpathy 2023): a header of integers, then the weights in a fixed order.
//
//     version 0   seven i32: width, hidden, layers, heads, kv_heads, vocab (negative: lm_head is a matrix of its own),
//                 context. Then f32: embedding, input norms of all layers, their wq, wk, wv, wo, norms after attention,
//                 w1 (gate), w2 (down), w3 (up), the last norm, tables of rotations (2 · context · head/2, not needed),
//                 and lm_head, unless it is the embedding
//     version 1   256 bytes: "ak42", version, the same seven, a byte (1: lm_head is the embedding). Then f32: input
//                 norms, norms after attention, last norm, embedding, wq, wk, wv, wo, w1, w2, w3, lm_head
//     version 2   the same with the size of a group, an i32, after that byte. Norms are f32, each matrix is i8 followed
//                 by an f32 scale for each group of its elements: w = scale · i
//
// The rotations are interleaved (nn/attention/rotary.h), their base is 10000, eps is 1e-5.
#pragma once

#include <filesystem>

#include <heed/nn/models/llama.h>

namespace heed::kit {

/// Whether the file looks like one of these: its name ends in ".bin".
bool is_llama2c_file(const std::filesystem::path& file);

/// Reads a model. Throws FormatError unless the sizes in the header are possible and the file has exactly the bytes that
/// they ask for; this is checked before anything is allocated.
nn::Llama load_llama2c(const std::filesystem::path& file);

}  // namespace heed::kit
