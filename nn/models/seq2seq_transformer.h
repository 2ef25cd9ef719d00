// A Transformer from tokens to tokens: translation, copying, sorting.
//
//     x = √E source_embedding[source] + P,   y = √E target_embedding[target] + P
//     logits = output(transformer(x, y))                  Vaswani et al. 2017, sections 3.4 and 3.5
//
// The target is shifted: position i has read target[0 … i] and predicts target[i + 1]. Training
// reads the whole target at once (teacher forcing); generation is one token at a time:
//
//     auto state = model.begin(model.encode(source, lengths), max_length);
//     logits = model.step(bos, state);  logits = model.step(argmax(logits, -1, keepdim), state);  …
//
// Shapes: B batch, m source tokens, n target tokens, E width, V target vocabulary.
#pragma once

#include <heed/nn/attention/positions.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/models/transformer.h>

namespace heed::nn {

struct Seq2SeqTransformerOptions {
  int64_t source_vocab = 0, target_vocab = 0;
  int64_t width = 512, heads = 8;
  int64_t encoder_layers = 6, decoder_layers = 6;
  int64_t hidden = 2048;  // of the feed-forward networks
  double dropout = 0.1;   // also of the inputs of both stacks (section 5.4)
  Tensor (*activation)(const Tensor&) = relu;
  bool norm_first = false;
  int64_t max_length = 1000;      // of a source or a target
  bool share_embeddings = false;  // one table for source and target
  bool tie_output = false;        // the output's weight is the target's table, and has no bias
};

/// A batch of encoded sources.
struct EncodedSource {
  Tensor memory;                   // (B, m, E)
  std::optional<Tensor> key_mask;  // (B, m), if sources are padded
};

struct Seq2SeqTransformer : Module {
  int64_t width;
  Embedding source_embedding, target_embedding;
  SinusoidalPositions positions;
  Transformer transformer;
  Linear output;  // E -> V

  /// Embeddings start at N(0, 1/E), so that after the factor √E they are as large as positions; the rest as in
  /// Transformer and Linear.
  explicit Seq2SeqTransformer(const Seq2SeqTransformerOptions&);

  /// source (B, m) i64, of which sequence b has lengths[b] tokens, then padding, which no
  /// token sees; target (B, n) i64 -> logits (B, n, V). Padding after a target needs no mask: no
  /// earlier token sees it, and the loss must ignore its own logits.
  Tensor operator()(const Tensor& source, const Tensor& target,
                    const std::optional<std::vector<int64_t>>& lengths = std::nullopt) const;

  // The same in parts.
  EncodedSource encode(const Tensor& source, const std::optional<std::vector<int64_t>>& lengths = std::nullopt) const;
  Tensor decode(const Tensor& target, const EncodedSource& source) const;

  // The same, one token at a time, in evaluation and under NoGrad.
  DecoderCache begin(const EncodedSource& source, int64_t capacity) const;
  Tensor step(const Tensor& tokens, DecoderCache& state) const;  // (B, n) new tokens -> (B, V) of the last

  void visit(Visitor& v) override;

 private:
  Tensor embed(const Embedding& table, const Tensor& tokens, int64_t first = 0) const;
};

}  // namespace heed::nn
