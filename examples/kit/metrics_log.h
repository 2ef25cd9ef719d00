// metrics.jsonl: one JSON object a line, {"step":200,"loss":1.2345}.
//
// Each line is one write, so that a killed run loses at most its last line. A resumed run cuts the
// file back to the checkpoint's step and goes on: the file of an interrupted and resumed run is
// that of a run that was never interrupted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace heed::kit {

class MetricsLog {
 public:
  /// Opens `file`, keeping the whole lines of steps up to `last_step` (0: starts anew).
  /// Throws IoError, or FormatError at a kept line that is no step with numbers.
  explicit MetricsLog(const std::filesystem::path& file, int64_t last_step = 0);

  /// Appends a line. A value that is not finite becomes null. Throws IoError.
  void write(int64_t step, const std::vector<std::pair<std::string, double>>& values);

 private:
  std::filesystem::path file_;
  std::ofstream out_;
};

/// One metric of a log: the lines that have it, in their order.
struct Metric {
  std::vector<double> steps, values;
};
/// Throws IoError, or FormatError at a line that is no JSON object.
Metric read_metric(const std::filesystem::path& file, const std::string& name);

}  // namespace heed::kit
