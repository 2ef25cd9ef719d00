#include <heed/examples/kit/tasks/sequence_measures.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/sampling.h>

namespace heed::kit {
namespace {

/// No history and no dropout while it lives.
class Measuring {
 public:
  explicit Measuring(SequenceModel& model) : model_(model), was_(model.training) { model.eval(); }
  ~Measuring() { model_.train(was_); }

 private:
  NoGrad no_history_;
  SequenceModel& model_;
  bool was_;
};

Ids ids_of(const Tensor& x) {
  const Tensor y = x.contiguous();
  return {y.data<int64_t>(), y.data<int64_t>() + y.numel()};
}

/// Calls work(begin, some examples) until all examples have been visited.
template <class Work> void in_batches(const std::vector<Example>& examples, Work work) {
  constexpr size_t at_once = 128;
  for (size_t begin = 0; begin < examples.size(); begin += at_once) {
    const size_t end = std::min(begin + at_once, examples.size());
    work(begin, std::vector<Example>(examples.begin() + static_cast<int64_t>(begin),
                                     examples.begin() + static_cast<int64_t>(end)));
  }
}

}  // namespace

Evaluation evaluate(SequenceModel& model, const std::vector<Example>& examples) {
  check(!examples.empty(), "evaluate: no examples: give at least one");
  const Measuring measuring(model);
  double loss = 0;
  int64_t counted = 0, right = 0, exact = 0;
  in_batches(examples, [&](size_t, const std::vector<Example>& some) {
    const SequenceBatch batch = collate(some);
    const Tensor logits = model(batch);
    loss += nn::cross_entropy(logits, batch.target, {.reduction = nn::Reduction::sum}).item();
    const Ids said = ids_of(argmax(logits, -1)), target = ids_of(batch.target);
    const size_t length = target.size() / some.size();
    for (size_t i = 0; i < some.size(); ++i) {
      bool all = true;
      for (size_t j = i * length; j < (i + 1) * length; ++j) {
        if (target[j] == ignored) continue;
        ++counted;
        right += said[j] == target[j];
        all = all && said[j] == target[j];
      }
      exact += all;
    }
  });
  const auto n = static_cast<double>(counted);
  return {loss / n, static_cast<double>(right) / n, static_cast<double>(exact) / static_cast<double>(examples.size())};
}

Evaluation blind(const std::vector<Example>& training, const std::vector<Example>& test, int64_t vocabulary) {
  std::vector<double> counts(static_cast<size_t>(vocabulary), 1.0);
  for (const Example& example : training)
    for (const int64_t id : example.target)
      if (id != ignored) ++counts[static_cast<size_t>(id)];
  double total = 0;
  for (const double count : counts) total += count;
  const auto favourite = std::max_element(counts.begin(), counts.end()) - counts.begin();
  double loss = 0, counted = 0, right = 0, exact = 0;
  for (const Example& example : test) {
    bool all = true;
    for (const int64_t id : example.target) {
      if (id == ignored) continue;
      loss -= std::log(counts[static_cast<size_t>(id)] / total);
      ++counted;
      right += id == favourite;
      all = all && id == favourite;
    }
    exact += all;
  }
  return {loss / counted, right / counted, exact / static_cast<double>(test.size())};
}

std::vector<Ids> greedy_answers(SequenceModel& model, std::vector<Example> examples) {
  const Measuring measuring(model);
  std::vector<Ids> answers;
  size_t length = 0;
  for (Example& example : examples) {
    length = std::max(length, example.target.size());
    answers.push_back(Ids(example.target.size(), ignored));
    for (size_t i = 0; i + 1 < example.input.size(); ++i)  // remove the true answer
      if (example.target[i] != ignored) example.input[i + 1] = 0;
  }
  for (size_t i = 0; i < length; ++i) {
    const auto counts = [i](const Example& e) { return i < e.target.size() && e.target[i] != ignored; };
    if (std::none_of(examples.begin(), examples.end(), counts)) continue;
    const Tensor logits = model(collate(examples)).select(1, static_cast<int64_t>(i));  // (B, V)
    const Ids said = ids_of(argmax(logits, -1));
    for (size_t b = 0; b < examples.size(); ++b) {
      if (!counts(examples[b])) continue;
      answers[b][i] = said[b];
      if (i + 1 < examples[b].input.size()) examples[b].input[i + 1] = said[b];
    }
  }
  return answers;
}

std::vector<Ids> written_by(SequenceModel& model, int64_t start, int64_t end, int64_t longest, int count, Dice& dice) {
  const Measuring measuring(model);
  Generator generator(static_cast<uint64_t>(dice.uniform() * 1e9));
  std::vector<Ids> all;
  for (int i = 0; i < count; ++i) {
    Example text{.input = {start}, .target = {ignored}};
    while (static_cast<int64_t>(text.input.size()) <= longest) {
      const Tensor logits = model(collate({text}))[0][static_cast<int64_t>(text.input.size()) - 1];
      const auto next = static_cast<int64_t>(nn::sample_tokens(logits.unsqueeze(0), {}, generator).item());
      if (next == end) break;
      text.input.push_back(next);
    }
    all.emplace_back(text.input.begin() + 1, text.input.end());
  }
  return all;
}

std::vector<nn::AttentionEntry> attention_of(SequenceModel& model, const std::vector<Example>& examples) {
  const Measuring measuring(model);
  nn::AttentionTrace trace({.queries_and_keys = true});
  model(collate(examples));
  return trace.entries();
}

namespace {

/// The largest, over all heads, of the mean over examples and positions of Σⱼ weight(i, j) where
/// wanted(example, i, j); positions i for which no j is wanted do not count.
template <class Wanted> double best_head(SequenceModel& model, const std::vector<Example>& examples, Wanted wanted) {
  double best = 0;
  for (const nn::AttentionEntry& entry : attention_of(model, examples)) {
    const int64_t n = entry.weights.size(2), m = entry.weights.size(3);
    for (int64_t h = 0; h < entry.weights.size(1); ++h) {
      double total = 0, positions = 0;
      for (size_t b = 0; b < examples.size(); ++b) {
        const std::vector<double> w = entry.weights[static_cast<int64_t>(b)][h].to_vector();
        for (int64_t i = 0; i < n; ++i) {
          bool any = false;
          for (int64_t j = 0; j < m; ++j) {
            if (!wanted(examples[b], i, j)) continue;
            any = true;
            total += w[static_cast<size_t>(i * m + j)];
          }
          positions += any;
        }
      }
      if (positions > 0) best = std::max(best, total / positions);
    }
  }
  return best;
}

}  // namespace

double mirror_weight(SequenceModel& model, const std::vector<Example>& examples) {
  return best_head(model, examples, [](const Example& example, int64_t i, int64_t j) {
    return j == static_cast<int64_t>(example.input.size()) - 1 - i;
  });
}

double prefix_match(SequenceModel& model, const std::vector<Example>& examples) {
  return best_head(model, examples, [](const Example& example, int64_t i, int64_t j) {
    return j >= 1 && j <= i && example.input[static_cast<size_t>(j - 1)] == example.input[static_cast<size_t>(i)];
  });
}

double closing_accuracy(SequenceModel& model, const std::vector<Example>& examples, int64_t kinds) {
  const Measuring measuring(model);
  double closing = 0, right = 0;
  in_batches(examples, [&](size_t, const std::vector<Example>& some) {
    const SequenceBatch batch = collate(some);
    const Tensor logits = model(batch);  // (B, L, V), closing brackets at 1, 3, … 2 kinds - 1
    const Ids said = ids_of(argmax(logits.slice(-1, 1, 2 * kinds, 2), -1)), target = ids_of(batch.target);
    for (size_t i = 0; i < target.size(); ++i) {
      if (target[i] < 0 || target[i] % 2 == 0) continue;
      ++closing;
      right += 2 * said[i] + 1 == target[i];
    }
  });
  return right / closing;
}

std::string attention_name(const std::string& path) {
  const bool crosses = path.find("multihead_attn") != std::string::npos;
  const size_t digit = path.find_first_of("0123456789");
  std::string name = path.find("decoder.") != std::string::npos   ? "decoder "
                     : path.find("encoder.") != std::string::npos ? "encoder "
                                                                  : "";
  if (digit != std::string::npos)
    name += "layer " + path.substr(digit, path.find_first_not_of("0123456789", digit) - digit) + ", ";
  return name + (crosses ? "cross-attention" : "self-attention");
}

namespace {

/// Empties the cells that a causal mask forbids. A softmax gives 0 to no key, so zeros in all cells above the diagonal
/// are a mask.
void hide_future(HeatMap& map) {
  if (map.rows != map.columns || map.rows < 2) return;
  const auto each = [&map](const auto& visit) {
    for (int64_t i = 0; i < map.rows; ++i)
      for (int64_t j = i + 1; j < map.columns; ++j) visit(map.values[static_cast<size_t>(i * map.columns + j)]);
  };
  bool masked = true;
  each([&](const double& weight) { masked = masked && weight == 0; });
  if (masked) each([](double& weight) { weight = std::numeric_limits<double>::quiet_NaN(); });
}

}  // namespace

HeatMap attention_map(const nn::AttentionEntry& entry, const Words& rows, const Words& columns) {
  const int64_t heads = entry.weights.size(1);
  const Tensor mean_over_heads = mean(entry.weights[0], 0);  // (n, m)
  HeatMap map{.title = attention_name(entry.path) + (heads > 1 ? cat(", mean of ", heads, " heads") : ""),
              .row_axis = "queries",
              .column_axis = "keys",
              .row_labels = rows,
              .column_labels = columns,
              .rows = mean_over_heads.size(0),
              .columns = mean_over_heads.size(1),
              .values = mean_over_heads.to_vector(),
              .low = 0.0,
              .high = 1.0};
  hide_future(map);
  return map;
}

}  // namespace heed::kit
