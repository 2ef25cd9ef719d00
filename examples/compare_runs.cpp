// Compares runs: their curves in one picture, the settings in which they differ, their last and best values.
//
//     char_gpt --lr 1e-3 --out out/a
//     char_gpt --lr 1e-2 --out out/b
//     compare_runs out/a out/b
//
// It reads what each run wrote into its folder: metrics.jsonl and settings.json (kit/runs/). A run that still trains can
// be compared, too.
#include <iostream>
#include <string>
#include <vector>

#include <heed/core/files/file.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/compare.h>

using namespace heed;

namespace {

using Value = decltype(&kit::MetricSummary::last);

/// metric -> a value for each run; null where the run does not have it.
kit::Json::Object values_of(const std::vector<kit::ComparedRun>& runs, Value value) {
  kit::Json::Object by_metric;
  for (const auto& row : kit::compared_values(runs)) {
    kit::Json::List values;
    bool any = false;
    for (const kit::ComparedRun& run : runs) {
      kit::Json found;
      for (const kit::MetricSummary& summary : kit::summaries(run.log))
        if (summary.metric == row[0]) found = summary.*value, any = true;
      values.push_back(found);
    }
    if (any) by_metric.emplace_back(row[0], values);
  }
  return by_metric;
}

int run(int argc, char** argv) {
  // The runs come first, the options after them.
  std::vector<std::filesystem::path> paths;
  std::vector<char*> options = {argv[0]};
  int at = 1;
  while (at < argc && argv[at][0] != '-') paths.emplace_back(argv[at++]);
  options.insert(options.end(), argv + at, argv + argc);

  kit::Common common{.steps_help = {}};
  kit::Cli cli("compare_runs", "Compares the runs in the folders RUN RUN …, which are given before any option.");
  cli.common(common);
  cli.example("compare_runs out/a out/b", "curves, settings that differ, values");
  cli.example("compare_runs out/translate/none.metrics.jsonl out/translate/bahdanau.metrics.jsonl", "single logs");
  cli.json_keys({{"runs", "the runs, as they were given"},
                 {"last", "by metric, the last value of each run"},
                 {"best", "by metric, the best: the smallest loss, the largest accuracy, else the last"},
                 {"settings", "by setting that differs, the value in each run"}});
  if (!cli.parse(static_cast<int>(options.size()), options.data())) return 0;

  const std::vector<kit::ComparedRun> runs = kit::read_runs(paths);
  kit::RunFolder folder(common.out);
  std::cout << kit::comparison_text(runs) << '\n';
  core::write_file_atomic(folder.file("comparison.html", "the curves, overlaid: open it in a browser").string(),
                          kit::comparison_html(runs));
  folder.print();

  kit::Json::List names;
  for (const kit::ComparedRun& compared : runs) names.emplace_back(compared.name);
  kit::Json::Object settings;
  for (const auto& row : kit::differing_settings(runs))
    settings.emplace_back(row[0], kit::Json::List(row.begin() + 1, row.end()));
  cli.print_json({{"runs", names},
                  {"last", values_of(runs, &kit::MetricSummary::last)},
                  {"best", values_of(runs, &kit::MetricSummary::best)},
                  {"settings", settings}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
