// The Transformer's decoder (Vaswani et al. 2017, figure 1, right), as in torch.nn: each token
// attends to earlier ones, then to the memory, the encoder's output; then features are mixed.
//
//     post-norm   x = norm1(x + self(x));   x = norm2(x + cross(x));   x = norm3(x + ff(x))
//     pre-norm    x = x + self(norm1(x));   x = x + cross(norm2(x));   x = x + ff(norm3(x))
//
// Names, shapes and initial values are those of TransformerDecoderLayer and TransformerDecoder,
// batch first; also as there, nothing is causal by default. Generation, one token at a
// time, is begin() once and step() per token: equal to the whole call with causal = true, up to
// rounding.
//
// Shapes: n positions of the decoder, m of the memory.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <heed/nn/attention/kv_cache.h>
#include <heed/nn/models/transformer_encoder.h>

namespace heed::nn {

/// x (B, n, d_model), memory (B, m, d_model) -> (B, n, d_model), with options for the attention within x and for
/// the attention to the memory: the source's key mask belongs in the latter.
struct TransformerDecoderLayer : Module {
  MultiHeadAttention self_attn, multihead_attn;  // the latter attends to the memory
  FeedForward feed_forward;                      // linear1, linear2
  LayerNorm norm1, norm2, norm3;
  Dropout dropout1, dropout2, dropout3;
  bool norm_first;

  TransformerDecoderLayer(Whole d_model, Whole num_heads, const TransformerOptions& = {});
  Tensor operator()(const Tensor& x, const Tensor& memory, const AttentionOptions& within = {},
                    const AttentionOptions& across = {}) const;

  /// x continues the positions in `past`, and is added to it; `memory` is projected already.
  Tensor step(const Tensor& x, KeyValueCache& past, const KeysValues& memory,
              const std::optional<Tensor>& memory_key_mask) const;
  void visit(Visitor& v) override;

 private:
  template <class Self, class Cross> Tensor run(const Tensor& x, Self self, Cross cross) const;
};

/// What a decoder keeps between two steps.
struct DecoderCache {
  KeyValueCaches past;             // of self-attention, one per layer
  std::vector<KeysValues> memory;  // of cross-attention, projected once
  std::optional<Tensor> memory_key_mask;

  int64_t length() const { return past.length(); }
  /// Sequence b continues what was sequence rows[b]: rows (B') i64, for beam search.
  void reorder(const Tensor& rows);
};

struct TransformerDecoder : TransformerStack<TransformerDecoderLayer> {
  TransformerDecoder(const TransformerDecoderLayer& layer, Whole count, std::optional<LayerNorm> last = std::nullopt)
      : TransformerStack("TransformerDecoder", layer, count, std::move(last)) {}
  Tensor operator()(const Tensor& x, const Tensor& memory, const AttentionOptions& within = {},
                    const AttentionOptions& across = {}) const;

  /// A cache for at most `capacity` positions. In evaluation and under NoGrad, as step().
  DecoderCache begin(const Tensor& memory, int64_t capacity,
                     std::optional<Tensor> memory_key_mask = std::nullopt) const;
  Tensor step(const Tensor& x, DecoderCache& cache) const;  // x (B, n, d_model), n new positions
};

}  // namespace heed::nn
