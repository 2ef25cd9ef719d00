// Recurrent networks from sequence to sequence: an encoder reads the source, a decoder writes the
// target, one token at a time (Cho et al. 2014; Sutskever et al. 2014).
//
//     EncoderRNN encoder(source_vocab, 64);              // reads
//     BahdanauDecoder decoder(64, target_vocab);         // writes (attention_decoders.h)
//     const EncodedSequence source = encoder(tokens, lengths);
//     Tensor logits = decoder(target, source).logits;    // training: target begins with <sos>
//
//     DecoderState state = decoder.begin(source);        // generation, under NoGrad, in evaluation:
//     logits = decoder.step(tokens, state);              // logits of the next token, in a loop, or
//                                                        // through the searches of decoding.h
//
// Three decoders share this interface: DecoderRNN here gets only the encoder's last
// state; attention_decoders.h has one that attends to the source, and one that only seems to.
//
// Shapes: B batch, S source steps, T target steps, E width of the encoder's outputs, H hidden
// units, V target vocabulary.
#pragma once

#include <optional>
#include <vector>

#include <heed/nn/layers/dropout.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/recurrent/recurrent.h>

namespace heed::nn {

/// What an encoder passes to a decoder.
struct EncodedSequence {
  Tensor outputs;                                 // (B, S, E), 0 at padding
  Tensor hidden;                                  // (layers, B, E): last states
  std::optional<Tensor> key_mask = std::nullopt;  // (B, S), false for padding; absent: no padding
};

struct EncoderRNNOptions {
  std::optional<int64_t> embed_size = std::nullopt;  // hidden_size by default
  int64_t num_layers = 1;
  double dropout = 0.1;        // of the embedded tokens
  double layer_dropout = 0.0;  // between the layers of the GRU
  bool bidirectional = false;  // E = 2 H, both directions concatenated, in outputs and hidden
  std::optional<int64_t> padding_idx = std::nullopt;
};

/// Embedding, dropout, GRU, as in PyTorch's translation tutorial.
struct EncoderRNN : Module {
  Embedding embedding;
  Dropout dropout;
  GRU gru;

  EncoderRNN(Whole vocab, Whole hidden_size, const EncoderRNNOptions& = {});

  /// tokens (B, S) i64; only the first lengths[b] of row b count, or all if no lengths are
  /// given.
  EncodedSequence operator()(const Tensor& tokens, const std::optional<std::vector<int64_t>>& lengths = {}) const;

  void visit(Visitor& v) override {
    v("embedding", embedding);
    v("dropout", dropout);
    v("gru", gru);
  }
};

/// What a decoder keeps between two steps.
struct DecoderState {
  Tensor hidden;                                  // (layers, B, H)
  Tensor values;                                  // (B, S, E): what it attends to; empty without attention
  Tensor keys;                                    // of the values, projected once; empty if the score needs none
  std::optional<Tensor> key_mask = std::nullopt;  // (B, S)
  Tensor context;                                 // (B, E): an input at every step; may be empty
  Tensor weights;  // (B, S): of each source position in the last step; empty without attention

  /// Row i continues what was row rows[i]: rows (B') i64, for beam search.
  void reorder(const Tensor& rows);
};

struct Decoded {
  Tensor logits;   // (B, T, V): position t predicts token t + 1
  Tensor weights;  // (B, T, S): the attention of each step; empty without attention
};

struct DecodeOptions {
  /// Probability that a call feeds in the true tokens, instead of its own likeliest ones
  /// (Williams & Zipser 1989). One draw per call, none for 0 and 1; as in PyTorch's tutorial.
  double teacher_forcing = 1.0;
};

/// What recurrent decoders share: embedding, dropout, GRU, and a linear layer to the vocabulary.
struct RecurrentDecoder : Module {
  int64_t hidden_size;
  Embedding embedding;
  Dropout dropout;               // of the embedded tokens
  std::optional<Linear> bridge;  // E -> H, if they differ: h₀ = tanh(W e) (Bahdanau et al. 2014)
  GRU gru;
  Linear out;

  /// The state before the first token: the encoder's last states, through the bridge if there is
  /// one. Error if layers or widths differ.
  virtual DecoderState begin(const EncodedSequence& source) const;

  /// tokens (B, T) i64, the first of each row <sos> -> logits and alignment for all T steps.
  /// Without teacher forcing only the first tokens are read.
  Decoded operator()(const Tensor& tokens, const EncodedSequence& source, const DecodeOptions& = {}) const;

  /// tokens (B, 1) -> logits (B, V); advances the state.
  Tensor step(const Tensor& tokens, DecoderState& state) const;

  void visit(Visitor& v) override;

 protected:
  struct Sizes {
    int64_t vocab, embed, input, encoder;  // input: of the GRU
    int64_t hidden, layers;
    double dropout, layer_dropout;
    std::optional<int64_t> padding_idx;
  };
  RecurrentDecoder(const char* name, const Sizes& sizes);

  /// embedded (B, embed) -> the input of `out`, (B, H); advances the state.
  virtual Tensor advance(const Tensor& embedded, DecoderState& state) const = 0;
  virtual Tensor logits(const Tensor& features) const { return out(features); }
  /// x (B, input) -> the top layer's next state (B, H).
  Tensor advance_gru(const Tensor& x, DecoderState& state) const;
};

struct DecoderRNNOptions {
  std::optional<int64_t> embed_size = std::nullopt;    // hidden_size by default
  std::optional<int64_t> encoder_size = std::nullopt;  // E; hidden_size by default
  int64_t num_layers = 1;
  double dropout = 0.1;
  double layer_dropout = 0.0;
  bool context = false;  // the encoder's last state is an input with each token (Cho et al. 2014)
  std::optional<int64_t> padding_idx = std::nullopt;
};

/// The plain decoder, without attention: all it gets of the source is the encoder's last state, however
/// long the source was. The GRU's input is relu(embedding), as in PyTorch's tutorial; with
/// `context`, as in d2l, the embedding concatenated with the state of the encoder's top layer.
struct DecoderRNN : RecurrentDecoder {
  bool uses_context;

  DecoderRNN(Whole hidden_size, Whole vocab, const DecoderRNNOptions& = {});
  DecoderState begin(const EncodedSequence& source) const override;

 protected:
  Tensor advance(const Tensor& embedded, DecoderState& state) const override;
};

}  // namespace heed::nn
