#include <heed/nn/models/llama.h>

#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/init.h>

namespace heed::nn {

namespace {

LlamaOptions checked(const LlamaOptions& o) {
  check(o.vocab > 0 && o.context > 0 && o.layers > 0 && o.width > 0 && o.hidden > 0, "Llama: vocab ", o.vocab,
        ", context ", o.context, ", layers ", o.layers, ", width ", o.width, ", hidden ", o.hidden,
        ": all must be positive");
  check<ShapeError>(o.heads > 0 && (o.head_dim || o.width % o.heads == 0), "Llama: width ", o.width, ", ", o.heads,
                    " heads: every head gets an equal part: make the width a multiple of the heads, or give head_dim");
  return o;
}

RotaryPositions rotations(const LlamaOptions& o) {
  return {o.head_dim.value_or(o.width / o.heads), o.rope_layout, {.base = o.rope_base, .max_length = o.context}};
}

}  // namespace

LlamaLayer::LlamaLayer(const LlamaOptions& o, const RotaryPositions& rope)
    : input_layernorm(o.width, o.eps),
      self_attn(o.width, o.heads,
                {.num_kv_heads = o.kv_heads, .head_dim = o.head_dim, .bias = o.attention_bias, .rope = rope}),
      post_attention_layernorm(o.width, o.eps),
      mlp(o.width, {.hidden = o.hidden}) {}

Tensor LlamaLayer::operator()(const Tensor& x, KeyValueCache* past) const {
  const Scope scope(*this);
  const Tensor y = scope("middle", x + self_attn(input_layernorm(x), {.causal = true}, past).output);
  return scope(y + mlp(post_attention_layernorm(y)));
}

LlamaModel::LlamaModel(const LlamaOptions& o) : embed_tokens(o.vocab, o.width), norm(o.width, o.eps) {
  const RotaryPositions rope = rotations(o);  // one table for all layers
  for (int64_t i = 0; i < o.layers; ++i) layers.emplace_back(o, rope);
}

Tensor LlamaModel::operator()(const Tensor& tokens, KeyValueCaches* past) const {
  const Scope scope(*this);
  Tensor x = embed_tokens(tokens);  // (B, n, E)
  for (size_t i = 0; i < layers.size(); ++i) x = layers[i](x, past ? &past->layers[i] : nullptr);
  return scope(norm(x));
}

Llama::Llama(const LlamaOptions& o) : options(checked(o)), model(o), lm_head(o.width, o.vocab, {.bias = false}) {
  if (o.tied) lm_head.weight = model.embed_tokens.weight;
  for (NamedTensor& parameter : named_parameters()) {
    if (parameter.tensor.dim() == 2) normal_(parameter.tensor, 0.0, 0.02);
    else if (parameter.name.ends_with("bias")) constant_(parameter.tensor, 0.0);
  }
}

Tensor Llama::operator()(const Tensor& tokens) const {
  const Scope scope(*this);
  check_tokens("Llama", tokens);
  check<ShapeError>(tokens.size(1) <= options.context, "Llama: tokens ", tokens.shape(), ", context ", options.context,
                    ": must be (B, n) with n <= ", options.context, ": keep the last ", options.context, " tokens");
  return scope(lm_head(model(tokens)));  // (B, n, vocab)
}

Tensor Llama::step(const Tensor& tokens, KeyValueCaches& past) const {
  const Scope scope(*this);
  check_tokens("Llama", tokens);
  past.check_room("Llama", tokens, options.layers, options.context);
  const Tensor x = model(tokens, &past);
  return scope(lm_head(x.select(1, x.size(1) - 1)));
}

}  // namespace heed::nn
