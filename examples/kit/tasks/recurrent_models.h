// Recurrent models for tasks on sequences: what attention is compared with. Layer is nn::GRU or nn::LSTM.
#pragma once

#include <memory>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/tasks/sequence_models.h>
#include <heed/nn/recurrent/recurrent.h>

namespace heed::kit {

/// Reads from left to right: embedding -> layers -> logits (B, L, V). All it knows of the past is one
/// vector of `width` elements per layer, however long the past is.
template <class Layer> struct RecurrentModel : SequenceModel {
  nn::Embedding embed;
  Layer recurrent;
  nn::Linear unembed;

  explicit RecurrentModel(const ModelSize& size)
      : embed(size.vocabulary, size.width),
        recurrent(size.width, size.width, {.num_layers = size.layers, .dropout = size.dropout}),
        unembed(size.width, size.vocabulary) {}

  Tensor operator()(const SequenceBatch& batch) const override {
    const nn::Scope scope(*this);
    return scope(unembed(recurrent(embed(batch.input)).output));
  }

  void visit(nn::Visitor& v) override {
    v("embed", embed);
    v("recurrent", recurrent);
    v("unembed", unembed);
  }
};

/// An encoder reads the one-hot source; its last state is the decoder's only input, at every step of the
/// answer (Keras' addition_rnn). The decoder never reads what it has answered.
template <class Layer> struct RepeatModel : SequenceModel {
  int64_t vocabulary;
  Layer encoder, decoder;
  nn::Linear unembed;

  explicit RepeatModel(const ModelSize& size)
      : vocabulary(size.vocabulary),
        encoder(size.vocabulary, size.width),
        decoder(size.width, size.width, {.num_layers = size.layers}),
        unembed(size.width, size.vocabulary) {}

  Tensor operator()(const SequenceBatch& batch) const override {
    const nn::Scope scope(*this);
    const Tensor source = one_hot(batch.source, vocabulary).to(Dtype::f32);                               // (B, S, V)
    const Tensor last = encoder(source).output.select(1, source.size(1) - 1);                             // (B, H)
    const Tensor repeated = last.unsqueeze(1).expand({last.size(0), batch.input.size(1), last.size(1)});  // (B, L, H)
    return scope(unembed(decoder(repeated).output));
  }

  void visit(nn::Visitor& v) override {
    v("encoder", encoder);
    v("decoder", decoder);
    v("unembed", unembed);
  }
};

/// The widest RecurrentModel with `size.layers` layers that has at most `parameters` parameters.
template <class Layer> std::unique_ptr<SequenceModel> widest_recurrent(int64_t parameters, ModelSize size) {
  constexpr int64_t gates = std::is_same_v<Layer, nn::LSTM> ? 4 : 3;
  const auto numbers = [&](int64_t h) {
    return 2 * size.vocabulary * h + size.vocabulary + size.layers * gates * (2 * h * h + 2 * h);
  };
  size.width = 1;
  while (numbers(size.width + 1) <= parameters) ++size.width;
  return std::make_unique<RecurrentModel<Layer>>(size);
}

}  // namespace heed::kit
