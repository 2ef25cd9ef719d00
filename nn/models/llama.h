// Llama: a decoder-only Transformer (Touvron et al. 2023a, 2023b), as Hugging Face's LlamaForCausalLM.
//
//     x = embed_tokens[tokens]
//     for each layer:  x = x + self_attn(input_layernorm(x));  x = x + mlp(post_attention_layernorm(x))
//     logits = norm(x) lm_headᵀ
//
// Three things differ from GPT (gpt.h): positions are rotations of queries and keys (rotary.h), the feed-forward
// network is gated (SwiGLU), and norms are root mean squares (RMSNorm). Heads of keys and values may be shared
// (grouped_query_attention.h). No biases.
//
// Names are Hugging Face's: model.embed_tokens.weight, model.layers.0.input_layernorm.weight,
// model.layers.0.self_attn.q_proj.weight, …, model.layers.0.mlp.gate_proj.weight, …, model.norm.weight, lm_head.weight.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <heed/nn/attention/grouped_query_attention.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/gated_feed_forward.h>
#include <heed/nn/layers/norm.h>

namespace heed::nn {

struct LlamaOptions {
  int64_t vocab = 32000;
  int64_t context = 2048;  // longest sequence
  int64_t width = 288;
  int64_t hidden = 768;  // of the feed-forward networks
  int64_t layers = 6;
  int64_t heads = 6;
  std::optional<int64_t> kv_heads = std::nullopt;  // else as many as heads
  std::optional<int64_t> head_dim = std::nullopt;  // else width / heads
  double eps = 1e-5;                               // of the norms
  double rope_base = 10000.0;
  RopeLayout rope_layout = RopeLayout::half_split;  // Hugging Face's; Meta's and llama2.c's weights are interleaved
  bool tied = false;                                // lm_head's weight is embed_tokens'
  bool attention_bias = false;
};

/// x (B, n, E) -> (B, n, E). With a cache, x continues its positions and is added to it.
struct LlamaLayer : Module {
  RMSNorm input_layernorm;
  GroupedQueryAttention self_attn;
  RMSNorm post_attention_layernorm;
  SwiGLU mlp;

  LlamaLayer(const LlamaOptions&, const RotaryPositions& rope);
  Tensor operator()(const Tensor& x, KeyValueCache* past = nullptr) const;
  void visit(Visitor& v) override {
    v("input_layernorm", input_layernorm);
    v("self_attn", self_attn);
    v("post_attention_layernorm", post_attention_layernorm);
    v("mlp", mlp);
  }
};

/// All but the last product: tokens (B, n) -> (B, n, E).
struct LlamaModel : Module {
  Embedding embed_tokens;
  std::vector<LlamaLayer> layers;
  RMSNorm norm;

  explicit LlamaModel(const LlamaOptions&);
  Tensor operator()(const Tensor& tokens, KeyValueCaches* past = nullptr) const;
  void visit(Visitor& v) override {
    v("embed_tokens", embed_tokens);
    v("layers", layers);
    v("norm", norm);
  }
};

struct Llama : Module {
  LlamaOptions options;
  LlamaModel model;
  Linear lm_head;

  /// Matrices start at N(0, 0.02²), gains of norms at 1.
  explicit Llama(const LlamaOptions& = {});

  /// tokens (B, n) i64 -> logits (B, n, vocab). ShapeError if n > context.
  Tensor operator()(const Tensor& tokens) const;

  /// The same for generation, under NoGrad (generate.h): tokens (B, n) are the new ones, earlier ones are in the
  /// cache -> logits (B, vocab) of the token after the last. ShapeError beyond the context.
  Tensor step(const Tensor& tokens, KeyValueCaches& past) const;
  KeyValueCaches begin() const { return {options.layers, options.context}; }
  void visit(Visitor& v) override {
    v("model", model);
    v("lm_head", lm_head);
  }
};

}  // namespace heed::nn
