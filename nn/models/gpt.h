// GPT: a decoder-only Transformer that predicts the next token (Radford et al. 2019).
//
//     x = wte[tokens] + wpe[0 … n-1]
//     for each block:  x = x + attn(ln_1(x));  x = x + mlp(ln_2(x))
//     logits = ln_f(x) wteᵀ
//
// Names are those of nanoGPT and of Hugging Face's GPT2Model, without the prefix "transformer.":
// wte.weight, wpe.weight, h.0.ln_1.weight, h.0.attn.c_attn.weight, h.0.attn.c_proj.weight,
// h.0.ln_2.weight, h.0.mlp.c_fc.weight, h.0.mlp.c_proj.weight, …, ln_f.weight, lm_head.weight.
// Weights of linear layers are (out, in), as in nanoGPT; GPT-2's published files hold their transposes: gpt2_names().
#pragma once

#include <cstdint>
#include <vector>

#include <heed/nn/attention/kv_cache.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/layers/norm.h>
#include <heed/nn/pretrained.h>

namespace heed::nn {

struct GPTOptions {
  int64_t vocab = 65;
  int64_t context = 256;  // longest sequence
  int64_t width = 384;
  int64_t heads = 6;
  int64_t layers = 6;
  double dropout = 0.0;
  bool bias = false;       // in linear layers and norms; GPT-2 has biases
  bool gelu_tanh = false;  // GPT-2's approximation of GELU, instead of the exact function
  bool recompute = false;  // blocks keep nothing for backward but recompute it (recompute.h)
};

/// Each position attends to itself and to earlier ones: x (B, n, E) -> (B, n, E). step() is the
/// same for positions after those in the cache, and adds them to it.
struct CausalSelfAttention : Module {
  Linear c_attn;  // E -> 3E: queries, keys and values of all heads
  Linear c_proj;  // E -> E
  Dropout drop;
  int64_t heads;

  explicit CausalSelfAttention(const GPTOptions&);
  Tensor operator()(const Tensor& x) const;
  Tensor step(const Tensor& x, KeyValueCache& past) const;
  void visit(Visitor& v) override {
    v("c_attn", c_attn);
    v("c_proj", c_proj);
    v("drop", drop);
  }
};

/// gelu(x W₁ᵀ) W₂ᵀ at each position separately, four times as wide inside.
struct MLP : Module {
  Linear c_fc, c_proj;
  Dropout drop;
  bool gelu_tanh;

  explicit MLP(const GPTOptions&);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) override {
    v("c_fc", c_fc);
    v("c_proj", c_proj);
    v("drop", drop);
  }
};

/// Attention mixes positions, the MLP mixes features; each adds to the residual stream (pre-norm).
struct Block : Module {
  LayerNorm ln_1;
  CausalSelfAttention attn;
  LayerNorm ln_2;
  MLP mlp;

  explicit Block(const GPTOptions&);
  Tensor operator()(const Tensor& x) const;
  Tensor step(const Tensor& x, KeyValueCache& past) const;
  void visit(Visitor& v) override {
    v("ln_1", ln_1);
    v("attn", attn);
    v("ln_2", ln_2);
    v("mlp", mlp);
  }
};

struct GPT : Module {
  GPTOptions options;
  Embedding wte, wpe;
  Dropout drop;
  std::vector<Block> h;
  LayerNorm ln_f;
  Linear lm_head;  // its weight is wte's: one tensor under two names

  /// Matrices start at N(0, 0.02²), those that write into the residual stream at
  /// N(0, 0.02² / 2 layers), biases at 0.
  explicit GPT(const GPTOptions& = {});

  /// tokens (B, n) i64 -> logits (B, n, vocab). ShapeError if n > context.
  Tensor operator()(const Tensor& tokens) const;

  /// The same for generation, one token at a time, in evaluation and under NoGrad (while training it drops as the
  /// whole call does): tokens (B, n) are the new ones, earlier ones are in the cache -> logits (B, vocab) of the token
  /// after the last. ShapeError beyond the context.
  Tensor step(const Tensor& tokens, KeyValueCaches& past) const;
  KeyValueCaches begin() const { return {options.layers, options.context}; }
  void visit(Visitor& v) override;
};

/// Names and layouts of Hugging Face's GPT2Model and GPT2LMHeadModel -> nn::GPT's (pretrained.h).
const Renames& gpt2_names();

/// Parameters with two axes or more are decayed, the others (biases, gains of norms) are not.
struct DecayGroups {
  std::vector<Tensor> decay, no_decay;
};
DecayGroups decay_groups(const Module& model);

}  // namespace heed::nn
