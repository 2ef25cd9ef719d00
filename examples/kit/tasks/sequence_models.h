// Small models for tasks on sequences: each reads a batch and gives logits (B, L, V).
#pragma once

#include <memory>
#include <vector>

#include <heed/examples/kit/tasks/sequences.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/attention/positions.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/feed_forward.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/seq2seq_transformer.h>
#include <heed/nn/models/transformer.h>

namespace heed::kit {

struct SequenceModel : nn::Module {
  virtual Tensor operator()(const SequenceBatch& batch) const = 0;
};

/// What the models below have in common.
struct ModelSize {
  int64_t vocabulary, context;
  int64_t width, heads, layers;
  double dropout = 0.0;
};

/// nn::GPT as minGPT sets it up: with biases, and GELU in GPT-2's approximation. (minGPT's lm_head has
/// a weight of its own; here it shares the embedding's.)
struct GptModel : SequenceModel {
  nn::GPT gpt;

  explicit GptModel(const ModelSize& size);
  Tensor operator()(const SequenceBatch& batch) const override;
  void visit(nn::Visitor& v) override { v("gpt", gpt); }
};

/// One-hot tokens -> linear -> + sinusoids -> encoder without a mask -> two linear layers: the model of
/// phlippe's tutorial 6, except that its sinusoids are √width times as large.
struct EncoderModel : SequenceModel {
  int64_t vocabulary;
  nn::Linear input_net;
  nn::SinusoidalPositions positions;
  nn::TransformerEncoder encoder;
  nn::Linear output_net1;
  nn::LayerNorm output_norm;
  nn::Linear output_net2;

  explicit EncoderModel(const ModelSize& size);
  Tensor operator()(const SequenceBatch& batch) const override;
  void visit(nn::Visitor& v) override;
};

/// A residual stream to which causal attention, and optionally a feed-forward network, add: the kind of
/// model that interpretability studies take apart (Elhage et al. 2021).
struct StreamOptions {
  int64_t hidden = 0;       // of the feed-forward networks (ReLU); 0: attention only
  bool sinusoidal = false;  // positions; otherwise they are learnt
  bool tied = false;        // the output layer shares the embedding's weight
  bool normalised = false;  // attention and the output layer read layer-normed (pre-norm)
};
struct StreamModel : SequenceModel {
  nn::Embedding embed;
  std::optional<nn::SinusoidalPositions> sinusoids;
  std::optional<nn::LearnedPositions> learned;
  std::vector<nn::MultiHeadAttention> attention;
  std::vector<nn::FeedForward> feed_forward;
  std::vector<nn::LayerNorm> norms;  // one before each attention, one at the end; or none
  nn::Linear unembed;

  StreamModel(const ModelSize& size, const StreamOptions& options);
  Tensor operator()(const SequenceBatch& batch) const override;
  void visit(nn::Visitor& v) override;
};

/// nn::Seq2SeqTransformer, with one table of embeddings for source and target; `layers` each in
/// encoder and decoder, feed-forward networks four times as wide.
struct TranslatorModel : SequenceModel {
  nn::Seq2SeqTransformer translator;

  explicit TranslatorModel(const ModelSize& size);
  Tensor operator()(const SequenceBatch& batch) const override;
  void visit(nn::Visitor& v) override { v("translator", translator); }
};

/// A causal pre-norm Transformer with "Hard-ALiBi" (Jelassi et al. 2024, section 3): no positions; head
/// m of the first half sees only the last m tokens, the other heads see all. What a window says of the
/// neighbours depends neither on the position in the text nor on its length.
struct HardAlibiModel : SequenceModel {
  int64_t heads;
  nn::Embedding embed;
  nn::TransformerEncoder decoder;
  nn::Linear unembed;

  explicit HardAlibiModel(const ModelSize& size);
  Tensor operator()(const SequenceBatch& batch) const override;
  void visit(nn::Visitor& v) override {
    v("embed", embed);
    v("decoder", decoder);
    v("unembed", unembed);
  }
};

/// (heads, n, n), true where head m may look.
Tensor hard_alibi_mask(int64_t heads, int64_t n);

}  // namespace heed::kit
