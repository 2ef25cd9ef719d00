#include <heed/nn/recurrent/seq2seq.h>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/masks.h>

namespace heed::nn {

EncoderRNN::EncoderRNN(Whole vocab, Whole hidden_size, const EncoderRNNOptions& o)
    : embedding(vocab, o.embed_size.value_or(hidden_size), {.padding_idx = o.padding_idx}),
      dropout(o.dropout),
      gru(o.embed_size.value_or(hidden_size), hidden_size,
          {.num_layers = o.num_layers, .dropout = o.layer_dropout, .bidirectional = o.bidirectional}) {}

EncodedSequence EncoderRNN::operator()(const Tensor& tokens, const std::optional<std::vector<int64_t>>& lengths) const {
  const Scope scope(*this);
  check_tokens("EncoderRNN", tokens);
  const Recurrent r = gru(dropout(embedding(tokens)), {.lengths = lengths});
  EncodedSequence encoded{r.output, r.hidden};
  if (lengths) encoded.key_mask = padding_mask(*lengths, tokens.size(1));
  if (gru.directions == 2) {  // (layers·2, B, H) -> (layers, B, 2H)
    const int64_t batch = tokens.size(0), hidden = gru.hidden_size;
    encoded.hidden = r.hidden.reshape({gru.num_layers, 2, batch, hidden})
                         .transpose(1, 2)
                         .reshape({gru.num_layers, batch, 2 * hidden});
  }
  encoded.outputs = scope(std::move(encoded.outputs));
  return encoded;
}

void DecoderState::reorder(const Tensor& rows) {
  hidden = index_select(hidden, 1, rows);
  for (Tensor* part : {&values, &keys, &context, &weights})
    if (part->defined()) *part = index_select(*part, 0, rows);
  if (key_mask) key_mask = index_select(*key_mask, 0, rows);
}

RecurrentDecoder::RecurrentDecoder(const char* name, const Sizes& s)
    : hidden_size(s.hidden),
      embedding(s.vocab, s.embed, {.padding_idx = s.padding_idx}),
      dropout(s.dropout),
      gru(s.input, s.hidden, {.num_layers = s.layers, .dropout = s.layer_dropout}),
      out(s.hidden, s.vocab) {
  check<ShapeError>(s.encoder > 0, name, ": encoder_size ", s.encoder, ": must be at least 1");
  if (s.encoder != s.hidden) bridge.emplace(s.encoder, s.hidden);
}

DecoderState RecurrentDecoder::begin(const EncodedSequence& source) const {
  const Scope scope(*this);
  const int64_t width = bridge ? bridge->weight.size(1) : hidden_size;
  const Tensor& h = source.hidden;
  check<ShapeError>(h.dim() == 3 && h.size(0) == gru.num_layers && h.size(2) == width,
                    "RecurrentDecoder: the encoder's last state ", h.shape(), ": must be (", gru.num_layers, ", B, ",
                    width,
                    "): give encoder and decoder equal layers, and "
                    "encoder_size the width of the encoder's state");
  check<ShapeError>(source.outputs.dim() == 3 && source.outputs.size(0) == h.size(1) && source.outputs.size(2) == width,
                    "RecurrentDecoder: the encoder's outputs ", source.outputs.shape(), ", its last state ", h.shape(),
                    ": must be (B, S, ", width, ") and (layers, B, ", width, ")");
  return {bridge ? tanh((*bridge)(h)) : h, {}, {}, std::nullopt, {}, {}};
}

Decoded RecurrentDecoder::operator()(const Tensor& tokens, const EncodedSequence& source,
                                     const DecodeOptions& o) const {
  const Scope scope(*this);
  DecoderState state = begin(source);
  check_tokens("RecurrentDecoder", tokens);
  check<ShapeError>(tokens.size(1) > 0 && tokens.size(0) == state.hidden.size(1), "RecurrentDecoder: tokens ",
                    tokens.shape(), ", batch of ", state.hidden.size(1), ": must be (B, T), T >= 1");
  const double forcing = o.teacher_forcing;
  check(forcing >= 0.0 && forcing <= 1.0, "RecurrentDecoder: teacher_forcing = ", forcing,
        ": a probability lies in 0 … 1");
  const bool forced = forcing == 1.0 || (forcing > 0.0 && rand({}).item() < forcing);

  std::vector<Tensor> steps, weights;
  if (forced) {  // the product with the vocabulary, the largest, is computed once for all steps
    for (const Tensor& embedded : unbind(dropout(embedding(tokens)), 1)) {
      steps.push_back(advance(embedded, state));
      if (state.weights.defined()) weights.push_back(state.weights);
    }
  } else {
    Tensor next = tokens.slice(1, 0, 1);
    for (int64_t t = 0; t < tokens.size(1); ++t) {
      steps.push_back(step(next, state));
      if (state.weights.defined()) weights.push_back(state.weights);
      next = argmax(steps.back().detach(), -1, keepdim);
    }
  }
  const Tensor all = stack(steps, 1);
  return {scope(forced ? logits(all) : all), weights.empty() ? Tensor() : stack(weights, 1)};
}

Tensor RecurrentDecoder::step(const Tensor& tokens, DecoderState& state) const {
  const Scope scope(*this);
  check_tokens("RecurrentDecoder", tokens);
  check<ShapeError>(tokens.size(1) == 1 && tokens.size(0) == state.hidden.size(1), "RecurrentDecoder: tokens ",
                    tokens.shape(), ", state of a batch of ", state.hidden.size(1), ": a step takes (B, 1)");
  return scope(logits(advance(dropout(embedding(tokens.select(1, 0))), state)));
}

Tensor RecurrentDecoder::advance_gru(const Tensor& x, DecoderState& state) const {
  const Recurrent r = gru(x.unsqueeze(1), {.hidden = state.hidden});
  state.hidden = r.hidden;
  return r.output.squeeze(1);
}

void RecurrentDecoder::visit(Visitor& v) {
  v("embedding", embedding);
  v("dropout", dropout);
  v("bridge", bridge);
  v("gru", gru);
  v("out", out);
}

DecoderRNN::DecoderRNN(Whole hidden, Whole vocab, const DecoderRNNOptions& o)
    : RecurrentDecoder("DecoderRNN",
                       {.vocab = vocab,
                        .embed = o.embed_size.value_or(hidden),
                        .input = o.embed_size.value_or(hidden) + (o.context ? o.encoder_size.value_or(hidden) : 0),
                        .encoder = o.encoder_size.value_or(hidden),
                        .hidden = hidden,
                        .layers = o.num_layers,
                        .dropout = o.dropout,
                        .layer_dropout = o.layer_dropout,
                        .padding_idx = o.padding_idx}),
      uses_context(o.context) {}

DecoderState DecoderRNN::begin(const EncodedSequence& source) const {
  const Scope scope(*this);
  DecoderState state = RecurrentDecoder::begin(source);
  if (uses_context) state.context = source.hidden.select(0, gru.num_layers - 1);
  return state;
}

Tensor DecoderRNN::advance(const Tensor& embedded, DecoderState& state) const {
  return advance_gru(uses_context ? cat({embedded, state.context}, -1) : relu(embedded), state);
}

}  // namespace heed::nn
