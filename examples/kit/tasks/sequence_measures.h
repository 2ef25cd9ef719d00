// Measures of a sequence model: its answers, baselines, and where its heads look.
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/tasks/sequence_models.h>
#include <heed/nn/attention/attention_trace.h>

namespace heed::kit {

struct Evaluation {
  double loss = 0;      // nats per position that counts
  double accuracy = 0;  // fraction of those positions whose likeliest token is right
  double exact = 0;     // fraction of examples with all of them right
};

/// Sets the model to evaluation, and back afterwards.
///
/// At each position the model reads the true answer so far. `exact` is nevertheless the fraction that
/// greedy decoding gets right, where the model reads its own answer: up to the first mistake both read
/// the same, and so make the same first mistake.
Evaluation evaluate(SequenceModel& model, const std::vector<Example>& examples);

/// The best that can be done without looking at the input: each target has the probability of its
/// frequency in `training` (each count one higher), and the answer is always the most frequent one.
Evaluation blind(const std::vector<Example>& training, const std::vector<Example>& test, int64_t vocabulary);

/// Greedy decoding: an answer per example; what is answered at position i is the model's input at i + 1.
/// One pass through the model per position. Positions that do not count stay `ignored`.
std::vector<Ids> greedy_answers(SequenceModel& model, std::vector<Example> examples);

/// `count` sequences that a language model writes after `start`, each up to `end` (left out) or
/// `longest` tokens, every token drawn with the probability that the model gives it.
std::vector<Ids> written_by(SequenceModel& model, int64_t start, int64_t end, int64_t longest, int count, Dice& dice);

/// The weights (B, h, n, m) of every attention of the model, in the order of the calls.
std::vector<nn::AttentionEntry> attention_of(SequenceModel& model, const std::vector<Example>& examples);

/// Reversing: the mean weight, of the best head, on position L-1-i, where position i finds its symbol.
double mirror_weight(SequenceModel& model, const std::vector<Example>& examples);

/// Induction heads (Olsson et al. 2022): the mean weight, of the best head, on the positions that come
/// right after an earlier occurrence of the token that is being read.
double prefix_match(SequenceModel& model, const std::vector<Example>& examples);

/// Brackets: of the positions where one has to close, the fraction at which the right kind has the largest
/// logit of all closing brackets.
double closing_accuracy(SequenceModel& model, const std::vector<Example>& examples, int64_t kinds);

/// "decoder layer 1, cross-attention": an attention of a model, by its path in the module.
std::string attention_name(const std::string& path);

/// One attention as a picture, averaged over heads: rows are queries, columns are keys. Cells that a causal mask
/// forbids are empty.
HeatMap attention_map(const nn::AttentionEntry& entry, const Words& rows, const Words& columns);

}  // namespace heed::kit
