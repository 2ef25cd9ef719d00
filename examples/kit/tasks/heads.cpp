#include <heed/examples/kit/tasks/heads.h>

#include <algorithm>

#include <heed/nn/capture.h>

namespace heed::kit {

namespace {

/// The first target that counts is where the second period begins.
int64_t period_of(const Example& example) {
  const auto counts = [](int64_t target) { return target != ignored; };
  return std::find_if(example.target.begin(), example.target.end(), counts) - example.target.begin();
}

std::vector<std::string> numbers(int64_t n) {
  std::vector<std::string> labels;
  for (int64_t i = 0; i < n; ++i) labels.push_back(std::to_string(i));
  return labels;
}

}  // namespace

Tensor weights_of(const SequenceModel& model, const std::vector<Example>& examples, const Head& head) {
  const std::string point = head.path() + ":weights";
  return nn::capture(model, collate(examples), {point})[point];
}

int64_t one_back(const Example&) { return 1; }
int64_t to_answer(const Example& example) { return period_of(example) - 1; }

double mean_weight(const Tensor& weights, const Head& head, const std::vector<Example>& examples,
                   int64_t (*back)(const Example&)) {
  double sum = 0, count = 0;
  for (size_t b = 0; b < examples.size(); ++b) {
    const Tensor w = weights[static_cast<int64_t>(b)][head.index];
    const std::vector<double> values = w.to_vector();
    const int64_t n = w.size(0), distance = back(examples[b]);
    for (int64_t i = period_of(examples[b]); i < n; ++i, ++count)
      sum += values[static_cast<size_t>(i * n + i - distance)];
  }
  return sum / count;
}

HeatMap heads_map(const std::string& title, int64_t layers, const std::vector<double>& values) {
  const int64_t heads = static_cast<int64_t>(values.size()) / layers;
  return {.title = title,
          .row_axis = "layer",
          .column_axis = "head",
          .row_labels = numbers(layers),
          .column_labels = numbers(heads),
          .rows = layers,
          .columns = heads,
          .values = values,
          .low = 0,
          .high = 1,
          .numbers = true};
}

HeatMap pattern_map(const SequenceModel& model, const Example& example, const Head& head, const std::string& title) {
  HeatMap map{.title = title, .row_axis = "reads", .column_axis = "looks at", .low = 0, .high = 1, .numbers = false};
  map.values = weights_of(model, {example}, head)[0][head.index].to_vector();
  map.rows = map.columns = static_cast<int64_t>(example.input.size());
  for (const int64_t id : example.input) map.row_labels.push_back(std::to_string(id));
  map.column_labels = map.row_labels;
  return map;
}

}  // namespace heed::kit
