// Recurrent networks from sequence to sequence: an encoder reads the source, a decoder writes the
// target, a token at a time (Cho et al. 2014; Sutskever et al. 2014).
//
//     EncoderRNN encoder(source_vocab, 64);              // reads
//     BahdanauDecoder decoder(64, target_vocab);         // writes (attention_decoders.h)
//     const EncodedSequence source = encoder(tokens, lengths);
//     Tensor logits = decoder(target, source).logits;    // training: target begins with <sos>
//
//     DecoderState state = decoder.begin(source);        // writing, under NoGrad, in evaluation:
//     logits = decoder.step(tokens, state);              // logits of the next token, for as long as
//                                                        // wanted, or by decoding.h's search
//
// Three decoders share this interface: DecoderRNN here gets the encoder's last state and nothing
// else; attention_decoders.h has one that looks back at the source, and one that only seems to.
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

/// What an encoder hands to a decoder.
struct EncodedSequence {
  Tensor outputs;                                 // (B, S, E), 0 at padding
  Tensor hidden;                                  // (layers, B, E): last states
  std::optional<Tensor> key_mask = std::nullopt;  // (B, S), false for padding; absent: none is
};

struct EncoderRNNOptions {
  std::optional<int64_t> embed_size = std::nullopt;  // hidden_size where absent
  int64_t num_layers = 1;
  double dropout = 0.1;        // of the embedded tokens
  double layer_dropout = 0.0;  // between the layers of the GRU
  bool bidirectional = false;  // E = 2 H, both directions side by side, in outputs and hidden
  std::optional<int64_t> padding_idx = std::nullopt;
};

/// Embedding, dropout, GRU, as in PyTorch's translation tutorial.
struct EncoderRNN : Module {
  Embedding embedding;
  Dropout dropout;
  GRU gru;

  EncoderRNN(int64_t vocab, int64_t hidden_size, const EncoderRNNOptions& = {});

  /// tokens (B, S) i64, of which the first lengths[b] of row b count; all where no lengths are
  /// given.
  EncodedSequence operator()(const Tensor& tokens, const std::optional<std::vector<int64_t>>& lengths = {}) const;

  void visit(Visitor& v) override {
    v("embedding", embedding);
    v("dropout", dropout);
    v("gru", gru);
  }
};

/// What a decoder knows between two steps.
struct DecoderState {
  Tensor hidden;                                  // (layers, B, H)
  Tensor values;                                  // (B, S, E): what it can look at; empty without attention
  Tensor keys;                                    // of them, projected once; empty where the score needs none
  std::optional<Tensor> key_mask = std::nullopt;  // (B, S)
  Tensor context;                                 // (B, E): what it is told at every step; empty if nothing
  Tensor weights;  // (B, S): how much each place counted in the last step; empty without attention

  /// Row i goes on from what was row rows[i]: rows (B') i64, for beam search.
  void reorder(const Tensor& rows);
};

struct Decoded {
  Tensor logits;   // (B, T, V): position t predicts token t + 1
  Tensor weights;  // (B, T, S): who was looked at, step by step; empty without attention
};

struct DecodeOptions {
  /// Probability that a call feeds the true tokens, in place of the likeliest ones it wrote itself
  /// (Williams & Zipser 1989). One draw a call, none for 0 and 1; as in PyTorch's tutorial.
  double teacher_forcing = 1.0;
};

/// What recurrent decoders share: embedding, dropout, GRU, and a linear layer to the vocabulary.
struct RecurrentDecoder : Module {
  int64_t hidden_size;
  Embedding embedding;
  Dropout dropout;               // of the embedded tokens
  std::optional<Linear> bridge;  // E -> H, where they differ: h₀ = tanh(W e) (Bahdanau et al. 2014)
  GRU gru;
  Linear out;

  /// The state before the first token: the encoder's last states, through the bridge if there is
  /// one. Error where layers or widths differ.
  virtual DecoderState begin(const EncodedSequence& source) const;

  /// tokens (B, T) i64, the first of each row <sos> -> logits and alignment for all T steps.
  /// Without teacher forcing only the first are read.
  Decoded operator()(const Tensor& tokens, const EncodedSequence& source, const DecodeOptions& = {}) const;

  /// tokens (B, 1) -> logits (B, V); the state moves on.
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

  /// embedded (B, embed) -> what `out` makes logits of, (B, H); moves the state on.
  virtual Tensor advance(const Tensor& embedded, DecoderState& state) const = 0;
  virtual Tensor logits(const Tensor& features) const { return out(features); }
  /// x (B, input) -> the top layer's next state (B, H).
  Tensor advance_gru(const Tensor& x, DecoderState& state) const;
};

struct DecoderRNNOptions {
  std::optional<int64_t> embed_size = std::nullopt;    // hidden_size where absent
  std::optional<int64_t> encoder_size = std::nullopt;  // E; hidden_size where absent
  int64_t num_layers = 1;
  double dropout = 0.1;
  double layer_dropout = 0.0;
  bool context = false;  // the encoder's last state stands beside each token (Cho et al. 2014)
  std::optional<int64_t> padding_idx = std::nullopt;
};

/// The plain decoder, without attention: all it learns of the source is its last state, however
/// long the source was. relu(embedding) goes into the GRU, as in PyTorch's tutorial; with
/// `context`, as in d2l, the embedding beside the state of the encoder's top layer.
struct DecoderRNN : RecurrentDecoder {
  bool uses_context;

  DecoderRNN(int64_t hidden_size, int64_t vocab, const DecoderRNNOptions& = {});
  DecoderState begin(const EncodedSequence& source) const override;

 protected:
  Tensor advance(const Tensor& embedded, DecoderState& state) const override;
};

}  // namespace heed::nn
