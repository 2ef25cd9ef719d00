// metrics.jsonl: one JSON object per line, {"step":200,"loss":1.2345}, and what a model writes in between,
// {"step":500,"sample":"…"}.
//
// Each line is one write, so that a killed run loses at most its last line. A resumed run cuts the
// file back to the checkpoint's step and continues it: an interrupted and resumed run leaves the same file
// as a run that was never interrupted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <heed/examples/kit/json.h>

namespace heed::kit {

class MetricsLog {
 public:
  /// Opens `file`, keeping the complete lines of steps up to `last_step` (0: starts a new file).
  /// Throws IoError, or FormatError at a kept line that is not a step with its values.
  explicit MetricsLog(const std::filesystem::path& file, int64_t last_step = 0);

  /// Appends a line. A value that is not finite becomes null. Throws IoError.
  void write(int64_t step, const std::vector<std::pair<std::string, double>>& values);

  /// Appends a text that the model wrote after this step. Throws IoError, or FormatError unless it is UTF-8.
  void write_sample(int64_t step, const std::string& text);

 private:
  void append(const Json::Object& line);
  std::filesystem::path file_;
  std::ofstream out_;
};

/// One metric of a log: the steps and values of the lines that have it, in order.
struct Metric {
  std::vector<double> steps, values;
};
/// Throws IoError, or FormatError at a line that is not a JSON object.
Metric read_metric(const std::filesystem::path& file, const std::string& name);

struct Sample {
  int64_t step;
  std::string text;
};

/// All of a log: its metrics, in order of first appearance, and its samples.
struct LoggedRun {
  std::vector<std::pair<std::string, Metric>> metrics = {};
  std::vector<Sample> samples = {};
  int64_t last_step = 0;

  const Metric* find(const std::string& name) const;  // null if there is none
};
/// Strict: each complete line is a step, not before that of the line above, with numbers, nulls or a sample. (A line
/// that is being written has no end and is left out.) Throws IoError, or FormatError at the first other line.
LoggedRun read_metrics(const std::filesystem::path& file);

}  // namespace heed::kit
