#include <heed/nn/models/gpt.h>

#include <string_view>

#include <heed/autograd/ops/activations.h>
#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/init.h>
#include <heed/nn/recompute.h>

namespace heed::nn {

CausalSelfAttention::CausalSelfAttention(const GPTOptions& o)
    : c_attn(o.width, times(3, o.width), {.bias = o.bias}),
      c_proj(o.width, o.width, {.bias = o.bias}),
      drop(o.dropout),
      heads(o.heads) {}

Tensor CausalSelfAttention::operator()(const Tensor& x) const {
  const Scope scope(*this);
  const Tensor y = packed_attention(c_attn(x), heads, {.causal = true, .dropout = training ? drop.p : 0.0});
  return scope(drop(c_proj(y)));
}

Tensor CausalSelfAttention::step(const Tensor& x, KeyValueCache& past) const {
  const Scope scope(*this);
  const std::vector<Tensor> parts = c_attn(x).chunk(3, -1);
  const auto part = [&](size_t i) { return split_heads(parts[i], heads); };
  const KeysValues all = past.append({part(1), part(2)});
  const AttentionOptions options{.causal = true, .dropout = training ? drop.p : 0.0};
  return scope(drop(c_proj(merge_heads(attend_heads(part(0), all.k, all.v, options).output))));
}

MLP::MLP(const GPTOptions& o)
    : c_fc(o.width, times(4, o.width), {.bias = o.bias}),
      c_proj(times(4, o.width), o.width, {.bias = o.bias}),
      drop(o.dropout),
      gelu_tanh(o.gelu_tanh) {}

Tensor MLP::operator()(const Tensor& x) const {
  const Scope scope(*this);
  const Tensor hidden = c_fc(x);
  return scope(drop(c_proj(scope("hidden", gelu_tanh ? heed::gelu_tanh(hidden) : gelu(hidden)))));
}

Block::Block(const GPTOptions& o) : ln_1(o.width, {.bias = o.bias}), attn(o), ln_2(o.width, {.bias = o.bias}), mlp(o) {}

Tensor Block::operator()(const Tensor& x) const {
  const Scope scope(*this);
  const Tensor y = scope("middle", x + attn(ln_1(x)));
  return scope(y + mlp(ln_2(y)));
}

Tensor Block::step(const Tensor& x, KeyValueCache& past) const {
  const Scope scope(*this);
  const Tensor y = scope("middle", x + attn.step(ln_1(x), past));
  return scope(y + mlp(ln_2(y)));
}

namespace {

GPTOptions checked(const GPTOptions& o) {
  check(o.vocab > 0 && o.context > 0 && o.layers > 0, "GPT: vocab ", o.vocab, ", context ", o.context, ", layers ",
        o.layers, ": all must be positive");
  check<ShapeError>(o.heads > 0 && o.width > 0 && o.width % o.heads == 0, "GPT: width ", o.width, ", ", o.heads,
                    " heads: every head gets an equal part: make the width a multiple of the heads");
  return o;
}

}  // namespace

GPT::GPT(const GPTOptions& o)
    : options(checked(o)),
      wte(o.vocab, o.width),
      wpe(o.context, o.width),
      drop(o.dropout),
      ln_f(o.width, {.bias = o.bias}),
      lm_head(o.width, o.vocab, {.bias = false}) {
  for (int64_t i = 0; i < o.layers; ++i) h.emplace_back(o);
  lm_head.weight = wte.weight;
  for (NamedTensor& parameter : named_parameters()) {
    const std::string_view name = parameter.name;
    if (parameter.tensor.dim() == 2 && name.ends_with("c_proj.weight")) gpt2_residual_(parameter.tensor, o.layers);
    else if (parameter.tensor.dim() == 2) normal_(parameter.tensor, 0.0, 0.02);
    else if (name.ends_with("bias")) constant_(parameter.tensor, 0.0);
  }
}

Tensor GPT::operator()(const Tensor& tokens) const {
  const Scope scope(*this);
  check_tokens("GPT", tokens);
  check<ShapeError>(tokens.size(1) <= options.context, "GPT: tokens ", tokens.shape(), ", context ", options.context,
                    ": must be (B, n) with n <= ", options.context, ": keep the last ", options.context, " tokens");
  Tensor x = drop(wte(tokens) + wpe(arange(tokens.size(1))));  // (B, n, E)
  for (const Block& block : h) x = options.recompute ? recompute(block, x) : block(x);
  return scope(lm_head(ln_f(x)));  // (B, n, vocab)
}

Tensor GPT::step(const Tensor& tokens, KeyValueCaches& past) const {
  const Scope scope(*this);
  check_tokens("GPT", tokens);
  past.check_room("GPT", tokens, options.layers, options.context);
  const auto first = static_cast<double>(past.length());
  Tensor x = drop(wte(tokens) + wpe(arange(tokens.size(1)) + first));
  for (size_t i = 0; i < h.size(); ++i) x = h[i].step(x, past.layers[i]);
  return scope(lm_head(ln_f(x.select(1, x.size(1) - 1))));
}

void GPT::visit(Visitor& v) {
  v("wte", wte);
  v("wpe", wpe);
  v("drop", drop);
  v("h", h);
  v("ln_f", ln_f);
  v("lm_head", lm_head);
}

const Renames& gpt2_names() {
  static const Renames table = {
      {"transformer.*", "*"},
      {"h.*.attn.bias", ""},  // the causal mask
      {"h.*.attn.masked_bias", ""},
      {"h.*.attn.c_attn.weight", "h.*.attn.c_attn.weight", Change::transpose},
      {"h.*.attn.c_proj.weight", "h.*.attn.c_proj.weight", Change::transpose},
      {"h.*.mlp.c_fc.weight", "h.*.mlp.c_fc.weight", Change::transpose},
      {"h.*.mlp.c_proj.weight", "h.*.mlp.c_proj.weight", Change::transpose},
  };
  return table;
}

DecayGroups decay_groups(const Module& model) {
  DecayGroups groups;
  for (const Tensor& p : model.parameters()) (p.dim() >= 2 ? groups.decay : groups.no_decay).push_back(p);
  return groups;
}

}  // namespace heed::nn
