// The Transformer (Vaswani et al. 2017, figure 1): an encoder reads the source, a decoder writes
// the target, attending to the encoder's output for each source token.
//
//     memory = encoder(source);   output = decoder(target, memory)
//
// As torch.nn.Transformer(batch_first=True): names, defaults, a norm after both stacks, and
// matrices that all start Xavier-uniform, each independently. It takes and returns vectors;
// embeddings, positions and the output layer are Seq2SeqTransformer's (seq2seq_transformer.h).
#pragma once

#include <heed/nn/models/transformer_decoder.h>
#include <heed/nn/models/transformer_encoder.h>

namespace heed::nn {

struct EncoderDecoderOptions {
  int64_t num_encoder_layers = 6, num_decoder_layers = 6;
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  Tensor (*activation)(const Tensor&) = relu;
  double layer_norm_eps = 1e-5;
  bool norm_first = false;  // pre-norm
  bool bias = true;
};

/// The options of each attention. As in PyTorch each is for one only: padding of the source belongs in
/// source.key_mask *and* in memory.key_mask, otherwise the decoder attends to it.
struct TransformerCall {
  AttentionOptions source = {};  // within the source: scores (m, m)
  AttentionOptions target = {};  // within the target: (n, n)
  AttentionOptions memory = {};  // from the target to the encoder's output: (n, m)
};

/// source (B, m, d_model), target (B, n, d_model) -> (B, n, d_model).
struct Transformer : Module {
  TransformerEncoder encoder;
  TransformerDecoder decoder;

  explicit Transformer(Whole d_model = 512, Whole num_heads = 8, const EncoderDecoderOptions& = {});
  Tensor operator()(const Tensor& source, const Tensor& target, const TransformerCall& = {}) const;
  void visit(Visitor& v) override {
    v("encoder", encoder);
    v("decoder", decoder);
  }
};

}  // namespace heed::nn
