#include <heed/examples/kit/doctor.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include <heed/core/error.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/plot.h>

namespace heed::kit {

namespace {

// From the first loss up to half as much again: beyond, a rate is too high anyway.
Figure rates_figure(const nn::Report& report) {
  Series losses{.name = cat("loss after ", report.steps, " steps")}, own{.name = "this run", .mark = Mark::dots};
  const double limit = report.loss + 0.5 * std::abs(report.loss);
  for (const nn::RateLoss& rate : report.rates) {
    if (std::isfinite(rate.loss)) {
      losses.x.push_back(rate.lr);
      losses.y.push_back(std::min(rate.loss, limit));
    }
    if (report.lr == rate.lr && std::isfinite(rate.loss)) own.x = {rate.lr}, own.y = {std::min(rate.loss, limit)};
  }
  Plot plot{.x_label = "learning rate", .y_label = "loss"};
  plot.series = {losses, own};
  plot.levels = {{report.loss, "before"}};
  plot.log_x = true;
  return {.title = "The loss after a few steps at each learning rate: lower is better", .panels = {plot}};
}

}  // namespace

Option doctor_option(bool& on) {
  return {"doctor", &on,
          "look for what is wrong with model, data and learning rate, and stop: exit code 0 if healthy, else 1"};
}

int report_examination(const nn::Report& report, const std::filesystem::path& drawing, const std::string& name) {
  std::cout << name << ": " << report;
  if (!report.rates.empty()) save_svg(drawing, rates_figure(report));
  return report.healthy() ? 0 : 1;
}

int end_examination(const Cli& cli, const RunFolder& folder, int code) {
  folder.print();
  cli.print_json_partly({});
  return code;
}

}  // namespace heed::kit
