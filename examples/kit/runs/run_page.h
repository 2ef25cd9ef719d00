// The page of a run: index.html in its folder, rewritten while it trains, so that it can be watched.
//
//     kit::RunFolder folder(common.out);
//     kit::RunPage page(folder, cli, {.loss_unit = "nats per character"});
//     page.watch("", metrics, steps);                     // the log that the training loop writes
//     …
//     page.save(step);                                    // at each checkpoint
//     …
//     page.save(step, kit::RunState::finished);
//
// It shows how far the run is, its curves with baselines, what the model wrote on the way, values, time and memory,
// links to the other files of the folder, commands to go on, and every setting. One file without a network; whatever
// it shows is escaped; a reader finds the old page or the new one, never half of one.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/metric_plots.h>

namespace heed::kit {

enum class RunState { running, stopped, finished };

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

/// All that the page shows.
struct RunContent {
  std::string title, about = {};
  RunState state = RunState::running;
  std::string model = {};  // the one in training, if there are several
  int64_t step = 0, steps = 0;
  double seconds = 0, steps_per_s = 0, memory = 0;  // memory in bytes; 0: unknown
  std::string written = {};                         // when: "2026-01-31 12:00:00 UTC"
  std::vector<NamedRun> runs = {};
  std::vector<Level> baselines = {};
  std::string loss_unit = "loss";
  NamedTexts files = {};     // name in the folder, what it holds
  NamedTexts commands = {};  // what it is for, the command line
  std::vector<Cli::Setting> settings = {};
};

/// Same content, same bytes.
std::string run_html(const RunContent& content);

struct RunPageOptions {
  std::string loss_unit = "loss";
  std::vector<Level> baselines = {};
  NamedTexts commands = {};
};

class RunPage {
 public:
  /// Also writes settings.json, which compare.h reads: {"program":"char_gpt","settings":{"lr":"0.001"}}.
  RunPage(RunFolder& folder, const Cli& cli, RunPageOptions options = {});

  /// The log of a model that will be trained up to `steps`. May be called again for the next model.
  void watch(const std::string& model, const std::filesystem::path& metrics, int64_t steps);

  void baseline(double loss, const std::string& label) { options_.baselines.push_back({loss, label}); }

  /// Rewrites the page. While the run goes on this may take a twentieth of its time: a call that comes sooner does
  /// nothing.
  void save(int64_t step, RunState state = RunState::running);

  /// The end of the whole run, after its last save(): all files are there now, and are listed.
  void finish() { save(step_, RunState::finished); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Watched {
    std::string model;
    std::filesystem::path metrics;
  };

  RunFolder& folder_;
  std::filesystem::path file_;
  const Cli& cli_;
  RunPageOptions options_;
  std::vector<Watched> watched_;
  int64_t step_ = 0, steps_ = 0;
  std::optional<int64_t> first_step_;  // at the first save of this model
  Clock::time_point start_, first_time_, last_save_;
  Clock::duration cost_{0};  // of the last save
};

}  // namespace heed::kit
