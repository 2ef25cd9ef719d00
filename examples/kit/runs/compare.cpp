#include <heed/examples/kit/runs/compare.h>

#include <algorithm>

#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/json.h>
#include <heed/examples/kit/pictures/html.h>

namespace heed::kit {
namespace {

namespace fs = std::filesystem;
using Rows = std::vector<std::vector<std::string>>;

/// The log of a folder. A run of several models has one for each: the reader must choose.
fs::path log_of(const fs::path& path) {
  if (!fs::is_directory(path)) return path;
  const fs::path file = path / "metrics.jsonl";
  if (fs::exists(file)) return file;
  std::vector<std::string> others;
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.path().extension() == ".jsonl") others.push_back(readable(entry.path().string()));
  std::sort(others.begin(), others.end());
  std::string list;
  for (const std::string& other : others) list += (list.empty() ? "" : ", ") + other;
  fail<IoError>("compare: ", quote(path.string()), ": holds no metrics.jsonl: give ",
                list.empty() ? "the folder of a run that writes one" : "one of its logs: " + list);
}

NamedTexts settings_beside(const fs::path& log) {
  const fs::path file = log.parent_path() / "settings.json";
  NamedTexts settings;
  if (!fs::exists(file)) return settings;
  const Json json = parse_json(core::read_file(file.string()), file.string());
  settings.emplace_back("program", json.at("program").as_string());
  for (const auto& [name, value] : json.at("settings").as_object()) settings.emplace_back(name, value.as_string());
  return settings;
}

const std::string* value_of(const ComparedRun& run, const std::string& setting) {
  for (const auto& [name, value] : run.settings)
    if (name == setting) return &value;
  return nullptr;
}

/// Names in order of first appearance over all runs.
template <class List, class Name>
std::vector<std::string> all_names(const std::vector<ComparedRun>& runs, List list, Name name) {
  std::vector<std::string> names;
  for (const ComparedRun& run : runs)
    for (const auto& item : list(run))
      if (std::find(names.begin(), names.end(), name(item)) == names.end()) names.push_back(name(item));
  return names;
}

std::vector<std::string> heading(const std::vector<ComparedRun>& runs, const std::string& first) {
  std::vector<std::string> cells = {first};
  for (const ComparedRun& run : runs) cells.push_back(run.name);
  return cells;
}

std::string table_text(const std::vector<std::string>& head, const Rows& rows) {
  std::vector<int> widths(head.size(), 0);
  const auto measure = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(harmless(row[i])));
  };
  measure(head);
  for (const auto& row : rows) measure(row);
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text = " ";
    for (size_t i = 0; i < row.size(); ++i) text += ' ' + fit(harmless(row[i]), widths[i]) + ' ';
    text.erase(text.find_last_not_of(' ') + 1);
    return text + '\n';
  };
  std::string text = line(head);
  for (const auto& row : rows) text += line(row);
  return text;
}

}  // namespace

std::vector<ComparedRun> read_runs(const std::vector<fs::path>& paths) {
  check<UsageError>(paths.size() >= 2, "compare: ", paths.size(), paths.size() == 1 ? " run" : " runs",
                    ": there is nothing to compare: give the folders of two or more");
  std::vector<ComparedRun> runs;
  std::vector<fs::path> logs;
  for (const fs::path& path : paths) {
    check<IoError>(fs::exists(path), "compare: ", quote(path.string()), ": is not there: give a run's folder");
    const fs::path log = log_of(path);
    for (size_t i = 0; i < logs.size(); ++i)
      check<UsageError>(!fs::equivalent(logs[i], log), "compare: ", quote(path.string()), ": is the same run as ",
                        quote(paths[i].string()), ": give each run once");
    logs.push_back(log);
    runs.push_back({readable(path.string()), read_metrics(log), settings_beside(log)});
    check(!summaries(runs.back().log).empty(), "compare: ", quote(log.string()),
          ": holds no value yet: compare it once its run has taken a step");
  }
  const auto& first = runs.front().log.metrics;
  const bool common = std::any_of(first.begin(), first.end(), [&](const auto& metric) {
    return std::all_of(runs.begin(), runs.end(), [&](const ComparedRun& run) { return run.log.find(metric.first); });
  });
  check(common, "compare: ", quote(runs.front().name),
        " and the others: have no metric in common: give runs that log the "
        "same values");
  return runs;
}

Rows differing_settings(const std::vector<ComparedRun>& runs) {
  Rows rows;
  const auto names = all_names(
      runs, [](const ComparedRun& run) -> const NamedTexts& { return run.settings; },
      [](const auto& setting) { return setting.first; });
  for (const std::string& name : names) {
    if (name == "out") continue;
    std::vector<std::string> row = {name};
    bool differ = false;
    for (const ComparedRun& run : runs) {
      const std::string* const value = value_of(run, name);
      const std::string* const of_first = value_of(runs.front(), name);
      differ = differ || (value == nullptr) != (of_first == nullptr) || (value && *value != *of_first);
      row.push_back(value ? *value : "");
    }
    if (differ) rows.push_back(row);
  }
  return rows;
}

Rows compared_values(const std::vector<ComparedRun>& runs) {
  Rows rows;
  std::vector<std::vector<MetricSummary>> all;
  for (const ComparedRun& run : runs) all.push_back(summaries(run.log));
  const auto names = all_names(
      runs, [](const ComparedRun& run) { return summaries(run.log); },
      [](const MetricSummary& summary) { return summary.metric; });
  for (const std::string& name : names) {
    std::vector<std::string> row = {name};
    for (const auto& of_run : all) {
      const auto found = std::find_if(of_run.begin(), of_run.end(), [&](const auto& s) { return s.metric == name; });
      std::string cell;
      if (found != of_run.end()) {
        cell = general(found->last, 6);
        if (found->best != found->last)
          cell += " (best " + general(found->best, 6) + " at " + std::to_string(found->best_step) + ')';
      }
      row.push_back(cell);
    }
    rows.push_back(row);
  }
  std::vector<std::string> steps = {"last step"};
  for (const ComparedRun& run : runs) steps.push_back(std::to_string(run.log.last_step));
  rows.push_back(steps);
  return rows;
}

std::string comparison_text(const std::vector<ComparedRun>& runs) {
  const Rows settings = differing_settings(runs);
  return table_text(heading(runs, "last values"), compared_values(runs)) + '\n' +
         (settings.empty() ? "  no setting differs\n" : table_text(heading(runs, "settings"), settings));
}

std::string comparison_html(const std::vector<ComparedRun>& runs) {
  std::vector<NamedRun> named;
  for (const ComparedRun& run : runs) named.push_back({run.name, run.log});
  const Rows settings = differing_settings(runs);
  return html_page("Runs compared",
                   "<main>\n<h1>Runs compared</h1>\n<p>One colour per run. Compare losses only between runs on "
                   "the same text and in the same unit.</p>\n" +
                       html_panels("Runs compared", metric_plots(named)) +
                       html_table("Last values", heading(runs, "metric"), compared_values(runs)) +
                       (settings.empty() ? "<p>No setting differs.</p>\n"
                                         : html_table("Settings that differ", heading(runs, "setting"), settings)) +
                       "</main>\n",
                   svg_style());
}

}  // namespace heed::kit
