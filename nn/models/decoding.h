// Decoding: from a model that predicts the next token to the tokens themselves.
//
//     DecoderState state = decoder.begin(source);
//     auto best = beam_search(decoder, state, batch, {.bos = 1, .eos = 2, .max_length = 20});
//     const std::vector<int64_t> words = best[0][0].tokens;   // the best translation of the first source
//
// greedy_search takes the likeliest token at each step; beam_search keeps several beginnings. Both
// work with any decoder with  step(tokens (R, 1), state) -> logits (R, V)  and a state with
// reorder(rows), recurrent or Transformer, or with two functions. Call them
// in evaluation: a model that is training applies its dropout in step(), too. They record no history.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <heed/autograd/tensor.h>

namespace heed::nn {

struct SearchOptions {
  int64_t bos = 0;              // the decoder's first input
  int64_t eos = 0;              // the token that ends a sequence
  int64_t max_length = 0;       // tokens per sequence, eos included; REQUIRES > 0
  int64_t beam = 4;             // beginnings kept per source; beam_search only
  double length_penalty = 0.0;  // α below
};

/// A sequence and its score: log P / ((5 + n) / 6)^α with n tokens, eos included (Wu et al.
/// 2016, eq. 14, without coverage; α = 0.6 and a beam of 4 in Vaswani et al. 2017).
struct Hypothesis {
  std::vector<int64_t> tokens;   // without bos and eos
  double log_probability = 0.0;  // of all tokens, eos included
  double score = 0.0;
  bool finished = false;  // it ended in eos, before max_length cut it
};

using DecodeStep = std::function<Tensor(const Tensor& tokens)>;  // (R, 1) i64 -> logits (R, V)
using DecodeReorder = std::function<void(const Tensor& rows)>;   // row i continues what was row rows[i]

/// The likeliest token at each step, until eos: one hypothesis for each of `batch` sources.
std::vector<Hypothesis> greedy_search(int64_t batch, const DecodeStep& step, const SearchOptions&);

/// For each source at most `beam` hypotheses, best first. At each step the `beam` likeliest
/// continuations without eos are kept; one that ends in eos is finished, if it is likelier than the
/// last of these. A source is done when no kept one can become better than the best finished
/// one. If nothing finishes within max_length, the kept ones are returned. With a beam of 1
/// and α = 0 it is greedy search; with a beam that holds all sequences it is exact. It takes max_length steps of at
/// most batch·beam rows.
std::vector<std::vector<Hypothesis>> beam_search(int64_t batch, const DecodeStep& step, const DecodeReorder& reorder,
                                                 const SearchOptions&);

template <class Decoder, class State>
std::vector<Hypothesis> greedy_search(const Decoder& decoder, State state, int64_t batch,
                                      const SearchOptions& options) {
  const auto step = [&](const Tensor& tokens) { return decoder.step(tokens, state); };
  return greedy_search(batch, step, options);
}

template <class Decoder, class State>
std::vector<std::vector<Hypothesis>> beam_search(const Decoder& decoder, State state, int64_t batch,
                                                 const SearchOptions& options) {
  const auto step = [&](const Tensor& tokens) { return decoder.step(tokens, state); };
  const auto reorder = [&](const Tensor& rows) { state.reorder(rows); };
  return beam_search(batch, step, reorder, options);
}

}  // namespace heed::nn
