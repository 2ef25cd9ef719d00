// One head of a small model: where it looks, in numbers and pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/tasks/sequence_models.h>

namespace heed::kit {

/// A head of a StreamModel.
struct Head {
  int64_t layer, index;
  std::string path() const { return "attention." + std::to_string(layer); }                 // of its attention
  std::string name() const { return std::to_string(layer) + "." + std::to_string(index); }  // "1.0"
};

/// The weights of the head's layer for these examples, (B, h, n, n).
Tensor weights_of(const SequenceModel& model, const std::vector<Example>& examples, const Head& head);

/// Of a cycle (make_cycles): how far before a token in its second period the previous token stands, and the answer: what
/// followed the same token one period before.
int64_t one_back(const Example& example);
int64_t to_answer(const Example& example);

/// The mean weight of a head on the position that is back(example) before the query, for queries after the first period.
double mean_weight(const Tensor& weights, const Head& head, const std::vector<Example>& examples,
                   int64_t (*back)(const Example&));

/// One value in 0 … 1 per head: rows are layers, columns are heads.
HeatMap heads_map(const std::string& title, int64_t layers, const std::vector<double>& values);

/// Where a head looks in one sequence: rows are queries, columns are keys.
HeatMap pattern_map(const SequenceModel& model, const Example& example, const Head& head, const std::string& title);

}  // namespace heed::kit
