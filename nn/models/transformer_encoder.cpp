#include <heed/nn/models/transformer_encoder.h>

#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/attention/unseen.h>
#include <heed/nn/clone.h>

namespace heed::nn {

TransformerEncoderLayer::TransformerEncoderLayer(int64_t d_model, int64_t num_heads, const TransformerOptions& o)
    : self_attn(d_model, num_heads, {.dropout = o.dropout, .bias = o.bias}),
      feed_forward(d_model,
                   {.hidden = o.dim_feedforward, .dropout = o.dropout, .activation = o.activation, .bias = o.bias}),
      norm1(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}),
      norm2(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}),
      dropout1(o.dropout),
      dropout2(o.dropout),
      norm_first(o.norm_first) {}

Tensor TransformerEncoderLayer::operator()(const Tensor& input, const TransformerCall& call) const {
  const Scope scope(*this);
  const Tensor x = taking_part("TransformerEncoderLayer", self_attn.num_heads, input,
                               {.mask = call.mask, .key_mask = call.key_mask, .causal = call.causal});
  const auto attend_within = [&](const Tensor& z) {
    return dropout1(self_attn(z, {.mask = call.mask, .key_mask = call.key_mask, .causal = call.causal}).output);
  };
  if (norm_first) {
    const Tensor y = x + attend_within(norm1(x));
    return y + dropout2(feed_forward(norm2(y)));
  }
  const Tensor y = norm1(x + attend_within(x));
  return norm2(y + dropout2(feed_forward(y)));
}

void TransformerEncoderLayer::visit(Visitor& v) {  // PyTorch's names: linear1 and 2 are its own
  v("self_attn", self_attn);
  v("linear1", feed_forward.linear1);
  v("dropout", feed_forward.dropout);
  v("linear2", feed_forward.linear2);
  v("norm1", norm1);
  v("norm2", norm2);
  v("dropout1", dropout1);
  v("dropout2", dropout2);
}

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer, int64_t count,
                                       std::optional<LayerNorm> norm_)
    : norm(std::move(norm_)) {
  check(count >= 0, "TransformerEncoder: ", count, " layers: must not be negative");
  for (int64_t i = 0; i < count; ++i) layers.push_back(clone(layer));
}

Tensor TransformerEncoder::operator()(const Tensor& x, const TransformerCall& call) const {
  const Scope scope(*this);
  Tensor y = x;
  for (const TransformerEncoderLayer& layer : layers) y = layer(y, call);
  return norm ? (*norm)(y) : y;
}

}  // namespace heed::nn
