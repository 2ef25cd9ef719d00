// What a run on a task leaves: a table beside the published result, answers, pictures, weights.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <heed/examples/kit/json.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/tasks/sequence_measures.h>
#include <heed/examples/kit/tasks/sequence_run.h>

namespace heed::kit {

/// The files of a run, in its folder.
struct RunFiles {
  std::filesystem::path loss, attention, page, lengths, weights, checkpoint, metrics, film;
  explicit RunFiles(RunFolder& folder);
};

/// A task: its examples, the models to be trained on them, and what else is measured.
using MakeModel = std::function<std::unique_ptr<SequenceModel>()>;
struct Problem {
  TaskData data;
  Words tokens;                                           // the text of each id
  std::vector<std::pair<std::string, MakeModel>> models;  // the first is the task's own
  bool decodes = true;                                    // the model reads its own answer: greedy decoding is shown
  std::string score_name = {};
  std::function<double(SequenceModel&)> score = {};
  std::function<std::vector<Example>(int64_t length)> of_length = {};  // for accuracy by length …
  int64_t trained_length = 0;                                          // … up to twice this one
  bool writes = false;    // a language model whose last id is start and end: samples are shown
  std::string note = {};  // a remark about the data, printed before training
};

struct Report {
  SequenceRun& run;
  const Problem& problem;
  Evaluation blind;
  std::string published;
  std::filesystem::path metrics;
  uint64_t seed = 0;
};

/// The keys of a model's JSON object, for --help.
std::string model_keys();

/// Prints the table, and answers of the first model; returns one JSON object per model.
Json::Object print_report(const Report& report);

/// loss.svg: losses and accuracies by step; attention.svg: every layer of the first model on the first
/// test example, where it has attention, and attention.html, a page to explore it; lengths.svg: accuracy by length; model.safetensors.
void save_pictures(const Report& report, const RunFiles& files, const std::string& title);

/// Every layer of a model on the first test example; no panels if it has no attention.
Figure attention_figure(SequenceModel& model, const Problem& problem, const std::string& title);

/// The first step at which the metric was at least `level`; null if it never was.
Json first_step(const std::filesystem::path& metrics, const std::string& metric, double level);

}  // namespace heed::kit
