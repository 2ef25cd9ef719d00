// The page of a run, runs compared, films, and pictures of many values: what they show is what they were given.
#include "support/catch.h"

#include <cmath>
#include <set>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/models/insides.h>
#include <heed/examples/kit/pictures/film.h>
#include <heed/examples/kit/pictures/html.h>
#include <heed/examples/kit/pictures/statistics.h>
#include <heed/examples/kit/runs/compare.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/nn/layers/linear.h>
#include "support/errors.h"
#include "support/run_program.h"
#include "support/temp_dir.h"

using namespace heed;
using heed::test::contains;
using heed::test::message_of;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t i = text.find(part); i != std::string::npos; i = text.find(part, i + 1)) ++n;
  return n;
}

/// No address but those of files beside the page, no id twice, and the policy that forbids all loading.
void check_page(const std::string& html) {
  CHECK(html.rfind("<!DOCTYPE html>\n<html lang=\"en\">", 0) == 0);
  CHECK(html.ends_with("</html>\n"));
  CHECK(count(html, "default-src 'none'") == 1);
  for (const char* load : {"src=\"", "href=\"http", "url(http", "@import"}) CHECK_FALSE(contains(html, load));
  std::set<std::string> ids;
  for (size_t at = html.find(" id=\""); at != std::string::npos; at = html.find(" id=\"", at + 1)) {
    const std::string id = html.substr(at + 5, html.find('"', at + 5) - at - 5);
    CAPTURE(id);
    CHECK(ids.insert(id).second);
  }
}

kit::LoggedRun logged() {
  return {.metrics = {{"loss", {{1, 2, 3}, {3.0, 2.0, 1.5}}},
                      {"val_loss", {{2, 3}, {2.25, 2.5}}},
                      {"test_accuracy", {{3}, {0.75}}},
                      {"lr", {{1, 2, 3}, {0.1, 0.1, 0.05}}}},
          .samples = {{2, "first <b>"}, {3, "then & so"}},
          .last_step = 3};
}

kit::RunContent content() {
  return {.title = "char_gpt: <run>",
          .about = "Trains & writes.",
          .state = kit::RunState::running,
          .step = 3,
          .steps = 1200,
          .seconds = 65,
          .steps_per_s = 2.5,
          .memory = 3e8,
          .written = "2026-01-31 12:00:00 UTC",
          .runs = {{"", logged()}},
          .baselines = {{2.4, "counting pairs"}},
          .loss_unit = "nats per character",
          .files = {{"a \"b\".svg", "a picture"}},
          .commands = {{"Go on", "bin/x --resume='</pre>'"}},
          .settings = {{"lr", "0.001", true}, {"text", "<none>", false}}};
}

void write_run(const std::string& folder, const std::string& metrics, const std::string& settings) {
  std::filesystem::create_directories(folder);
  core::write_file_atomic(folder + "/metrics.jsonl", metrics);
  if (!settings.empty()) core::write_file_atomic(folder + "/settings.json", settings);
}

std::string message_of_reading(const std::vector<std::filesystem::path>& paths) {
  return message_of<Error>([&] { kit::read_runs(paths); });
}

}  // namespace

TEST_CASE("kit run page: shows state, curves, values, samples, commands, files and settings, all escaped") {
  const std::string html = kit::run_html(content());
  check_page(html);
  CHECK(html == kit::run_html(content()));
  for (const char* part :
       {"<h1>char_gpt: &lt;run&gt;</h1>", "Running, step 3 of 1,200", "max=\"1200\" value=\"3\"", "01:05", "300 MB",
        "time left<b>07:59</b>", "counting pairs", "nats per character", "first &lt;b&gt;", "then &amp; so",
        "<a href=\"./a%20%22b%22.svg\">a &quot;b&quot;.svg</a>: a picture", "--resume=&#39;&lt;/pre&gt;&#39;",
        "<th scope=\"row\">--lr</th><td>0.001</td><td>given</td>", "<td>&lt;none&gt;</td><td>default</td>",
        // last value and step, best value and step
        "<th scope=\"row\">loss</th><td>1.5</td><td>3</td><td>1.5</td><td>3</td>",
        "<th scope=\"row\">val_loss</th><td>2.5</td><td>3</td><td>2.25</td><td>2</td>",
        "<th scope=\"row\">1</th><td>3</td>"}) {
    CAPTURE(part);
    CHECK(contains(html, part));
  }
  CHECK(html.find("then &amp; so") < html.find("first &lt;b&gt;"));  // newest first
  CHECK(count(html, "<svg ") == 3);                                  // losses, accuracy, lr
  kit::RunContent done = content();
  done.state = kit::RunState::finished;
  CHECK(contains(kit::run_html(done), "Finished, step 3"));
  CHECK_FALSE(contains(kit::run_html(done), "time left"));
  CHECK(contains(kit::run_html({.title = "empty"}), "No step is logged yet."));
  check_page(kit::run_html({.title = "empty"}));
}

TEST_CASE("kit run page: is rewritten whole, lists the folder's files, and keeps the settings for a comparison") {
  const TempDir dir;
  kit::Common common{.out = dir.path() / "run", .steps = 10};
  double lr = 0.5;
  kit::Cli cli("demo", "Shows a page.");
  cli.group("Training", {{"lr", &lr, "rate"}});
  cli.common(common);
  std::string words[] = {"demo", "--lr=0.25"};
  char* argv[] = {words[0].data(), words[1].data()};
  REQUIRE(cli.parse(2, argv));
  kit::RunFolder folder(common.out);
  kit::RunPage page(folder, cli, {.loss_unit = "nats"});
  const std::string metrics = folder.file("metrics.jsonl", "the data").string();
  page.watch("", metrics, 10);
  kit::MetricsLog log(metrics);
  log.write(1, {{"loss", 2.5}});
  page.save(1, kit::RunState::stopped);
  const std::string first = core::read_file(dir / "run/index.html");
  CHECK(contains(first, "Stopped, step 1 of 10"));
  CHECK(contains(first, "<a href=\"./metrics.jsonl\">metrics.jsonl</a>: the data"));
  CHECK(contains(first, "<th scope=\"row\">--lr</th><td>0.25</td><td>given</td>"));
  log.write(10, {{"loss", 1.25}});
  log.write_sample(10, "it wrote <this>");
  page.save(10, kit::RunState::finished);
  const std::string second = core::read_file(dir / "run/index.html");
  check_page(second);
  CHECK(contains(second, "Finished, step 10 of 10"));
  CHECK(contains(second, "it wrote &lt;this&gt;"));
  CHECK(contains(second, "<td>1.25</td><td>10</td>"));
  CHECK(core::read_file(dir / "run/settings.json") ==
        "{\"program\":\"demo\",\"settings\":{\"lr\":\"0.25\",\"steps\":\"10\",\"seed\":\"0\",\"threads\":\"all "
        "processors\",\"out\":"
        "\"" +
            common.out.string() + "\",\"quiet\":\"false\",\"json\":\"false\",\"summary\":\"false\"}}\n");
}

TEST_CASE("kit metrics log: a whole log is read strictly, samples among it") {
  const TempDir dir;
  const std::string file = dir / "m.jsonl";
  {
    kit::MetricsLog log(file);
    log.write(1, {{"loss", 2}, {"lr", 0.5}});
    log.write(2, {{"loss", NAN}});
    log.write_sample(2, "é\n");
    log.write(2, {{"val_loss", 1.5}});
  }
  core::write_file_atomic(file, core::read_file(file) + "{\"step\":3,\"lo");  // is being written
  const kit::LoggedRun run = kit::read_metrics(file);
  CHECK(run.last_step == 2);
  REQUIRE(run.metrics.size() == 3);
  CHECK(run.metrics[0].first == "loss");
  CHECK(run.find("loss")->values == std::vector<double>{2});
  CHECK(run.find("val_loss")->steps == std::vector<double>{2});
  CHECK(run.find("other") == nullptr);
  REQUIRE(run.samples.size() == 1);
  CHECK(run.samples[0].text == "é\n");
  { kit::MetricsLog resumed(file, 2); }  // a sample is a line that a resumed run keeps
  CHECK(kit::read_metrics(file).samples.size() == 1);
  for (const char* line : {"{\"step\":1}\nhello\n", "{\"step\":2}\n{\"step\":1}\n", "{\"step\":1,\"loss\":\"2\"}\n",
                           "{\"step\":1,\"sample\":2}\n", "{\"loss\":1}\n", "{\"step\":1,\"loss\":1,\"loss\":2}\n"}) {
    CAPTURE(line);
    core::write_file_atomic(file, line);
    CHECK_THROWS_AS(kit::read_metrics(file), FormatError);
  }
  core::write_file_atomic(file, "{\"step\":2}\n{\"step\":1}\n");
  CHECK(message_of<FormatError>([&] { kit::read_metrics(file); }) ==
        file + ":2: \"{\\\"step\\\":1}\": is a step before that of the line above: give the file that a run wrote");
}

TEST_CASE("kit compare: curves, settings that differ, last and best values") {
  const TempDir dir;
  write_run(dir / "a",
            "{\"step\":1,\"loss\":3.0}\n{\"step\":2,\"loss\":1.0,\"val_loss\":2.0}\n{\"step\":3,\"loss\":1.5}\n",
            "{\"program\":\"x\",\"settings\":{\"lr\":\"0.1\",\"out\":\"a\",\"seed\":\"1\"}}");
  write_run(dir / "b", "{\"step\":1,\"loss\":4.0}\n",
            "{\"program\":\"x\",\"settings\":{\"lr\":\"0.2\",\"out\":\"b\",\"seed\":\"1\",\"clip\":\"1\"}}");
  const auto runs = kit::read_runs({dir / "a", dir / "b/metrics.jsonl"});
  using Rows = std::vector<std::vector<std::string>>;
  CHECK(kit::differing_settings(runs) == Rows{{"lr", "0.1", "0.2"}, {"clip", "", "1"}});
  CHECK(kit::compared_values(runs) ==
        Rows{{"loss", "1.5 (best 1 at 2)", "4"}, {"val_loss", "2", ""}, {"last step", "3", "1"}});
  const std::string html = kit::comparison_html(runs);
  check_page(html);
  CHECK(contains(html, "<th scope=\"row\">lr</th><td>0.1</td><td>0.2</td>"));
  CHECK(html == kit::comparison_html(runs));
  const std::string text = kit::comparison_text(runs);
  CHECK(contains(text, "1.5 (best 1 at 2)"));
  CHECK(contains(text, "clip"));

  const TempDir out;
  const Ran ran =
      run_program("compare_runs '" + dir / "a" + "' '" + dir / "b" + "' --json --out '" + out.path().string() + "'");
  CAPTURE(ran.err);
  REQUIRE(ran.exit_code == 0);
  CHECK(kit::to_json(ran.json().at("best")) == "{\"loss\":[1.0,4.0],\"val_loss\":[2.0,null]}");
  CHECK(kit::to_json(ran.json().at("settings")) == "{\"lr\":[\"0.1\",\"0.2\"],\"clip\":[\"\",\"1\"]}");
  CHECK(std::filesystem::exists(out / "comparison.html"));
}

TEST_CASE("kit compare: what cannot be compared is refused") {
  const TempDir dir;
  write_run(dir / "a", "{\"step\":1,\"loss\":3.0}\n", "");
  write_run(dir / "empty", "", "");
  write_run(dir / "other", "{\"step\":1,\"score\":3.0}\n", "");
  write_run(dir / "torn", "{\"step\":1,\"loss\":3.0}\n", "{\"program\":\"x\"}");
  std::filesystem::create_directories(dir / "models");
  core::write_file_atomic(dir / "models/gru.metrics.jsonl", "{\"step\":1,\"loss\":3.0}\n");
  CHECK(message_of_reading({dir / "a"}) ==
        "compare: 1 run: there is nothing to compare: give the folders of two or more");
  CHECK(message_of_reading({dir / "a", dir / "a/metrics.jsonl"}) ==
        "compare: \"" + dir / "a/metrics.jsonl" + "\": is the same run as \"" + dir / "a" + "\": give each run once");
  CHECK(message_of_reading({dir / "a", dir / "none"}) ==
        "compare: \"" + dir / "none" + "\": is not there: give a run's folder");
  CHECK(message_of_reading({dir / "a", dir / "models"}) ==
        "compare: \"" + dir / "models" +
            "\": holds no metrics.jsonl: give one of its logs: " + dir / "models/gru.metrics.jsonl");
  CHECK(message_of_reading({dir / "empty", dir / "a"}) ==
        "compare: \"" + dir / "empty/metrics.jsonl" +
            "\": holds no value yet: compare it once its run has taken a step");
  CHECK(message_of_reading({dir / "a", dir / "other"}) == "compare: \"" + dir / "a" +
                                                              "\" and the others: have no metric in common: give runs "
                                                              "that log the same values");
  CHECK(contains(message_of_reading({dir / "a", dir / "torn"}), "there is no such key"));
  const Ran alone = run_program("compare_runs '" + dir / "a" + "' --out '" + dir / "o" + "'");
  CHECK(alone.exit_code == 2);
  CHECK(alone.err == "compare_runs: compare: 1 run: there is nothing to compare: give the folders of two or more\n");
}

TEST_CASE("kit film: every frame is there, one after the other, with ids of its own") {
  kit::Film film{.title = "a <film>", .note = "See & learn."};
  for (const int64_t step : {0, 1, 4})
    film.frames.push_back({step,
                           "loss <" + std::to_string(step) + ">",
                           {.title = "t", .panels = {kit::HeatMap{.rows = 1, .columns = 2, .values = {NAN, 1}}}}});
  const std::string html = kit::film_html(film);
  check_page(html);
  CHECK(html == kit::film_html(film));
  CHECK(count(html, "<svg ") == 3);
  CHECK(count(html, "<figure id=\"at-") == 3);
  CHECK(contains(html, "<figcaption>step 4: loss &lt;4&gt;</figcaption>"));
  CHECK(contains(html, "min=\"0\" max=\"2\" value=\"2\""));
  for (const char* id : {"url(#f0-hatch)", "url(#f1-hatch)", "url(#f2-hatch)"}) CHECK(count(html, id) == 1);
  CHECK(message_of<ShapeError>([] { kit::film_html({.title = "x"}); }) ==
        "film: 'x': has no frames: give at least one");
  const std::vector<int64_t> steps = kit::film_steps(100);
  CHECK(steps.front() == 0);
  CHECK(steps.back() == 100);
  CHECK(steps.size() > 30);
  CHECK(std::set<int64_t>(steps.begin(), steps.end()).size() == steps.size());
  CHECK(kit::film_steps(3) == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(kit::film_steps(0) == std::vector<int64_t>{0});
}

TEST_CASE("kit insides: matrices by block, their gradients, and attention by distance") {
  struct Two : nn::Module {
    nn::Linear first{2, 2};
    std::vector<nn::Linear> h;
    Two() { h.emplace_back(2, 2), h.emplace_back(2, 2); }
    void visit(nn::Visitor& v) override { v("first", first), v("h", h); }
  } model;
  sum(model.h[0].weight * 10.0).backward();  // the gradient is 10 everywhere: log₁₀ is 1
  const kit::AttentionSet heads{
      .queries = {"a", "b"}, .keys = {"a", "b"}, .layers = {{{1, 0, 0.5, 0.5}, {1, 0, 0.25, 0.75}}}};
  const kit::Figure figure = kit::insides_figure("t", model, heads);
  REQUIRE(figure.panels.size() == 3);
  const auto& weights = std::get<kit::Plot>(figure.panels[0]);
  REQUIRE(weights.series.size() == 3);
  CHECK(weights.series[0].name == "first");
  CHECK(weights.series[2].name == "h.1");
  const auto& gradients = std::get<kit::Plot>(figure.panels[1]);
  REQUIRE(gradients.series.size() == 1);
  CHECK(gradients.series[0].name == "h.0");
  CHECK(gradients.series[0].x.front() == 0.5);
  CHECK(gradients.series[0].x.back() == 1.5);
  const auto& distances = std::get<kit::Plot>(figure.panels[2]);
  CHECK(distances.series[0].y == std::vector<double>{(1 + 0.625) / 2, 0.375});
  CHECK(kit::insides_figure("t", nn::Linear(2, 2), {}).panels.size() == 1);
}

TEST_CASE("kit statistics: a histogram counts every value once, distances are means over queries") {
  const kit::Plot plot = kit::histogram_plot("h", {{"a", {0, 0.1, 1, NAN}}, {"none", {INFINITY}}, {"b", {0.5}}}, 2);
  REQUIRE(plot.series.size() == 2);
  CHECK(plot.series[0].x == std::vector<double>{0, 0.5, 0.5, 1});
  CHECK(plot.series[0].y == std::vector<double>{2.0 / 3, 2.0 / 3, 1.0 / 3, 1.0 / 3});
  CHECK(plot.series[1].y == std::vector<double>{0, 0, 1, 1});
  CHECK(kit::histogram_plot("h", {{"equal", {2, 2}}}, 4).series[0].y == std::vector<double>{0, 0, 0, 0, 1, 1, 0, 0});
  CHECK(kit::histogram_plot("h", {}).series.empty());

  const kit::Plot far = kit::distance_plot("d", {{"head", 2, 3, {0.5, 0.3, 0.2, 0.1, 0.2, 0.7}}});
  CHECK(far.series[0].x == std::vector<double>{0, 1, 2});
  CHECK(far.series[0].y == std::vector<double>{(0.3 + 0.7) / 2, (0.5 + 0.2) / 2, 0.1});
  CHECK(message_of<ShapeError>([] { kit::distance_plot("d", {{"head", 2, 3, {1}}}); }) ==
        "distance plot: 'head' of 2 queries and 3 keys has 1 weights: give queries x keys of them, row by row");
}
