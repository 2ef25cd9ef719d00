// Pictures and tables of logs (metrics_log.h), for one run or several.
//
// What a metric is, its name says: "loss" is a training loss, "val_loss" or "test_loss" its validation; what contains
// "accuracy" or "exact" is a fraction; all else is a quantity of its own. "loss_gru" is the loss of a second model.
#pragma once

#include <string>
#include <vector>

#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

struct NamedRun {
  std::string name;  // in the legend, if there are several runs
  LoggedRun log;
};

/// One plot of losses (loss_plot in pictures/plot.h), one of fractions with the axis 0 … 1, one for each other metric.
std::vector<Panel> metric_plots(const std::vector<NamedRun>& runs, const std::vector<Level>& baselines = {},
                                const std::string& loss_unit = "loss");

/// Of one metric in one run: its last value, and its best: the smallest of a loss, the largest of a fraction, the last
/// of anything else.
struct MetricSummary {
  std::string metric;
  double last = 0, best = 0;
  int64_t last_step = 0, best_step = 0;
};
/// Metrics without a value are left out.
std::vector<MetricSummary> summaries(const LoggedRun& run);

}  // namespace heed::kit
