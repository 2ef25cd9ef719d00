#include <heed/nn/models/transformer_encoder.h>

#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/attention/layer_options.h>
#include <heed/nn/attention/unseen.h>

namespace heed::nn {

TransformerEncoderLayer::TransformerEncoderLayer(Whole d_model, Whole num_heads, const TransformerOptions& o)
    : self_attn(d_model, num_heads, {.dropout = o.dropout, .bias = o.bias}),
      feed_forward(d_model,
                   {.hidden = o.dim_feedforward, .dropout = o.dropout, .activation = o.activation, .bias = o.bias}),
      norm1(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}),
      norm2(d_model, {.eps = o.layer_norm_eps, .bias = o.bias}),
      dropout1(o.dropout),
      dropout2(o.dropout),
      norm_first(o.norm_first) {}

Tensor TransformerEncoderLayer::operator()(const Tensor& input, const AttentionOptions& options) const {
  const Scope scope(*this);
  check_no_weights("TransformerEncoderLayer", options);
  const Tensor x = taking_part("TransformerEncoderLayer", self_attn.num_heads, input, options);
  const auto attend_within = [&](const Tensor& z) { return dropout1(self_attn(z, options).output); };
  if (norm_first) {
    const Tensor y = scope("middle", x + attend_within(norm1(x)));
    return scope(y + dropout2(feed_forward(norm2(y))));
  }
  const Tensor y = scope("middle", norm1(x + attend_within(x)));
  return scope(norm2(y + dropout2(feed_forward(y))));
}

void TransformerEncoderLayer::visit(Visitor& v) {  // PyTorch names linear1 and linear2 on the layer itself
  v("self_attn", self_attn);
  v("linear1", feed_forward.linear1);
  v("dropout", feed_forward.dropout);
  v("linear2", feed_forward.linear2);
  v("norm1", norm1);
  v("norm2", norm2);
  v("dropout1", dropout1);
  v("dropout2", dropout2);
}

Tensor TransformerEncoder::operator()(const Tensor& x, const AttentionOptions& options) const {
  const Scope scope(*this);
  Tensor y = x;
  for (const TransformerEncoderLayer& layer : layers) y = layer(y, options);
  return scope(normed(y));
}

}  // namespace heed::nn
