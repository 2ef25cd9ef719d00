// What a run on a task leaves: a table beside the published number, answers, pictures, weights.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <heed/core/json.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/sequence_measures.h>
#include <heed/examples/kit/sequence_run.h>

namespace heed::kit {

/// The files of a run, in its folder.
struct RunFiles {
  std::filesystem::path loss, attention, weights, checkpoint, metrics;
  explicit RunFiles(RunFolder& folder);
};

struct Report {
  SequenceRun& run;
  const TaskData& data;
  const Words& tokens;
  Evaluation blind;
  std::string published, score_name;
  std::function<double(SequenceModel&)> score;
  bool decodes;  // show greedy decoding
  std::filesystem::path metrics;
};

/// The keys of a model's object, for --help.
std::string model_keys();

/// Prints the table, and some answers where the task decodes; returns the object of each model.
core::Json::Object print_report(const Report& report);

/// loss.svg: losses and accuracies by step; attention.svg: every layer of the first model on the first
/// test example, where it has attention; model.safetensors.
void save_pictures(const Report& report, const RunFiles& files, const std::string& title);

/// The first step at which the metric was at least `level`; null where it never was.
core::Json first_step(const std::filesystem::path& metrics, const std::string& metric, double level);

}  // namespace heed::kit
