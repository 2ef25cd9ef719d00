// Embedding: a table of vectors, one per token.
#pragma once

#include <optional>

#include <heed/autograd/ops/indexing.h>
#include <heed/nn/layers/compact_weight.h>
#include <heed/nn/module.h>

namespace heed::nn {

/// Throws an Error that names `op` unless tokens are (B, n) i64, as models take them.
void check_tokens(const char* op, const Tensor& tokens);

struct EmbeddingOptions {
  std::optional<int64_t> padding_idx = std::nullopt;  // this row starts at zero and gets no gradient
};

/// ids (…) i64 -> (…, width). As torch.nn.Embedding: weight (tokens, width), N(0, 1).
struct Embedding : Module {
  Tensor weight;
  std::optional<int64_t> padding_idx;
  CompactWeight compact;  // instead of the weight, for inference

  Embedding(Whole tokens, Whole width, const EmbeddingOptions& = {});

  Tensor operator()(const Tensor& ids) const {
    const Scope scope(*this);
    check<DtypeError>(ids.dtype() == Dtype::i64, "Embedding: ids ", ids.dtype(), " ", ids.shape(),
                      ": ids must be int64: convert them with to(Dtype::i64)");
    return scope(compact ? compact.take_rows(ids) : embedding(weight, ids, padding_idx.value_or(-1)));
  }

  void visit(Visitor& v) override;
};

}  // namespace heed::nn
