// The classes of four introductions to attention: their names, argument order, parameters and results, on heed's parts.
//
//     attention_in_transformers   "What is the attention mechanism in transformers?"
//                                 MultiHeadAttention(num_heads, d_model)
//     attention_mechanism         "Attention Mechanism"
//                                 AttnDecoderRNN(hidden_size, output_size, dropout_p, max_length)
//     about_attention             "About ATTENTION in Deep Learning"
//                                 Attention(query_dim, key_dim, value_dim), SelfAttention(input_dim, hidden_dim),
//                                 DotProductAttention(), AdditiveAttention(query_dim, key_dim, hidden_dim),
//                                 MultiplicativeAttention(query_dim, key_dim),
//                                 MultiHeadAttention(input_dim, hidden_dim, num_heads)
//
// The fourth, "Understanding Self-Attention in Transformers: An In-Depth Analysis" (rhondamuse.com), has no classes but
// an exercise: examples/attention_by_hand.cpp solves it. Each of the others has the namespace on the left.
// All names are also visible in `tutorial` itself, except MultiHeadAttention, which two texts have, so that it would
// be ambiguous.
//
//     namespace tutorial = heed::nn::tutorial;
//     const Tensor x = randn({2, 5, 8});  // two sequences of five vectors
//     const tutorial::attention_in_transformers::MultiHeadAttention split(4, 8);
//     const Tensor y = split(x, x, x, nn::causal_mask(5));  // value, key, query, mask
//     const tutorial::SelfAttention self(8, 16);
//     const Tensor z = self(x);  // (2, 5, 16)
//     const auto [output, weights] = tutorial::AdditiveAttention(8, 8, 16)(x, x, x);
//     const tutorial::AttnDecoderRNN decoder(8, 100);
//     const auto step = decoder(randn({1, 2, 8}), zeros({1, 2, 8}), x);  // input, hidden, encoder_outputs
//
// For following the texts; for real use take nn::MultiHeadAttention, nn::BahdanauDecoder and Attention<Score>.
// Masks are boolean, true = may attend (masks.h). If a text's class returns no weights, an AttentionTrace shows them.
//
// Shapes: B batch, n queries or positions, m keys.
#pragma once

#include <heed/nn/attention/attention_layers.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/recurrent/recurrent.h>

namespace heed::nn::tutorial {

inline namespace attention_in_transformers {

/// v (B, m, d_model), k (B, m, d_model), q (B, n, d_model) -> (B, n, d_model).
///
/// The text leaves the middle of the call to its reader; it is softmax(q kᵀ / √depth) v for each head. Its
/// depth = d_model // num_heads drops the remainder: here that is an Error. And its call begins with the values:
/// all three may have one shape, so swapping them goes unnoticed. Elsewhere in heed the order is q, k, v.
struct MultiHeadAttention : Module {
  int64_t num_heads, d_model, depth;
  Linear wq, wk, wv, dense;  // d_model -> d_model

  MultiHeadAttention(int64_t num_heads, int64_t d_model);
  Tensor operator()(const Tensor& v, const Tensor& k, const Tensor& q, const AttentionOptions& options = {}) const;
  /// mask: (n, m), (B, n, m), (B or 1, num_heads or 1, n, m).
  Tensor operator()(const Tensor& v, const Tensor& k, const Tensor& q, const Tensor& mask) const {
    return (*this)(v, k, q, AttentionOptions{.mask = mask});
  }
  void visit(Visitor& visitor) override;
};

}  // namespace attention_in_transformers

inline namespace attention_mechanism {

struct DecoderStep {
  Tensor output;        // (B, output_size): log-probabilities of the next word
  Tensor hidden;        // (1, B, hidden_size)
  Tensor attn_weights;  // (B, max_length)
};

/// One step of the decoder that the text takes from PyTorch's "NLP From Scratch: Translation with a Sequence to
/// Sequence Network and Attention": input and hidden (1, B, hidden_size), encoder_outputs (B, m, hidden_size), or
/// (m, hidden_size) if B = 1; m <= max_length.
///
/// Its weights depend on input and hidden only, not on the encoder's outputs, and positions after the end of
/// a sentence get weight as well. That is kept, as a lesson; the weights of nn::BahdanauDecoder see the source. The
/// text's product is right for B = 1 only: here each sequence reads its own encoder outputs. Its dropout is created but
/// never used: here it acts on the input. Its input is a vector: nn::AttnDecoderRNN is the same with an embedding.
struct AttnDecoderRNN : Module {
  int64_t hidden_size, output_size, max_length;
  Linear attn;          // 2 hidden_size -> max_length
  Linear attn_combine;  // 2 hidden_size -> hidden_size
  Dropout dropout;
  GRU gru;
  Linear out;  // hidden_size -> output_size

  AttnDecoderRNN(int64_t hidden_size, int64_t output_size, double dropout_p = 0.1, int64_t max_length = 10);
  DecoderStep operator()(const Tensor& input, const Tensor& hidden, const Tensor& encoder_outputs) const;
  void visit(Visitor& visitor) override;
};

}  // namespace attention_mechanism

/// The text never divides scores by √d, so that softmax saturates for large d: use .scale, where a class has it.
inline namespace about_attention {

/// query (B, query_dim), keys (B, m, key_dim), values (B, m, key_dim) -> (B, value_dim).
/// The text's comment gives values the width value_dim, its layer takes key_dim: .value_input says which.
struct Attention : KeyValueAttention {
  using KeyValueAttention::KeyValueAttention;  // (query_dim, key_dim, value_dim)
  Tensor operator()(const Tensor& query, const Tensor& keys, const Tensor& values,
                    const AttentionOptions& options = {}) const {
    return KeyValueAttention::operator()(query, keys, values, options).output;
  }
};

/// inputs (B, n, input_dim) -> (B, n, hidden_dim). The text's class takes no mask, so that padding is attended to: here
/// pass {.key_mask = …} or {.causal = true}.
struct SelfAttention : nn::SelfAttention {
  using nn::SelfAttention::SelfAttention;  // (input_dim, hidden_dim)
  Tensor operator()(const Tensor& inputs, const AttentionOptions& options = {}) const {
    return nn::SelfAttention::operator()(inputs, options).output;
  }
};

/// (): query (B, n, d), keys (B, m, d), values (B, m, p) -> {output (B, n, p), weights (B, n, m)}, like the next two.
/// Unscaled, as in the text: nn::Attention<ScaledDotScore> divides by √d.
using nn::DotProductAttention;

/// (query_dim, key_dim, hidden_dim). The text adds (B, n, hidden_dim) to (B, m, hidden_dim): for n = m > 1 query i
/// is scored with key i only, without an error, and all queries share one output; here each is scored with every key.
using nn::AdditiveAttention;

/// (query_dim, key_dim). The text describes a product "element-by-element", but its code computes (W q + b)ᵀ k, as
/// does this class: the former is nn::Attention<ElementwiseScore>.
using nn::MultiplicativeAttention;

/// inputs (B, n, input_dim) -> (B, n, hidden_dim). The text takes no mask here either, and does not say that its heads
/// differ from Vaswani et al.'s: each has the full width hidden_dim, which costs num_heads times the parameters and
/// work of heads that share one width. nn::PerHeadAttention is the same class, returning its weights too.
struct MultiHeadAttention : PerHeadAttention {
  using PerHeadAttention::PerHeadAttention;  // (input_dim, hidden_dim, num_heads)
  Tensor operator()(const Tensor& inputs, const AttentionOptions& options = {}) const {
    return PerHeadAttention::operator()(inputs, options).output;
  }
};

}  // namespace about_attention

}  // namespace heed::nn::tutorial
