#include <heed/examples/kit/runs/metric_plots.h>

#include <algorithm>
#include <set>

namespace heed::kit {
namespace {

bool is_fraction(const std::string& metric) {
  return metric.find("accuracy") != std::string::npos || metric.find("exact") != std::string::npos;
}
bool is_loss(const std::string& metric) { return metric.find("loss") != std::string::npos; }
bool is_training_loss(const std::string& metric) { return metric == "loss" || metric.rfind("loss_", 0) == 0; }

/// The name of a run's curve: of the run if there are several, and of the model or metric if there are several.
std::string joined(const std::string& run, const std::string& rest) {
  return run.empty() || rest.empty() ? run + rest : run + ": " + rest;
}

}  // namespace

std::vector<Panel> metric_plots(const std::vector<NamedRun>& runs, const std::vector<Level>& baselines,
                                const std::string& loss_unit) {
  const bool several = runs.size() > 1;
  std::vector<LossCurve> losses;
  Plot fractions{.title = "Accuracy", .x_label = "step", .y_label = "fraction", .y_low = 0.0, .y_high = 1.0};
  std::vector<std::pair<std::string, Plot>> others;
  for (size_t r = 0; r < runs.size(); ++r) {
    const std::string run = several ? runs[r].name : "";
    for (const auto& [metric, logged] : runs[r].log.metrics) {
      if (is_training_loss(metric)) {
        const std::string model = metric.substr(std::min<size_t>(5, metric.size()));
        LossCurve curve{.name = joined(run, model), .training = logged};
        for (const char* validation : {"val_loss", "test_loss"})
          if (const Metric* m = runs[r].log.find(validation + metric.substr(4))) curve.validation = *m;
        if (curve.name.empty()) curve.name = "loss";  // beside that of another model
        losses.push_back(curve);
      } else if (is_fraction(metric)) {
        fractions.series.push_back({.name = joined(run, metric),
                                    .x = logged.steps,
                                    .y = logged.values,
                                    .mark = metric.find("train") == std::string::npos ? Mark::line : Mark::dashes,
                                    .colour = several ? std::optional<int>(static_cast<int>(r)) : std::nullopt});
      } else if (!is_loss(metric)) {
        const std::string& name = metric;  // a binding cannot be captured (clang 14)
        auto plot = std::find_if(others.begin(), others.end(), [&](const auto& other) { return other.first == name; });
        if (plot == others.end())
          plot = others.insert(others.end(), {metric, {.title = metric, .x_label = "step", .y_label = metric}});
        plot->second.series.push_back(
            {.name = run, .x = logged.steps, .y = logged.values, .colour = static_cast<int>(r)});
      }
    }
  }
  std::vector<Panel> panels;
  if (!losses.empty()) {
    Plot plot = loss_plot(losses, baselines);
    plot.y_label = loss_unit;
    panels.emplace_back(plot);
  }
  if (!fractions.series.empty()) panels.emplace_back(fractions);
  for (const auto& [metric, plot] : others) panels.emplace_back(plot);
  return panels;
}

std::vector<MetricSummary> summaries(const LoggedRun& run) {
  std::vector<MetricSummary> all;
  for (const auto& [metric, logged] : run.metrics) {
    if (logged.values.empty()) continue;
    const auto& v = logged.values;
    auto best = v.end() - 1;
    if (is_fraction(metric)) best = std::max_element(v.begin(), v.end());
    else if (is_loss(metric)) best = std::min_element(v.begin(), v.end());
    all.push_back({.metric = metric,
                   .last = v.back(),
                   .best = *best,
                   .last_step = static_cast<int64_t>(logged.steps.back()),
                   .best_step = static_cast<int64_t>(logged.steps[static_cast<size_t>(best - v.begin())])});
  }
  return all;
}

}  // namespace heed::kit
