// BERT: a Transformer encoder that reads a text in both directions (Devlin et al. 2019), and sentence embeddings made
// with it (Reimers & Gurevych 2019).
//
//     x = norm(word_embeddings[tokens] + position_embeddings[0 … n-1] + token_type_embeddings[types])
//     hidden = encoder(x)                                    post-norm layers, gelu
//     sentence = mean of hidden over the real tokens, scaled to length 1
//
// The encoder is nn::TransformerEncoder, with its names. Files of Hugging Face's BertModel have others, and separate
// projections of queries, keys and values: bert_names() is the table that translates them (pretrained.h).
#pragma once

#include <cstdint>
#include <optional>

#include <heed/nn/layers/embedding.h>
#include <heed/nn/models/transformer_encoder.h>
#include <heed/nn/pretrained.h>

namespace heed::nn {

struct BertOptions {
  int64_t vocab = 30522;
  int64_t positions = 512;  // longest sequence
  int64_t types = 2;        // of tokens: first and second sentence
  int64_t width = 384;
  int64_t heads = 12;
  int64_t layers = 6;
  int64_t hidden = 1536;  // of the feed-forward networks
  double dropout = 0.1;
  double eps = 1e-12;  // of the norms
};

struct BertCall {
  std::optional<Tensor> key_mask = std::nullopt;  // (B, n) boolean, true for real tokens; else all are
  std::optional<Tensor> types = std::nullopt;     // (B, n) i64; else all 0
};

struct Bert : Module {
  BertOptions options;
  Embedding word_embeddings, position_embeddings, token_type_embeddings;
  LayerNorm norm;
  Dropout drop;
  TransformerEncoder encoder;

  explicit Bert(const BertOptions& = {});

  /// tokens (B, n) i64 -> hidden states (B, n, width). ShapeError if n > positions.
  Tensor operator()(const Tensor& tokens, const BertCall& = {}) const;
  void visit(Visitor& v) override;
};

/// hidden (B, n, E), key_mask (B, n) -> (B, E): the mean over the real tokens, scaled to Euclidean length 1, so that
/// the product of two such vectors is the cosine of their angle. A text without real tokens gives zeros.
Tensor sentence_embedding(const Tensor& hidden, const Tensor& key_mask);

/// Names of Hugging Face's BertModel -> names of nn::Bert.
const Renames& bert_names();

}  // namespace heed::nn
