#include <heed/examples/kit/tasks/sequence_models.h>

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/init.h>

namespace heed::kit {
namespace {

/// Layers that are initialised one by one. (nn::TransformerEncoder clones one.)
nn::TransformerEncoder encoder_of(const ModelSize& size, const nn::TransformerOptions& options,
                                  std::optional<nn::LayerNorm> norm = std::nullopt) {
  nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(size.width, size.heads, options), 0, std::move(norm));
  for (int64_t i = 0; i < size.layers; ++i) encoder.layers.emplace_back(size.width, size.heads, options);
  return encoder;
}

}  // namespace

GptModel::GptModel(const ModelSize& size)
    : gpt({.vocab = size.vocabulary,
           .context = size.context,
           .width = size.width,
           .heads = size.heads,
           .layers = size.layers,
           .dropout = size.dropout,
           .bias = true,
           .gelu_tanh = true}) {}

Tensor GptModel::operator()(const SequenceBatch& batch) const {
  const nn::Scope scope(*this);
  return scope(gpt(batch.input));
}

EncoderModel::EncoderModel(const ModelSize& size)
    : vocabulary(size.vocabulary),
      input_net(size.vocabulary, size.width),
      positions(size.width, {.max_length = size.context}),
      encoder(encoder_of(size, {.dim_feedforward = 2 * size.width, .dropout = size.dropout})),
      output_net1(size.width, size.width),
      output_norm(size.width),
      output_net2(size.width, size.vocabulary) {
  // Which token to attend to depends on positions only: a score has to tell a position from its
  // neighbours, whatever the tokens are.
  positions.table = positions.table * std::sqrt(static_cast<double>(size.width));
}

Tensor EncoderModel::operator()(const SequenceBatch& batch) const {
  const nn::Scope scope(*this);
  const Tensor x = input_net(one_hot(batch.input, vocabulary).to(Dtype::f32));  // (B, L, E)
  return scope(output_net2(relu(output_norm(output_net1(encoder(positions(x)))))));
}

void EncoderModel::visit(nn::Visitor& v) {
  v("input_net", input_net);
  v("positions", positions);
  v("encoder", encoder);
  v("output_net1", output_net1);
  v("output_norm", output_norm);
  v("output_net2", output_net2);
}

StreamModel::StreamModel(const ModelSize& size, const StreamOptions& options)
    : embed(size.vocabulary, size.width), unembed(size.width, size.vocabulary, {.bias = false}) {
  nn::normal_(embed.weight, 0, 1 / std::sqrt(static_cast<double>(size.width)));
  if (options.tied) unembed.weight = embed.weight;
  if (options.sinusoidal) {
    sinusoids.emplace(size.width, nn::PositionOptions{.max_length = size.context});
  } else {
    learned.emplace(size.width, nn::PositionOptions{.max_length = size.context});
    nn::normal_(learned->weight, 0, 1 / std::sqrt(static_cast<double>(size.width)));
  }
  for (int64_t i = 0; i < size.layers; ++i) {
    attention.emplace_back(size.width, size.heads, nn::MultiHeadOptions{.bias = false});
    if (options.hidden > 0)
      feed_forward.emplace_back(size.width, nn::FeedForwardOptions{.hidden = options.hidden, .dropout = 0});
  }
  if (options.normalised)
    for (int64_t i = 0; i <= size.layers; ++i) norms.emplace_back(size.width);
}

Tensor StreamModel::operator()(const SequenceBatch& batch) const {
  const nn::Scope scope(*this);
  Tensor x = embed(batch.input);  // (B, L, E)
  x = sinusoids ? (*sinusoids)(x) : (*learned)(x);
  const auto read = [&](size_t i) { return norms.empty() ? x : norms[i](x); };
  for (size_t i = 0; i < attention.size(); ++i) {
    x = x + attention[i](read(i), {.causal = true}).output;
    if (!feed_forward.empty()) x = x + feed_forward[i](x);
  }
  return scope(unembed(read(attention.size())));  // (B, L, V)
}

void StreamModel::visit(nn::Visitor& v) {
  v("embed", embed);
  v("sinusoids", sinusoids);
  v("learned", learned);
  v("attention", attention);
  v("feed_forward", feed_forward);
  v("norms", norms);
  v("unembed", unembed);
}

TranslatorModel::TranslatorModel(const ModelSize& size)
    : translator({.source_vocab = size.vocabulary,
                  .target_vocab = size.vocabulary,
                  .width = size.width,
                  .heads = size.heads,
                  .encoder_layers = size.layers,
                  .decoder_layers = size.layers,
                  .hidden = 4 * size.width,
                  .dropout = size.dropout,
                  .max_length = size.context,
                  .share_embeddings = true}) {}

Tensor TranslatorModel::operator()(const SequenceBatch& batch) const {
  const nn::Scope scope(*this);
  return scope(translator(batch.source, batch.input, batch.source_lengths));
}

Tensor hard_alibi_mask(int64_t heads, int64_t n) {
  std::vector<double> allowed;
  for (int64_t m = 0; m < heads; ++m)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) allowed.push_back(j <= i && (m >= heads / 2 || j >= i - m));
  return tensor(allowed, {1, heads, n, n}, Dtype::boolean);
}

HardAlibiModel::HardAlibiModel(const ModelSize& size)
    : heads(size.heads),
      embed(size.vocabulary, size.width),
      decoder(encoder_of(
          size, {.dim_feedforward = 4 * size.width, .dropout = size.dropout, .activation = gelu, .norm_first = true},
          nn::LayerNorm(size.width))),
      unembed(size.width, size.vocabulary, {.bias = false}) {}

Tensor HardAlibiModel::operator()(const SequenceBatch& batch) const {
  const nn::Scope scope(*this);
  const Tensor mask = hard_alibi_mask(heads, batch.input.size(1));
  return scope(unembed(decoder(embed(batch.input), {.mask = mask})));
}

}  // namespace heed::kit
