#include <heed/nn/recurrent/attention_decoders.h>

#include <heed/autograd/ops.h>

namespace heed::nn {

BahdanauDecoder::BahdanauDecoder(Whole hidden, Whole vocab, const BahdanauOptions& o)
    : RecurrentDecoder("BahdanauDecoder", {.vocab = vocab,
                                           .embed = o.embed_size.value_or(hidden),
                                           .input = o.embed_size.value_or(hidden) + o.encoder_size.value_or(hidden),
                                           .encoder = o.encoder_size.value_or(hidden),
                                           .hidden = hidden,
                                           .layers = o.num_layers,
                                           .dropout = o.dropout,
                                           .layer_dropout = o.layer_dropout,
                                           .padding_idx = o.padding_idx}),
      score(hidden, o.encoder_size.value_or(hidden), o.attention_size.value_or(hidden), {.bias = false}),
      attention_dropout(o.attention_dropout) {
  check(attention_dropout >= 0.0 && attention_dropout <= 1.0,
        "BahdanauDecoder: attention_dropout = ", attention_dropout, ": a probability lies in 0 … 1");
}

DecoderState BahdanauDecoder::begin(const EncodedSequence& source) const {
  const Scope scope(*this);
  DecoderState state = RecurrentDecoder::begin(source);
  state.values = source.outputs;
  if (source.key_mask) {
    check<ShapeError>(source.key_mask->dtype() == Dtype::boolean &&
                          source.key_mask->shape() == Shape{state.values.size(0), state.values.size(1)},
                      "BahdanauDecoder: the encoder's outputs ", state.values.shape(), ", key mask ",
                      source.key_mask->dtype(), " ", source.key_mask->shape(),
                      ": must be boolean (B, S), false for padding");
    state.values = where(source.key_mask->unsqueeze(-1), state.values, 0.0);  // padding may hold anything
  }
  state.keys = score.key_layer(state.values);  // once for all steps
  state.key_mask = source.key_mask;
  return state;
}

Tensor BahdanauDecoder::advance(const Tensor& embedded, DecoderState& state) const {
  const Tensor query = state.hidden.select(0, gru.num_layers - 1).unsqueeze(1);  // (B, 1, H)
  const Attended attended = attend(score.with_keys(query, state.keys), state.values,
                                   {.key_mask = state.key_mask, .dropout = training ? attention_dropout : 0.0});
  state.weights = attended.weights.squeeze(1);
  return advance_gru(cat({attended.output.squeeze(1), embedded}, -1), state);
}

void BahdanauDecoder::visit(Visitor& v) {
  RecurrentDecoder::visit(v);
  v("score", score);
}

AttnDecoderRNN::AttnDecoderRNN(Whole hidden, Whole vocab, const AttnDecoderRNNOptions& o)
    : RecurrentDecoder("AttnDecoderRNN", {.vocab = vocab,
                                          .embed = hidden,
                                          .input = hidden,
                                          .encoder = hidden,
                                          .hidden = hidden,
                                          .layers = 1,
                                          .dropout = o.dropout,
                                          .layer_dropout = 0.0,
                                          .padding_idx = std::nullopt}),
      max_length(o.max_length),
      attn(times(2, hidden), o.max_length),
      attn_combine(times(2, hidden), hidden) {
  check<ShapeError>(max_length > 0, "AttnDecoderRNN: max_length ", max_length, ": must be at least 1");
}

DecoderState AttnDecoderRNN::begin(const EncodedSequence& source) const {
  const Scope scope(*this);
  DecoderState state = RecurrentDecoder::begin(source);
  const Tensor h = source.key_mask ? where(source.key_mask->unsqueeze(-1), source.outputs, 0.0) : source.outputs;
  check<ShapeError>(h.size(1) <= max_length, "AttnDecoderRNN: the encoder's outputs ", h.shape(), ", max_length ",
                    max_length, ": there is no weight for the last ", h.size(1) - max_length,
                    " positions: make max_length the longest source's length");
  state.values =
      h.size(1) == max_length ? h : cat({h, zeros({h.size(0), max_length - h.size(1), h.size(2)}, h.dtype())}, 1);
  return state;
}

Tensor AttnDecoderRNN::advance(const Tensor& embedded, DecoderState& state) const {
  const Tensor scores = attn(cat({embedded, state.hidden.select(0, 0)}, -1));  // (B, max_length)
  const Attended attended = attend(scores.unsqueeze(1), state.values);         // (B, 1, H)
  state.weights = attended.weights.squeeze(1);
  const Tensor x = relu(attn_combine(cat({embedded, attended.output.squeeze(1)}, -1)));
  return advance_gru(x, state);
}

Tensor AttnDecoderRNN::logits(const Tensor& features) const { return log_softmax(out(features), -1); }

void AttnDecoderRNN::visit(Visitor& v) {
  RecurrentDecoder::visit(v);
  v("attn", attn);
  v("attn_combine", attn_combine);
}

}  // namespace heed::nn
