// Several runs beside each other: their curves in one picture, the settings in which they differ, their values.
//
//     const std::vector<kit::ComparedRun> runs = kit::read_runs({"out/a", "out/b"});
//     std::cout << kit::comparison_text(runs);
//     core::write_file_atomic("comparison.html", kit::comparison_html(runs));
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <heed/examples/kit/runs/metric_plots.h>
#include <heed/examples/kit/runs/run_page.h>

namespace heed::kit {

struct ComparedRun {
  std::string name;  // the path, as it was given
  LoggedRun log;
  NamedTexts settings = {};  // of settings.json; none if there is no such file
};

/// Each path is a run's folder, with metrics.jsonl and settings.json (run_page.h), or a file *.jsonl. Throws UsageError
/// for fewer than two runs, or one that is given twice; IoError, or FormatError for a file that no run wrote; Error for
/// a log without a value, or logs that have no metric in common.
std::vector<ComparedRun> read_runs(const std::vector<std::filesystem::path>& paths);

/// A row for each setting in which runs differ: its name, then its value in each run; "" where it is not there.
/// Where the files are (--out) is no difference.
std::vector<std::vector<std::string>> differing_settings(const std::vector<ComparedRun>& runs);

/// A row for each metric: its name, then "last (best at step n)" in each run.
std::vector<std::vector<std::string>> compared_values(const std::vector<ComparedRun>& runs);

/// Both tables, for a terminal.
std::string comparison_text(const std::vector<ComparedRun>& runs);

/// Curves and both tables, as a page. Same runs, same bytes.
std::string comparison_html(const std::vector<ComparedRun>& runs);

}  // namespace heed::kit
