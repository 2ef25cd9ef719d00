// What a model of sequences is measured by: answers, baselines, and where its heads look.
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/tasks/sequence_models.h>
#include <heed/nn/attention/attention_trace.h>

namespace heed::kit {

struct Evaluation {
  double loss = 0;      // nats for a position that counts
  double accuracy = 0;  // share of those positions where the likeliest token is the right one
  double exact = 0;     // share of examples where all of them are
};

/// The model is put into its mode for evaluation and back.
///
/// The model reads the true answer up to where it speaks. `exact` is all the same the share that
/// greedy decoding gets right, where each answer is read back by the model: while it makes no mistake
/// both read the same, and the first mistake is one in both.
Evaluation evaluate(SequenceModel& model, const std::vector<Example>& examples);

/// The best that can be done without looking at the input: each target by its share among those of
/// `training` (each counted once more), and always the most frequent one.
Evaluation blind(const std::vector<Example>& training, const std::vector<Example>& test, int64_t vocabulary);

/// Greedy decoding: the targets of each example, where what counts at position i is read by the model
/// at i + 1. One pass through the model for each position. Positions that do not count stay `ignored`.
std::vector<Ids> greedy_answers(SequenceModel& model, std::vector<Example> examples);

/// `count` sequences that a language model writes after `start`, each up to `end` (left out) or
/// `longest` tokens, every token drawn with the probability that the model gives it.
std::vector<Ids> written_by(SequenceModel& model, int64_t start, int64_t end, int64_t longest, int count, Dice& dice);

/// The weights (B, h, n, m) of every attention of the model, in the order of the calls.
std::vector<nn::AttentionEntry> attention_of(SequenceModel& model, const std::vector<Example>& examples);

/// Reversing: the mean weight on the position L-1-i, from which position i has to fetch its symbol, of
/// the best head.
double mirror_weight(SequenceModel& model, const std::vector<Example>& examples);

/// Induction heads (Olsson et al. 2022): the mean weight, of the best head, on the positions that come
/// right after an earlier occurrence of the token that is being read.
double prefix_match(SequenceModel& model, const std::vector<Example>& examples);

/// Brackets: where one has to close, how often its kind has the largest logit among those that close.
double closing_accuracy(SequenceModel& model, const std::vector<Example>& examples, int64_t kinds);

/// One attention as a picture, heads averaged: rows are positions of the input, columns the keys.
HeatMap attention_map(const nn::AttentionEntry& entry, const Words& rows, const Words& columns);

}  // namespace heed::kit
