#include <heed/nn/models/seq2seq_transformer.h>

#include <cmath>

#include <heed/autograd/ops/elementwise.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/init.h>

namespace heed::nn {

namespace {

Seq2SeqTransformerOptions checked(const Seq2SeqTransformerOptions& o) {
  check(o.source_vocab > 0 && o.target_vocab > 0, "Seq2SeqTransformer: source_vocab ", o.source_vocab,
        ", target_vocab ", o.target_vocab, ": must be positive");
  check<ShapeError>(!o.share_embeddings || o.source_vocab == o.target_vocab, "Seq2SeqTransformer: source_vocab ",
                    o.source_vocab, ", target_vocab ", o.target_vocab,
                    ": one table serves both with share_embeddings: make one "
                    "vocabulary of both languages");
  return o;
}

}  // namespace

Seq2SeqTransformer::Seq2SeqTransformer(const Seq2SeqTransformerOptions& o)
    : width(o.width),
      source_embedding(checked(o).source_vocab, o.width),
      target_embedding(o.target_vocab, o.width),
      positions(o.width, {.dropout = o.dropout, .max_length = o.max_length}),
      transformer(o.width, o.heads,
                  {.num_encoder_layers = o.encoder_layers,
                   .num_decoder_layers = o.decoder_layers,
                   .dim_feedforward = o.hidden,
                   .dropout = o.dropout,
                   .activation = o.activation,
                   .norm_first = o.norm_first}),
      output(o.width, o.target_vocab, {.bias = !o.tie_output}) {
  const double std = 1.0 / std::sqrt(static_cast<double>(width));
  normal_(source_embedding.weight, 0.0, std);
  normal_(target_embedding.weight, 0.0, std);
  if (o.share_embeddings) target_embedding.weight = source_embedding.weight;
  if (o.tie_output) output.weight = target_embedding.weight;
}

Tensor Seq2SeqTransformer::embed(const Embedding& table, const Tensor& tokens, int64_t first) const {
  check_tokens("Seq2SeqTransformer", tokens);
  return positions(table(tokens) * std::sqrt(static_cast<double>(width)), first);
}

EncodedSource Seq2SeqTransformer::encode(const Tensor& source,
                                         const std::optional<std::vector<int64_t>>& lengths) const {
  const Scope scope(*this);
  const Tensor x = embed(source_embedding, source);  // (B, m, E)
  std::optional<Tensor> key_mask;
  if (lengths) {
    check<ShapeError>(static_cast<int64_t>(lengths->size()) == source.size(0), "Seq2SeqTransformer: source ",
                      source.shape(), ", ", lengths->size(), " lengths: must be one per sequence");
    key_mask = padding_mask(*lengths, source.size(1));
  }
  return {transformer.encoder(x, {.key_mask = key_mask}), key_mask};
}

Tensor Seq2SeqTransformer::decode(const Tensor& target, const EncodedSource& source) const {
  const Scope scope(*this);
  const Tensor y = embed(target_embedding, target);  // (B, n, E)
  return scope(
      output(transformer.decoder(y, source.memory, {.causal = true}, {.key_mask = source.key_mask})));  // (B, n, V)
}

Tensor Seq2SeqTransformer::operator()(const Tensor& source, const Tensor& target,
                                      const std::optional<std::vector<int64_t>>& lengths) const {
  const Scope scope(*this);
  return scope(decode(target, encode(source, lengths)));
}

DecoderCache Seq2SeqTransformer::begin(const EncodedSource& source, int64_t capacity) const {
  const Scope scope(*this);
  return transformer.decoder.begin(source.memory, capacity, source.key_mask);
}

Tensor Seq2SeqTransformer::step(const Tensor& tokens, DecoderCache& state) const {
  const Scope scope(*this);
  const Tensor y = transformer.decoder.step(embed(target_embedding, tokens, state.length()),
                                            state);  // (B, n, E)
  return scope(output(y.select(1, y.size(1) - 1)));  // (B, V)
}

void Seq2SeqTransformer::visit(Visitor& v) {
  v("source_embedding", source_embedding);
  v("target_embedding", target_embedding);
  v("positions", positions);
  v("transformer", transformer);
  v("output", output);
}

}  // namespace heed::nn
