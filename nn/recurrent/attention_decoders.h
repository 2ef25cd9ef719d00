// Two decoders that attend. Only one of them looks at the source.
//
//     BahdanauDecoder   αₜ = softmaxⱼ(wᵀ tanh(W_q sₜ₋₁ + W_k hⱼ))    the weight of j depends on hⱼ
//     AttnDecoderRNN    αₜ = softmaxⱼ((W [yₜ₋₁ sₜ₋₁] + b)ⱼ)          hⱼ does not occur
//
// In both the context cₜ = Σⱼ αₜⱼ hⱼ enters the next state. The second form is that of
// PyTorch's translation tutorial, which many introductions copy. Its weights are a function of the
// decoder's own state: they can learn where in a sentence to look, if that is always the same, but not
// what to look for. Change the encoder's outputs, and no weight changes:
// tests/nn/recurrent/attention_decoders_test.cpp shows that.
//
// Shapes and the rest of the interface: seq2seq.h.
#pragma once

#include <heed/nn/attention/learned_scores.h>
#include <heed/nn/recurrent/seq2seq.h>

namespace heed::nn {

struct BahdanauOptions {
  std::optional<int64_t> embed_size = std::nullopt;      // hidden_size by default, as for the next two
  std::optional<int64_t> encoder_size = std::nullopt;    // E: twice its hidden_size if bidirectional
  std::optional<int64_t> attention_size = std::nullopt;  // of the argument of tanh
  int64_t num_layers = 1;
  double dropout = 0.1;            // of the embedded tokens
  double layer_dropout = 0.0;      // between the layers of the GRU
  double attention_dropout = 0.0;  // of the weights
  std::optional<int64_t> padding_idx = std::nullopt;
};

/// Attention as in Bahdanau et al. 2014, with a GRU and the additive score without biases, as in d2l's
/// Seq2SeqAttentionDecoder: the query is the top layer's state before the step, keys and values are
/// the encoder's outputs, and [cₜ yₜ₋₁] is the GRU's input. Padding gets no weight.
struct BahdanauDecoder : RecurrentDecoder {
  AdditiveScore score;  // of states (B, 1, H) and the encoder's outputs (B, S, E)
  double attention_dropout;

  BahdanauDecoder(Whole hidden_size, Whole vocab, const BahdanauOptions& = {});
  DecoderState begin(const EncodedSequence& source) const override;
  void visit(Visitor& v) override;

 protected:
  Tensor advance(const Tensor& embedded, DecoderState& state) const override;
};

struct AttnDecoderRNNOptions {
  double dropout = 0.1;
  int64_t max_length = 10;  // positions that have weights
};

/// The tutorial's decoder, as a lesson: location-only attention (Luong et al. 2015, eq. 8, is the
/// same with the state alone). One layer; the encoder's width is hidden_size.
///
///     α = softmax(attn [y s])       c = Σ αⱼ hⱼ       x = relu(attn_combine [y c])
///     s' = gru(x, s)                log-probabilities = log_softmax(out s')
///
/// α has max_length positions whatever the source is: those after its end, and padding, get weight, and
/// pull c towards 0. The tutorial's batch of 1 may be any batch here. What it calls output is log-probabilities; so are
/// the logits here. weights are (B, T, max_length). nn/tutorial.h has a single step of it, without the embedding.
struct AttnDecoderRNN : RecurrentDecoder {
  int64_t max_length;
  Linear attn;          // 2H -> max_length
  Linear attn_combine;  // 2H -> H

  AttnDecoderRNN(Whole hidden_size, Whole vocab, const AttnDecoderRNNOptions& = {});
  DecoderState begin(const EncodedSequence& source) const override;
  void visit(Visitor& v) override;

 protected:
  Tensor advance(const Tensor& embedded, DecoderState& state) const override;
  Tensor logits(const Tensor& features) const override;
};

}  // namespace heed::nn
