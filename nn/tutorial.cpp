#include <heed/nn/tutorial.h>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/attention/unseen.h>

namespace heed::nn::tutorial {

inline namespace attention_in_transformers {

MultiHeadAttention::MultiHeadAttention(int64_t num_heads_, int64_t d_model_)
    : num_heads(num_heads_),
      d_model(d_model_),
      depth(num_heads > 0 ? d_model / num_heads : 0),
      wq(d_model, d_model),
      wk(d_model, d_model),
      wv(d_model, d_model),
      dense(d_model, d_model) {
  check<ShapeError>(depth > 0 && d_model % num_heads == 0, "MultiHeadAttention: num_heads ", num_heads, ", d_model ",
                    d_model, ": d_model is not a multiple of num_heads: the number of heads comes first here");
}

Tensor MultiHeadAttention::operator()(const Tensor& v, const Tensor& k, const Tensor& q,
                                      const AttentionOptions& options) const {
  const Scope scope(*this);
  check<ShapeError>(v.dim() == 3 && k.dim() == 3 && q.dim() == 3, "MultiHeadAttention: v ", v.shape(), ", k ",
                    k.shape(), ", q ", q.shape(), ": must be (B, m, d_model), (B, m, d_model) and (B, n, d_model)");
  const LayerInputs in = taking_part("MultiHeadAttention", num_heads, {q, k, v}, options);
  const auto heads = [this](const Tensor& x) { return split_heads(x, num_heads); };  // (B, h, n, depth)
  const Attended each = attention(heads(wq(in.query)), heads(wk(in.key)), heads(wv(in.value)), options);
  return scope(dense(merge_heads(scope("heads", each.output))));
}

void MultiHeadAttention::visit(Visitor& visitor) {
  visitor("wq", wq);
  visitor("wk", wk);
  visitor("wv", wv);
  visitor("dense", dense);
}

}  // namespace attention_in_transformers

inline namespace attention_mechanism {

AttnDecoderRNN::AttnDecoderRNN(int64_t hidden_size_, int64_t output_size_, double dropout_p, int64_t max_length_)
    : hidden_size(hidden_size_),
      output_size(output_size_),
      max_length(max_length_),
      attn(times(2, hidden_size), max_length),
      attn_combine(times(2, hidden_size), hidden_size),
      dropout(dropout_p),
      gru(hidden_size, hidden_size),
      out(hidden_size, output_size) {
  check<ShapeError>(max_length > 0, "AttnDecoderRNN: max_length ", max_length, ": must be at least 1");
}

DecoderStep AttnDecoderRNN::operator()(const Tensor& input, const Tensor& hidden, const Tensor& encoder_outputs) const {
  const Scope scope(*this);
  const Tensor h = encoder_outputs.dim() == 2 ? encoder_outputs.unsqueeze(0) : encoder_outputs;
  check<ShapeError>(input.dim() == 3 && input.size(0) == 1 && hidden.shape() == input.shape() && h.dim() == 3 &&
                        h.size(0) == input.size(1) && h.size(1) <= max_length,
                    "AttnDecoderRNN: input ", input.shape(), ", hidden ", hidden.shape(), ", encoder_outputs ",
                    encoder_outputs.shape(), ", max_length ", max_length,
                    ": must be (1, B, H), (1, B, H) and (B, m, H) with m <= max_length");
  const Tensor padding = zeros({h.size(0), max_length - h.size(1), h.size(2)}, h.dtype());
  const Tensor y = dropout(input[0]);                                             // (B, H)
  const Tensor scores = attn(cat({y, hidden[0]}, -1));                            // (B, max_length)
  const Attended attended = attend(scores.unsqueeze(1), cat({h, padding}, 1));    // (B, 1, H)
  const Tensor x = relu(attn_combine(cat({y, attended.output.squeeze(1)}, -1)));  // (B, H)
  const Recurrent next = gru(x.unsqueeze(1), {.hidden = hidden});
  return {scope(log_softmax(out(next.hidden[0]), -1)), next.hidden, attended.weights.squeeze(1)};
}

void AttnDecoderRNN::visit(Visitor& visitor) {
  visitor("attn", attn);
  visitor("attn_combine", attn_combine);
  visitor("dropout", dropout);
  visitor("gru", gru);
  visitor("out", out);
}

}  // namespace attention_mechanism

}  // namespace heed::nn::tutorial
