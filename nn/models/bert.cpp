#include <heed/nn/models/bert.h>

#include <heed/autograd/ops.h>
#include <heed/nn/init.h>

namespace heed::nn {

namespace {

BertOptions checked(const BertOptions& o) {
  check(o.vocab > 0 && o.positions > 0 && o.types > 0 && o.layers > 0, "Bert: vocab ", o.vocab, ", positions ",
        o.positions, ", types ", o.types, ", layers ", o.layers, ": all must be positive");
  return o;
}

}  // namespace

Bert::Bert(const BertOptions& o)
    : options(checked(o)),
      word_embeddings(o.vocab, o.width),
      position_embeddings(o.positions, o.width),
      token_type_embeddings(o.types, o.width),
      norm(o.width, {.eps = o.eps}),
      drop(o.dropout),
      encoder(TransformerEncoderLayer(
                  o.width, o.heads,
                  {.dim_feedforward = o.hidden, .dropout = o.dropout, .activation = gelu, .layer_norm_eps = o.eps}),
              o.layers) {
  for (NamedTensor& parameter : named_parameters()) {
    if (parameter.tensor.dim() == 2) normal_(parameter.tensor, 0.0, 0.02);
    else if (parameter.name.ends_with("bias")) constant_(parameter.tensor, 0.0);
  }
}

Tensor Bert::operator()(const Tensor& tokens, const BertCall& call) const {
  const Scope scope(*this);
  check_tokens("Bert", tokens);
  const int64_t n = tokens.size(1);
  check<ShapeError>(n <= options.positions, "Bert: tokens ", tokens.shape(),
                    ": must be (B, n) with n <= ", options.positions, ": shorten the texts");
  const Tensor types = call.types ? *call.types : zeros(tokens.shape(), Dtype::i64);
  check<ShapeError>(types.shape() == tokens.shape(), "Bert: tokens ", tokens.shape(), ", types ", types.shape(),
                    ": must be equal: one type for each token");
  const Tensor x = word_embeddings(tokens) + position_embeddings(arange(n)) + token_type_embeddings(types);
  return scope(encoder(drop(norm(x)), {.key_mask = call.key_mask}));
}

void Bert::visit(Visitor& v) {
  v("word_embeddings", word_embeddings);
  v("position_embeddings", position_embeddings);
  v("token_type_embeddings", token_type_embeddings);
  v("norm", norm);
  v("drop", drop);
  v("encoder", encoder);
}

Tensor sentence_embedding(const Tensor& hidden, const Tensor& key_mask) {
  check<ShapeError>(hidden.dim() == 3 && key_mask.shape() == Shape({hidden.size(0), hidden.size(1)}),
                    "sentence_embedding: hidden ", hidden.shape(), ", key_mask ", key_mask.shape(),
                    ": must be (B, n, E) and (B, n)");
  const Tensor total = sum(where(key_mask.unsqueeze(-1), hidden, 0.0), 1);  // its direction is the mean's
  const Tensor length = sqrt(sum(total * total, -1, true));
  return total / where(eq(length, 0.0), 1.0, length);
}

const Renames& bert_names() {
  static const Renames table = {
      {"bert.*", "*"},
      {"*.gamma", "*.weight"},
      {"*.beta", "*.bias"},
      {"embeddings.LayerNorm.*", "norm.*"},
      {"embeddings.position_ids", ""},
      {"embeddings.*", "*"},
      {{"encoder.layer.*.attention.self.query.*", "encoder.layer.*.attention.self.key.*",
        "encoder.layer.*.attention.self.value.*"},
       "encoder.layers.*.self_attn.in_proj_*"},
      {"encoder.layer.*.attention.output.dense.*", "encoder.layers.*.self_attn.out_proj.*"},
      {"encoder.layer.*.attention.output.LayerNorm.*", "encoder.layers.*.norm1.*"},
      {"encoder.layer.*.intermediate.dense.*", "encoder.layers.*.linear1.*"},
      {"encoder.layer.*.output.dense.*", "encoder.layers.*.linear2.*"},
      {"encoder.layer.*.output.LayerNorm.*", "encoder.layers.*.norm2.*"},
      {"pooler.*", ""},
      {"cls.*", ""},
  };
  return table;
}

}  // namespace heed::nn
