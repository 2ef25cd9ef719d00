#include <heed/examples/kit/metrics_log.h>

#include <map>
#include <optional>
#include <sstream>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/json.h>

namespace heed::kit {
namespace {

constexpr std::string_view line_start = "{\"step\":";
constexpr std::string_view sample_key = "sample";

/// Throws FormatError unless all values are numbers, nulls or a sample's text.
void check_values(const Json& entry) {
  for (const auto& [name, value] : entry.as_object()) {
    if (name == sample_key) static_cast<void>(value.as_string());
    else if (!value.is_null()) static_cast<void>(value.as_number());
  }
}

/// The step of a line written by `write`; null for any other line, so that reading it cannot fail hours later.
std::optional<int64_t> step_of(std::string_view line) {
  if (!line.starts_with(line_start)) return std::nullopt;
  try {
    const Json entry = parse_json(line);
    check_values(entry);
    return entry.at("step").as_integer();
  } catch (const FormatError&) { return std::nullopt; }
}

/// The complete lines of steps up to `last_step`. (A killed run may leave an incomplete last line.)
std::string kept_lines(const std::string& file, const std::string& text, int64_t last_step) {
  size_t begin = 0;
  for (int64_t number = 1; begin < text.size(); ++number) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    const auto step = step_of(std::string_view(text).substr(begin, end - begin));
    check<FormatError>(step.has_value(), readable(file), ":", number, ": ", quote(text.substr(begin, end - begin)),
                       ": is not a step with its values: move the file away to start a new one");
    if (*step > last_step) break;
    begin = end + 1;
  }
  return text.substr(0, begin);
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& file, int64_t last_step) : file_(file) {
  std::string kept;
  if (last_step > 0 && std::filesystem::exists(file))
    kept = kept_lines(file.string(), core::read_file(file.string()), last_step);
  core::write_file_atomic(file.string(), kept);
  out_.open(file, std::ios::app | std::ios::binary);
  check<IoError>(out_.is_open(), "metrics: ", readable(file.string()), ": cannot be opened for writing");
}

void MetricsLog::write(int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  Json::Object line = {{"step", step}};
  for (const auto& [name, value] : values) line.emplace_back(name, value);
  append(line);
}

void MetricsLog::write_sample(int64_t step, const std::string& text) {
  append({{"step", step}, {std::string(sample_key), text}});
}

void MetricsLog::append(const Json::Object& line) {
  out_ << to_json(line) + '\n' << std::flush;
  check<IoError>(out_.good(), "metrics: ", readable(file_.string()), ": cannot be written: is the disk full?");
}

Metric read_metric(const std::filesystem::path& file, const std::string& name) {
  Metric metric;
  std::istringstream lines(core::read_file(file.string()));
  std::string line;
  for (int64_t number = 1; std::getline(lines, line) && !lines.eof(); ++number) {
    const Json entry = parse_json(line, cat(file.string(), ":", number));
    const Json* const value = entry.find(name);
    if (!value || value->is_null()) continue;
    metric.steps.push_back(entry.at("step").as_number());
    metric.values.push_back(value->as_number());
  }
  return metric;
}

const Metric* LoggedRun::find(const std::string& name) const {
  for (const auto& [known, metric] : metrics)
    if (known == name) return &metric;
  return nullptr;
}

LoggedRun read_metrics(const std::filesystem::path& file) {
  LoggedRun run;
  std::map<std::string, size_t> index;  // of a metric
  std::istringstream lines(core::read_file(file.string()));
  std::string line;
  for (int64_t number = 1; std::getline(lines, line) && !lines.eof(); ++number) {
    const auto require = [&](bool ok, const char* what) {
      check<FormatError>(ok, readable(file.string()), ":", number, ": ", quote(line), ": ", what,
                         ": give the file that a run wrote");
    };
    const std::optional<int64_t> step = step_of(line);
    require(step.has_value(), "is not a step with its values");
    require(*step >= run.last_step, "is a step before that of the line above");
    run.last_step = *step;
    const Json entry = parse_json(line);
    for (const auto& [name, value] : entry.as_object()) {
      if (name == sample_key) run.samples.push_back({*step, value.as_string()});
      if (name == "step" || name == sample_key) continue;
      const auto [at, is_new] = index.try_emplace(name, run.metrics.size());
      if (is_new) run.metrics.push_back({name, {}});
      if (value.is_null()) continue;
      Metric& metric = run.metrics[at->second].second;
      metric.steps.push_back(static_cast<double>(*step));
      metric.values.push_back(value.as_number());
    }
  }
  return run;
}

}  // namespace heed::kit
