#include <heed/nn/layers/embedding.h>

#include <heed/autograd/ops/create.h>
#include <heed/nn/init.h>

namespace heed::nn {

void check_tokens(const char* op, const Tensor& tokens) {
  check<ShapeError>(tokens.dim() == 2, op, ": tokens ", tokens.shape(), ": must be (B, n)",
                    tokens.dim() == 1   ? ": give one sequence a batch axis with unsqueeze(0)"
                    : tokens.dim() == 3 ? ": a token is one integer, not a vector: pass ids, "
                                          "the model embeds them itself"
                                        : "");
  check<DtypeError>(tokens.dtype() == Dtype::i64, op, ": tokens ", tokens.dtype(), " ", tokens.shape(),
                    ": ids must be int64: convert them with to(Dtype::i64)");
}

Embedding::Embedding(Whole tokens, Whole width, const EmbeddingOptions& options)
    : weight(parameter(zeros({tokens, width}))), padding_idx(options.padding_idx) {
  check<IndexError>(!padding_idx || (*padding_idx >= 0 && *padding_idx < tokens), "Embedding: ", tokens,
                    " tokens, padding_idx ", padding_idx.value_or(0), ": is not a token: must be in 0 … ", tokens - 1);
  normal_(weight);
  if (padding_idx) {
    Tensor row = weight.detach()[*padding_idx];
    constant_(row, 0.0);
  }
}

void Embedding::visit(Visitor& v) {
  if (compact) v.left_out("weight");
  v("weight", weight);
}

}  // namespace heed::nn
