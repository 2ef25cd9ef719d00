// A small Llama, and files of llama2.c that hold it, for tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/nn/models/llama.h>

namespace heed::test {

/// Shared heads of keys and values, norms that are not 1.
inline nn::Llama small_llama(bool tied, nn::RopeLayout layout = nn::RopeLayout::interleaved, int64_t vocab = 11) {
  manual_seed(3);
  nn::Llama llama({.vocab = vocab,
                   .context = 6,
                   .width = 8,
                   .hidden = 12,
                   .layers = 2,
                   .heads = 4,
                   .kv_heads = 2,
                   .rope_layout = layout,
                   .tied = tied});
  const NoGrad off;
  for (nn::NamedTensor& entry : llama.named_parameters())
    if (entry.tensor.dim() == 1) entry.tensor.copy_(randn(entry.tensor.shape()));
  return llama;
}

template <class T> std::string bytes_of(T value) { return {reinterpret_cast<const char*>(&value), sizeof(T)}; }

inline std::string floats(const Tensor& x) {
  return {reinterpret_cast<const char*>(x.data<float>()), 4 * static_cast<size_t>(x.numel())};
}

inline std::string sizes(const std::vector<int32_t>& values) {
  std::string bytes;
  for (const int32_t value : values) bytes += bytes_of(value);
  return bytes;
}

// Rows of i8 in groups of four, rounded as llama2.c's own export does; `rounded` becomes what a reader must get.
inline std::string groups_of_4(const Tensor& x, Tensor& rounded) {
  std::string elements, scales;
  rounded = zeros(x.shape());
  float* to = rounded.array().data<float>();
  for (int64_t first = 0; first < x.numel(); first += 4) {
    float most = 0;
    for (int64_t i = first; i < first + 4; ++i) most = std::max(most, std::abs(x.data<float>()[i]));
    const float scale = most / 127.0f;
    scales += bytes_of(scale);
    for (int64_t i = first; i < first + 4; ++i) {
      const auto q = static_cast<signed char>(std::lround(x.data<float>()[i] / scale));
      elements += bytes_of(q);
      to[i] = scale * static_cast<float>(q);
    }
  }
  return elements + scales;
}

inline std::string version_0(nn::Llama& llama) {
  const nn::LlamaOptions& o = llama.options;
  std::string bytes = sizes({8, 12, 2, 4, 2, static_cast<int32_t>(o.tied ? o.vocab : -o.vocab), 6});
  const auto all = [&](auto member) {
    for (nn::LlamaLayer& layer : llama.model.layers) bytes += floats(member(layer));
  };
  bytes += floats(llama.model.embed_tokens.weight);
  all([](auto& l) { return l.input_layernorm.weight; });
  all([](auto& l) { return l.self_attn.q_proj.weight; });
  all([](auto& l) { return l.self_attn.k_proj.weight; });
  all([](auto& l) { return l.self_attn.v_proj.weight; });
  all([](auto& l) { return l.self_attn.o_proj.weight; });
  all([](auto& l) { return l.post_attention_layernorm.weight; });
  all([](auto& l) { return l.mlp.gate_proj.weight; });
  all([](auto& l) { return l.mlp.down_proj.weight; });
  all([](auto& l) { return l.mlp.up_proj.weight; });
  bytes += floats(llama.model.norm.weight);
  bytes += std::string(4 * 6 * 2, '\x7f');  // rotations, which are not read
  return o.tied ? bytes : bytes + floats(llama.lm_head.weight);
}

inline std::string header(int32_t version, bool tied, int32_t group = 4) {
  std::string bytes = sizes({0x616b3432, version, 8, 12, 2, 4, 2, 11, 6}) + static_cast<char>(tied);
  if (version == 2) bytes += bytes_of(group);
  return bytes + std::string(256 - bytes.size(), '\0');
}

// Versions 1 and 2; the matrices of the model become those that were written.
inline std::string later_version(int32_t version, nn::Llama& llama) {
  std::string bytes = header(version, llama.options.tied);
  const NoGrad off;
  const auto matrix = [&](Tensor& weight) {
    if (version == 1) return floats(weight);
    Tensor rounded;
    const std::string text = groups_of_4(weight, rounded);
    weight.copy_(rounded);
    return text;
  };
  const auto norms = [&](auto member) {
    for (nn::LlamaLayer& layer : llama.model.layers) bytes += floats(member(layer));
  };
  const auto all = [&](auto member) {
    for (nn::LlamaLayer& layer : llama.model.layers) bytes += matrix(member(layer));
  };
  norms([](auto& l) { return l.input_layernorm.weight; });
  norms([](auto& l) { return l.post_attention_layernorm.weight; });
  bytes += floats(llama.model.norm.weight);
  bytes += matrix(llama.model.embed_tokens.weight);
  all([](auto& l) -> Tensor& { return l.self_attn.q_proj.weight; });
  all([](auto& l) -> Tensor& { return l.self_attn.k_proj.weight; });
  all([](auto& l) -> Tensor& { return l.self_attn.v_proj.weight; });
  all([](auto& l) -> Tensor& { return l.self_attn.o_proj.weight; });
  all([](auto& l) -> Tensor& { return l.mlp.gate_proj.weight; });
  all([](auto& l) -> Tensor& { return l.mlp.down_proj.weight; });
  all([](auto& l) -> Tensor& { return l.mlp.up_proj.weight; });
  return llama.options.tied ? bytes : bytes + matrix(llama.lm_head.weight);
}

}  // namespace heed::test
