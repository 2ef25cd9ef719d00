// A Transformer that assigns a text to one of several classes.
//
//     x = embedding[tokens] + P;   logits = head(mean over the tokens of encoder(x))
//
// Every token sees all others; the mean excludes padding.
#pragma once

#include <heed/nn/attention/positions.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/models/transformer_encoder.h>

namespace heed::nn {

struct EncoderClassifierOptions {
  int64_t vocab = 0, classes = 0;
  int64_t width = 64, heads = 4, layers = 2;
  int64_t hidden = 256;  // of the feed-forward networks
  double dropout = 0.1;
  Tensor (*activation)(const Tensor&) = relu;
  bool norm_first = true;
  int64_t max_length = 1000;
};

struct EncoderClassifier : Module {
  Embedding embedding;
  SinusoidalPositions positions;
  TransformerEncoder encoder;
  Linear head;  // width -> classes

  explicit EncoderClassifier(const EncoderClassifierOptions&);

  /// tokens (B, n) i64, of which sequence b has lengths[b] >= 1, then padding -> (B, classes).
  Tensor operator()(const Tensor& tokens, const std::optional<std::vector<int64_t>>& lengths = std::nullopt) const;
  void visit(Visitor& v) override;
};

}  // namespace heed::nn
