#include <heed/nn/models/encoder_classifier.h>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/init.h>

namespace heed::nn {

namespace {

EncoderClassifierOptions checked(const EncoderClassifierOptions& o) {
  check(o.vocab > 0 && o.classes > 0, "EncoderClassifier: vocab ", o.vocab, ", classes ", o.classes,
        ": must be positive");
  return o;
}

}  // namespace

EncoderClassifier::EncoderClassifier(const EncoderClassifierOptions& o)
    : embedding(checked(o).vocab, o.width),
      positions(o.width, {.dropout = o.dropout, .max_length = o.max_length}),
      encoder(TransformerEncoderLayer(o.width, o.heads,
                                      {.dim_feedforward = o.hidden,
                                       .dropout = o.dropout,
                                       .activation = o.activation,
                                       .norm_first = o.norm_first}),
              o.layers, o.norm_first ? std::optional(LayerNorm(o.width)) : std::nullopt),
      head(o.width, o.classes) {
  for (Tensor p : encoder.parameters())  // independent initial values for each layer
    if (p.dim() > 1) xavier_uniform_(p);
}

Tensor EncoderClassifier::operator()(const Tensor& tokens, const std::optional<std::vector<int64_t>>& lengths) const {
  const Scope scope(*this);
  check_tokens("EncoderClassifier", tokens);
  check<ShapeError>(tokens.size(1) > 0, "EncoderClassifier: tokens ", tokens.shape(),
                    ": an empty text has no mean: give each text at least one token");
  const Tensor x = positions(embedding(tokens));  // (B, n, E)
  if (!lengths) return scope(head(mean(encoder(x), 1)));
  bool fits = static_cast<int64_t>(lengths->size()) == tokens.size(0);
  for (const int64_t n : *lengths) fits = fits && n >= 1 && n <= tokens.size(1);
  check<ShapeError>(fits, "EncoderClassifier: tokens ", tokens.shape(), ", ", lengths->size(),
                    " lengths: must be one per text, in 1 … ", tokens.size(1));
  const Tensor real = padding_mask(*lengths, tokens.size(1));  // (B, n)
  const Tensor y = where(real.unsqueeze(-1), encoder(x, {.key_mask = real}), 0.0);
  const Tensor count = tensor_i64(*lengths).to(y.dtype()).unsqueeze(-1);  // (B, 1)
  return scope(head(sum(y, 1) / count));
}

void EncoderClassifier::visit(Visitor& v) {
  v("embedding", embedding);
  v("positions", positions);
  v("encoder", encoder);
  v("head", head);
}

}  // namespace heed::nn
