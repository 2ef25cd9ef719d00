#include <heed/nn/models/transformer.h>

#include <heed/nn/init.h>

namespace heed::nn {

namespace {

TransformerOptions layer_options(const EncoderDecoderOptions& o) {
  return {.dim_feedforward = o.dim_feedforward,
          .dropout = o.dropout,
          .activation = o.activation,
          .layer_norm_eps = o.layer_norm_eps,
          .norm_first = o.norm_first,
          .bias = o.bias};
}

LayerNorm last_norm(int64_t d_model, const EncoderDecoderOptions& o) {
  return LayerNorm(d_model, {.eps = o.layer_norm_eps, .bias = o.bias});
}

}  // namespace

Transformer::Transformer(Whole d_model, Whole num_heads, const EncoderDecoderOptions& o)
    : encoder(TransformerEncoderLayer(d_model, num_heads, layer_options(o)), o.num_encoder_layers,
              last_norm(d_model, o)),
      decoder(TransformerDecoderLayer(d_model, num_heads, layer_options(o)), o.num_decoder_layers,
              last_norm(d_model, o)) {
  for (Tensor p : parameters())
    if (p.dim() > 1) xavier_uniform_(p);
}

Tensor Transformer::operator()(const Tensor& source, const Tensor& target, const TransformerCall& call) const {
  const Scope scope(*this);
  return scope(decoder(target, encoder(source, call.source), call.target, call.memory));
}

}  // namespace heed::nn
