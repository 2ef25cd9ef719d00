#include <heed/examples/kit/runs/run_page.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include <heed/core/files/file.h>
#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/html.h>
#include <heed/examples/kit/terminal.h>

namespace heed::kit {
namespace {

constexpr size_t most_samples = 12, most_rows = 20;

constexpr const char* run_style = R"css(
.facts{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:.75rem 0;padding:0;list-style:none}
.facts b{display:block;font-size:1.15rem;font-variant-numeric:tabular-nums}
progress{width:100%;max-width:44rem;height:.8rem;accent-color:var(--link)}
summary{cursor:pointer;padding:.2rem 0}
.given{font-weight:600}
#live{display:none}
.scripted #live{display:block}
)css";

// While the run goes on, a reader may have the page loaded again every ten seconds; the address remembers that.
constexpr const char* run_script = R"js(
"use strict";
document.body.classList.add("scripted");
const again = document.querySelector("#again");
if (again) {
  let timer = 0;
  const set = () => {
    clearTimeout(timer);
    history.replaceState(null, "", again.checked ? "#live" : "#");
    if (again.checked) timer = setTimeout(() => location.reload(), 10000);
  };
  again.checked = location.hash === "#live";
  again.addEventListener("change", set);
  if (again.checked) set();
}
)js";

std::string link(const std::string& name) {
  std::string address;  // a name may begin like a scheme or hold what an address gives a meaning to
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (plain) address += c;
    else address += {'%', digits[byte / 16], digits[byte % 16]};
  }
  return "<a href=\"./" + address + "\">" + escaped_xml(name) + "</a>";
}

std::string bytes_text(double bytes) {
  return bytes < 1e9 ? fixed(bytes / 1e6, 0) + " MB" : fixed(bytes / 1e9, 2) + " GB";
}

std::string fact(const std::string& what, const std::string& value) {
  return "<li>" + escaped_xml(what) + "<b>" + escaped_xml(value) + "</b></li>\n";
}

std::string status(const RunContent& c) {
  const std::string of =
      (c.model.empty() ? "" : c.model + ": ") + "step " + grouped(c.step) + " of " + grouped(c.steps);
  return c.state == RunState::running   ? "Running, " + of
         : c.state == RunState::stopped ? "Stopped, " + of
                                        : "Finished, " + of;
}

/// At most `most` of n indices, evenly, the last one among them.
std::vector<size_t> some_of(size_t n, size_t most) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < std::min(n, most); ++i) chosen.push_back((i + 1) * n / std::min(n, most) - 1);
  return chosen;
}

/// The curves as numbers: for a screen reader, and for whoever wants them.
std::string numbers_of(const std::vector<NamedRun>& runs) {
  std::string html;
  for (const NamedRun& run : runs)
    for (const auto& [name, metric] : run.log.metrics) {
      std::vector<std::vector<std::string>> rows;
      for (const size_t i : some_of(metric.values.size(), most_rows))
        rows.push_back({general(metric.steps[i], 15), general(metric.values[i], 6)});
      const std::string caption = (run.name.empty() ? "" : run.name + ": ") + name;
      if (!rows.empty()) html += html_table(caption, {"step", "value"}, rows);
    }
  return html.empty() ? "" : "<details>\n<summary>The curves as numbers</summary>\n" + html + "</details>\n";
}

std::string values_of(const std::vector<NamedRun>& runs) {
  std::vector<std::vector<std::string>> rows;
  for (const NamedRun& run : runs)
    for (const MetricSummary& s : summaries(run.log))
      rows.push_back({(run.name.empty() ? "" : run.name + ": ") + s.metric, general(s.last, 6),
                      std::to_string(s.last_step), general(s.best, 6), std::to_string(s.best_step)});
  return rows.empty() ? "" : html_table("Values", {"metric", "last", "at step", "best", "at step"}, rows);
}

std::string samples_of(const std::vector<NamedRun>& runs) {
  std::string html;
  for (const NamedRun& run : runs) {
    const std::vector<Sample>& samples = run.log.samples;
    std::vector<size_t> shown = some_of(samples.size(), most_samples);
    std::reverse(shown.begin(), shown.end());
    for (const size_t i : shown)
      html += "<h3>" + escaped_xml((run.name.empty() ? "" : run.name + ", ") + "step " + grouped(samples[i].step)) +
              "</h3>\n<pre>" + escaped_xml(samples[i].text) + "</pre>\n";
  }
  return html.empty() ? "" : "<h2>What it writes, newest first</h2>\n" + html;
}

std::string curves_of(const RunContent& c) {
  const std::vector<Panel> panels = metric_plots(c.runs, c.baselines, c.loss_unit);
  if (panels.empty()) return "<p>No step is logged yet.</p>\n";
  return "<h2>Curves</h2>\n<p>A loss should fall below its baselines; where the validation loss rises again, training "
         "longer does harm.</p>\n" +
         html_panels(c.title, panels);
}

}  // namespace

std::string run_html(const RunContent& c) {
  std::string body = "<main>\n<h1>" + escaped_xml(c.title) + "</h1>\n";
  if (!c.about.empty()) body += "<p>" + escaped_xml(c.about) + "</p>\n";
  body += "<p><strong id=\"status\">" + escaped_xml(status(c)) +
          "</strong></p>\n<progress aria-labelledby=\"status\" max=\"" + std::to_string(std::max<int64_t>(c.steps, 1)) +
          "\" value=\"" + std::to_string(c.step) + "\"></progress>\n";
  if (c.state == RunState::running)
    body +=
        "<p id=\"live\"><label><input type=\"checkbox\" id=\"again\"> Load this page again every 10 "
        "seconds</label></p>\n";
  body += "<ul class=\"facts\">\n" + fact("time", clock_time(c.seconds));
  if (c.steps_per_s > 0) body += fact("steps per second", general(c.steps_per_s, 3));
  if (c.state == RunState::running && c.steps_per_s > 0)
    body += fact("time left", clock_time(static_cast<double>(std::max<int64_t>(0, c.steps - c.step)) / c.steps_per_s));
  if (c.memory > 0) body += fact("peak memory", bytes_text(c.memory));
  if (!c.written.empty()) body += fact("this page was written", c.written);
  body += "</ul>\n" + curves_of(c) + values_of(c.runs) + numbers_of(c.runs) + samples_of(c.runs);
  if (!c.commands.empty()) {
    body += "<h2>Commands</h2>\n";
    for (const auto& [what, command] : c.commands)
      body += "<p>" + escaped_xml(what) + "</p>\n<pre>" + escaped_xml(command) + "</pre>\n";
  }
  if (!c.files.empty()) {
    body += "<h2>Files</h2>\n<ul>\n";
    for (const auto& [name, what] : c.files) body += "<li>" + link(name) + ": " + escaped_xml(what) + "</li>\n";
    body += "</ul>\n";
  }
  std::vector<std::vector<std::string>> rows;
  for (const Cli::Setting& s : c.settings) rows.push_back({"--" + s.name, s.value, s.given ? "given" : "default"});
  if (!rows.empty()) body += "<h2>Settings</h2>\n" + html_table("Options of this run", {"option", "value", ""}, rows);
  return html_page(c.title, body + "</main>\n", svg_style() + run_style, run_script);
}

RunPage::RunPage(RunFolder& folder, const Cli& cli, RunPageOptions options)
    : folder_(folder),
      file_(folder.file("index.html", "the run as a page, rewritten as it goes: open it in a browser")),
      cli_(cli),
      options_(std::move(options)),
      start_(Clock::now()),
      first_time_(start_),
      last_save_(start_) {
  Json::Object settings;
  for (const Cli::Setting& s : cli.settings()) settings.emplace_back(s.name, harmless(s.value));
  const Json::Object all = {{"program", cli.program()}, {"settings", settings}};
  core::write_file_atomic(folder.file("settings.json", "the options, for compare_runs").string(), to_json(all) + '\n');
}

void RunPage::watch(const std::string& model, const std::filesystem::path& metrics, int64_t steps) {
  watched_.push_back({model, metrics});
  steps_ = steps;
  first_step_.reset();
}

void RunPage::save(int64_t step, RunState state) {
  step_ = step;
  const auto begin = Clock::now();
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  if (state == RunState::running && begin - last_save_ < 20 * cost_) return;
  RunContent c{
      .title = cli_.program() + ": " + std::filesystem::absolute(folder_.path()).filename().string(),
      .about = cli_.what_it_does(),
      .state = state,
      .model = watched_.size() > 1 || (!watched_.empty() && !watched_[0].model.empty()) ? watched_.back().model : "",
      .step = step,
      .steps = steps_,
      .seconds = seconds(begin - start_),
      .memory = peak_memory(),
      .baselines = options_.baselines,
      .loss_unit = options_.loss_unit,
      .commands = options_.commands,
      .settings = cli_.settings()};
  for (const Watched& w : watched_) {
    if (!std::filesystem::exists(w.metrics)) continue;
    c.runs.push_back({w.model, read_metrics(w.metrics)});
  }
  // The rate is that of this process: an earlier one may have taken the first steps.
  if (!first_step_) first_step_ = step, first_time_ = begin;
  const double taken = static_cast<double>(step - *first_step_), time = seconds(begin - first_time_);
  if (taken > 0 && time > 0) c.steps_per_s = taken / time;
  for (const RunFolder::Made& made : folder_.made())
    if (made.path != file_ && std::filesystem::exists(made.path))
      c.files.emplace_back(made.path.filename().string(), made.what);
  const std::time_t now = std::time(nullptr);
  char text[64];
  std::tm utc{};
#ifdef _WIN32
  gmtime_s(&utc, &now);
#else
  gmtime_r(&now, &utc);
#endif
  if (std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc) > 0) c.written = text;
  core::write_file_atomic(file_.string(), run_html(c));
  last_save_ = Clock::now();
  cost_ = last_save_ - begin;
}

}  // namespace heed::kit
