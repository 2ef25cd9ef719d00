// The tasks of the program `tasks`. Each is one function in tasks_*.cpp that defines it completely: what is
// published about it, its recipe, the rule that makes its examples, its models and its measure.
//
// Recipes are the published ones unless a comment says otherwise.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/tasks/recurrent_models.h>
#include <heed/examples/kit/tasks/sequence_measures.h>
#include <heed/examples/kit/tasks/sequence_report.h>
#include <heed/examples/kit/tasks/sequence_run.h>
#include <heed/examples/kit/tasks/task_generators.h>

namespace heed::kit {

struct TaskSettings {
  int64_t length = 0, symbols = 0, pairs = 4, depth = 4;
  int64_t layers = 1, heads = 1, width = 64;
  double dropout = 0.0;
  int64_t train_size = 0, test_size = 1000;
  Recipe recipe = {};
  int64_t eval_every = 100, save_every = 1000;
  double goal = 0;
  bool compare = false;
  std::filesystem::path text = {}, resume = {};
  Common common = {};

  uint64_t seed() const { return static_cast<uint64_t>(common.seed); }
  ModelSize size(int64_t vocabulary, int64_t context) const {
    return {vocabulary, context, width, heads, layers, dropout};
  }
};

struct Task {
  std::string name, about, published;
  std::vector<std::string> ignores = {};  // options that change nothing in this task
  TaskSettings defaults;
  Problem (*make)(const TaskSettings&);
};

/// In the order of --help.
const std::vector<Task>& all_tasks();

// Sequences of symbols (tasks_symbols.cpp).
Task copy_task();
Task sort_task();
Task reverse_task();
Task dyck_task();
// Memory (tasks_memory.cpp).
Task induction_task();
Task recall_task();
Task copy_length_task();
// Sums (tasks_sums.cpp).
Task addition_task();
Task addition_gru_task();
Task modular_task();
// Text (tasks_letters.cpp).
Task dates_task();
Task names_task();

// Parts that tasks share.

/// The ids 0 1 … n-1 as text, then other tokens.
Words numerals(int64_t n, const Words& more = {});

/// The characters of a vocabulary as text, then "start".
Words letters_and_start(const CharVocab& vocab);

/// A hundred test examples: enough to measure where a head looks.
std::vector<Example> a_hundred(const TaskData& data);

template <class Model, class... Args> MakeModel model_of(Args... args) {
  return [=] { return std::make_unique<Model>(args...); };
}

/// A Transformer and, for comparison, a recurrent model with as many layers and at most as many parameters.
template <class Layer>
std::vector<std::pair<std::string, MakeModel>> beside(const std::string& name, const MakeModel& transformer,
                                                      const ModelSize& size) {
  return {{"transformer", transformer},
          {name, [=] { return widest_recurrent<Layer>(transformer()->num_parameters(), size); }}};
}

/// nn::GPT, and a GRU.
std::vector<std::pair<std::string, MakeModel>> gpt_or_gru(const ModelSize& size);

}  // namespace heed::kit
