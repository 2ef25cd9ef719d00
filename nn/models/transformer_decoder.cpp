#include <heed/nn/models/transformer_decoder.h>

#include <utility>

#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/indexing.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/unseen.h>

namespace heed::nn {

TransformerDecoderLayer::TransformerDecoderLayer(Whole d_model, Whole num_heads, const TransformerOptions& o)
    : self_attn(d_model, num_heads, {.dropout = o.dropout, .bias = o.bias}),
      multihead_attn(d_model, num_heads, {.dropout = o.dropout, .bias = o.bias}),
      feed_forward(d_model,
                   {.hidden = o.dim_feedforward, .dropout = o.dropout, .activation = o.activation, .bias = o.bias}),
      norm1(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}),
      norm2(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}),
      norm3(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}),
      dropout1(o.dropout),
      dropout2(o.dropout),
      dropout3(o.dropout),
      norm_first(o.norm_first) {}

template <class Self, class Cross> Tensor TransformerDecoderLayer::run(const Tensor& x, Self self, Cross cross) const {
  if (norm_first) {
    const Tensor y = x + dropout1(self(norm1(x)));
    const Tensor z = y + dropout2(cross(norm2(y)));
    return z + dropout3(feed_forward(norm3(z)));
  }
  const Tensor y = norm1(x + dropout1(self(x)));
  const Tensor z = norm2(y + dropout2(cross(y)));
  return norm3(z + dropout3(feed_forward(z)));
}

Tensor TransformerDecoderLayer::operator()(const Tensor& input, const Tensor& memory, const AttentionOptions& within,
                                           const AttentionOptions& across) const {
  const Scope scope(*this);
  check_no_weights("TransformerDecoderLayer", within);
  check_no_weights("TransformerDecoderLayer", across);
  const Tensor x = taking_part("TransformerDecoderLayer", self_attn.num_heads, input, within);
  return scope(run(
      x, [&](const Tensor& y) { return self_attn(y, within).output; },
      [&](const Tensor& y) { return multihead_attn(y, memory, memory, across).output; }));
}

Tensor TransformerDecoderLayer::step(const Tensor& x, KeyValueCache& past, const KeysValues& memory,
                                     const std::optional<Tensor>& memory_key_mask) const {
  const Scope scope(*this);
  return scope(run(
      x,
      [&](const Tensor& y) {
        return self_attn.attend_to(y, past.append(self_attn.keys_values(y, y)), {.causal = true}).output;
      },
      [&](const Tensor& y) { return multihead_attn.attend_to(y, memory, {.key_mask = memory_key_mask}).output; }));
}

void TransformerDecoderLayer::visit(Visitor& v) {  // PyTorch names linear1 and linear2 on the layer itself
  v("self_attn", self_attn);
  v("multihead_attn", multihead_attn);
  v("linear1", feed_forward.linear1);
  v("dropout", feed_forward.dropout);
  v("linear2", feed_forward.linear2);
  v("norm1", norm1);
  v("norm2", norm2);
  v("norm3", norm3);
  v("dropout1", dropout1);
  v("dropout2", dropout2);
  v("dropout3", dropout3);
}

void DecoderCache::reorder(const Tensor& rows) {
  past.reorder(rows);
  for (KeysValues& m : memory) m = {index_select(m.k, 0, rows), index_select(m.v, 0, rows)};
  if (memory_key_mask) memory_key_mask = index_select(*memory_key_mask, 0, rows);
}

Tensor TransformerDecoder::operator()(const Tensor& x, const Tensor& memory, const AttentionOptions& within,
                                      const AttentionOptions& across) const {
  const Scope scope(*this);
  Tensor y = x;
  for (const TransformerDecoderLayer& layer : layers) y = layer(y, memory, within, across);
  return scope(normed(y));
}

DecoderCache TransformerDecoder::begin(const Tensor& memory, int64_t capacity,
                                       std::optional<Tensor> memory_key_mask) const {
  const Scope scope(*this);
  DecoderCache cache{KeyValueCaches(static_cast<int64_t>(layers.size()), capacity), {}, std::move(memory_key_mask)};
  for (const TransformerDecoderLayer& layer : layers)
    cache.memory.push_back(layer.multihead_attn.keys_values(memory, memory, cache.memory_key_mask));
  return cache;
}

Tensor TransformerDecoder::step(const Tensor& x, DecoderCache& cache) const {
  const Scope scope(*this);
  check(cache.past.layers.size() == layers.size() && cache.memory.size() == layers.size(),
        "TransformerDecoder: a cache of ", cache.memory.size(), " layers for ", layers.size(),
        ": make it with begin() of this decoder");
  Tensor y = x;
  for (size_t i = 0; i < layers.size(); ++i)
    y = layers[i].step(y, cache.past.layers[i], cache.memory[i], cache.memory_key_mask);
  return scope(normed(y));
}

}  // namespace heed::nn
