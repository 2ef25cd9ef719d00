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

Transformer::Transformer(int64_t d_model, int64_t num_heads, const EncoderDecoderOptions& o)
    : encoder(TransformerEncoderLayer(d_model, num_heads, layer_options(o)), o.num_encoder_layers,
              last_norm(d_model, o)),
      decoder(TransformerDecoderLayer(d_model, num_heads, layer_options(o)), o.num_decoder_layers,
              last_norm(d_model, o)) {
  for (Tensor p : parameters())
    if (p.dim() > 1) xavier_uniform_(p);
}

Tensor Transformer::operator()(const Tensor& source, const Tensor& target, const EncoderDecoderCall& call) const {
  const Scope scope(*this);
  const Tensor memory = encoder(source, {.mask = call.source_mask, .key_mask = call.source_key_mask});
  return decoder(target, memory,
                 {.mask = call.target_mask,
                  .key_mask = call.target_key_mask,
                  .causal = call.causal,
                  .memory_mask = call.memory_mask,
                  .memory_key_mask = call.memory_key_mask});
}

}  // namespace heed::nn
