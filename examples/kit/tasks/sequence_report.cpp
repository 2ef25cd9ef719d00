#include <heed/examples/kit/tasks/sequence_report.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <iterator>

#include <heed/core/text.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/terminal_plot.h>
#include <heed/nn/checkpoint.h>

namespace heed::kit {
namespace {

/// The ids as text for a terminal, separated by blanks unless all are single characters.
std::string spelt(const Ids& ids, const Words& tokens) {
  const bool letters = std::all_of(tokens.begin(), tokens.end(),
                                   [](const std::string& t) { return text_width(t) == 1 || t == "start"; });
  std::string text;
  for (const int64_t id : ids) {
    const std::string& token = tokens[static_cast<size_t>(id)];
    if (token == "start") continue;
    text += (text.empty() || letters ? "" : " ") + token;
  }
  return harmless(text);
}

Ids counted_of(const Ids& target) {
  Ids counted;
  std::copy_if(target.begin(), target.end(), std::back_inserter(counted), [](int64_t id) { return id != ignored; });
  return counted;
}

/// The question: the source, or the input up to where the answer begins.
Ids question_of(const Example& example) {
  if (!example.source.empty()) return example.source;
  const auto first =
      std::find_if(example.target.begin(), example.target.end(), [](int64_t id) { return id != ignored; });
  return {example.input.begin(), example.input.begin() + (first - example.target.begin()) + 1};
}

void print_row(const std::string& label, const std::vector<std::string>& cells) {
  std::cout << "  " << fit(label, 34);
  for (const std::string& cell : cells) std::cout << right(cell, 14);
  std::cout << '\n';
}

std::string as_percent(double share) { return fixed(100 * share, 2) + " %"; }

bool is_cross_attention(const std::string& path) { return path.find("multihead_attn") != std::string::npos; }

Words labels(const Problem& problem, const Ids& ids) {
  Words words;
  for (const int64_t id : ids) words.push_back(problem.tokens[static_cast<size_t>(id)]);
  return words;
}

/// Every attention of a model on the first test example, labelled with its tokens.
std::vector<HeatMap> attention_maps(SequenceModel& model, const Problem& problem) {
  const Example& example = problem.data.test[0];
  std::vector<HeatMap> maps;
  for (const auto& entry : attention_of(model, {example})) {
    const bool encodes = !example.source.empty() && entry.path.find("decoder") == std::string::npos;
    const bool crosses = is_cross_attention(entry.path);
    maps.push_back(attention_map(entry, labels(problem, encodes ? example.source : example.input),
                                 labels(problem, encodes || crosses ? example.source : example.input)));
  }
  return maps;
}

}  // namespace

RunFiles::RunFiles(RunFolder& folder)
    : loss(folder.file("loss.svg", "loss and accuracy, step by step")),
      attention(folder.file("attention.svg", "where each layer looks in the first test example")),
      page(folder.file("attention.html", "the same, every head, as a page to explore in a browser")),
      lengths(folder.file("lengths.svg", "accuracy by length, up to twice the training length")),
      weights(folder.file("model.safetensors", "the weights, for heed or PyTorch")),
      checkpoint(folder.file("checkpoint.safetensors", "full training state, for --resume")),
      metrics(folder.file("metrics.jsonl", "the data of the plot")),
      film(folder.file("film.html", "where each layer looks while it learns, with a slider")) {}

std::string model_keys() {
  return "loss (nats per position), accuracy, exact_match (fraction of test examples entirely right), "
         "greedy and greedy_of (examples right by greedy decoding, and examples decoded), score (the "
         "task's own measure), parameters, us_per_token (of training), train_step and test_step (the "
         "first step at which 99 % of the training or test positions were right)";
}

Json first_step(const std::filesystem::path& metrics, const std::string& metric, double level) {
  const Metric m = read_metric(metrics, metric);
  for (size_t i = 0; i < m.values.size(); ++i)
    if (m.values[i] >= level) return static_cast<int64_t>(m.steps[i]);
  return {};
}

Json::Object print_report(const Report& report) {
  const Problem& problem = report.problem;
  const TaskData& data = problem.data;
  Json::Object models;
  std::vector<std::string> head, loss, accuracy, exact, decoded, score, parameters, time, learnt, solved;
  const auto known = static_cast<size_t>(std::min<int64_t>(100, static_cast<int64_t>(data.test.size())));
  const std::vector<Example> some(data.test.begin(), data.test.begin() + static_cast<int64_t>(known));
  std::vector<Ids> answers;
  for (size_t i = 0; i < report.run.learners.size(); ++i) {
    Learner& learner = report.run.learners[i];
    const Evaluation test = evaluate(*learner.model, data.test);
    const double us = learner.tokens > 0 ? 1e6 * learner.seconds / static_cast<double>(learner.tokens) : NAN;
    Json measured;
    if (problem.score) measured = problem.score(*learner.model);
    Json greedy, greedy_of;
    if (problem.decodes) {
      const std::vector<Ids> said = greedy_answers(*learner.model, some);
      int64_t right_ones = 0;
      for (size_t e = 0; e < known; ++e) right_ones += said[e] == some[e].target;
      greedy = right_ones, greedy_of = known;
      decoded.push_back(std::to_string(right_ones) + " of " + std::to_string(known));
      if (i == 0) answers = said;
    }
    const Json train_step = first_step(report.metrics, metric_name(report.run, i, "train_accuracy"), 0.99);
    const Json test_step = first_step(report.metrics, metric_name(report.run, i, "test_accuracy"), 0.99);
    models.emplace_back(learner.name, Json::Object{{"loss", test.loss},
                                                   {"accuracy", test.accuracy},
                                                   {"exact_match", test.exact},
                                                   {"greedy", greedy},
                                                   {"greedy_of", greedy_of},
                                                   {"score", measured},
                                                   {"parameters", learner.model->num_parameters()},
                                                   {"us_per_token", us},
                                                   {"train_step", train_step},
                                                   {"test_step", test_step}});
    head.push_back(learner.name);
    loss.push_back(fixed(test.loss, 4));
    accuracy.push_back(as_percent(test.accuracy));
    exact.push_back(as_percent(test.exact));
    score.push_back(problem.score ? fixed(measured.as_number(), 4) : "");
    parameters.push_back(std::to_string(learner.model->num_parameters()));
    time.push_back(learner.tokens > 0 ? fixed(us, 2) + " µs" : "none");
    learnt.push_back(train_step.is_null() ? "never" : std::to_string(train_step.as_integer()));
    solved.push_back(test_step.is_null() ? "never" : std::to_string(test_step.as_integer()));
  }
  const Evaluation& blind = report.blind;
  head.push_back("blind"), loss.push_back(fixed(blind.loss, 4));
  accuracy.push_back(as_percent(blind.accuracy)), exact.push_back(as_percent(blind.exact));

  std::cout << '\n';
  print_row("on " + std::to_string(data.test.size()) + " test examples", head);
  print_row("loss, nats per position", loss);
  print_row("positions right", accuracy);
  print_row("examples entirely right", exact);
  if (problem.decodes) print_row("the same by greedy decoding", decoded);
  if (problem.score) print_row(problem.score_name, score);
  print_row("parameters", parameters);
  print_row("training time per token", time);
  if (!data.training.empty()) print_row("first step with 99 %, training", learnt);
  print_row("first step with 99 %, test", solved);
  std::cout << "  (blind: knows how frequent each answer is, but does not look at the input)\n"
            << "\n  published: " << report.published << "\n\n";
  for (size_t e = 0; e < std::min<size_t>(answers.size(), 3); ++e)
    std::cout << "  " << spelt(question_of(some[e]), problem.tokens) << "  ->  "
              << spelt(counted_of(answers[e]), problem.tokens) << (answers[e] == some[e].target ? "" : "   (wrong)")
              << (e == 2 ? "\n\n" : "\n");
  const std::vector<HeatMap> maps = attention_maps(*report.run.learners[0].model, problem);
  if (!maps.empty() && maps.back().title.find("cross-attention") != std::string::npos)
    std::cout << "  where the last layer looks in the first example\n\n"
              << terminal_heat_map(maps.back(), false, picture_width()) << '\n';
  if (problem.writes) {
    const int64_t end = static_cast<int64_t>(problem.tokens.size()) - 1;
    Dice dice(report.seed, 0);
    std::cout << "  it writes:";
    for (const Ids& text : written_by(*report.run.learners[0].model, end, end, problem.trained_length, 10, dice))
      std::cout << ' ' << spelt(text, problem.tokens);
    std::cout << "\n\n";
  }
  return models;
}

Figure attention_figure(SequenceModel& model, const Problem& problem, const std::string& title) {
  Figure figure{
      .title = title,
      .note =
          "Each row is a query and adds up to 1; a dark cell is a key that it looks at, a hatched one it may not "
          "see."};
  for (const HeatMap& map : attention_maps(model, problem)) figure.panels.push_back(map);
  return figure;
}

namespace {

/// The same as a page.
void save_page(const Report& report, const std::filesystem::path& file, const std::string& title) {
  const Example& example = report.problem.data.test[0];
  const auto trace = attention_of(*report.run.learners[0].model, {example});
  if (trace.empty()) return;
  save_attention_page(file, {.title = title + ": which token attends to which",
                             .note = "The first test example. Queries (left, rows) look at keys (right, columns).",
                             .sets = attention_sets(trace, labels(report.problem, example.source),
                                                    labels(report.problem, example.input))});
}

/// The fraction of positions right by sequence length, per model.
Plot accuracy_by_length(const Report& report) {
  const Problem& problem = report.problem;
  Plot plot{.title = "trained on lengths up to " + std::to_string(problem.trained_length),
            .x_label = "length",
            .y_label = "fraction of positions right",
            .y_low = 0.0,
            .y_high = 1.0};
  const int64_t step = std::max<int64_t>(1, problem.trained_length / 10);
  for (const Learner& learner : report.run.learners) {
    Series series{.name = learner.name};
    for (int64_t length = step; length <= 2 * problem.trained_length; length += step) {
      series.x.push_back(static_cast<double>(length));
      series.y.push_back(evaluate(*learner.model, problem.of_length(length)).accuracy);
    }
    plot.series.push_back(series);
  }
  return plot;
}

}  // namespace

void save_pictures(const Report& report, const RunFiles& files, const std::string& title) {
  const Problem& problem = report.problem;
  Plot accuracy{
      .title = "Accuracy", .x_label = "step", .y_label = "fraction of positions right", .y_low = 0.0, .y_high = 1.0};
  std::vector<LossCurve> losses;
  const auto add = [&](size_t i, const std::string& metric, const std::string& name, Mark mark) {
    const Metric m = read_metric(files.metrics, metric_name(report.run, i, metric));
    if (m.steps.empty()) return;
    accuracy.series.push_back({.name = name, .x = m.steps, .y = m.values, .mark = mark, .colour = static_cast<int>(i)});
  };
  for (size_t i = 0; i < report.run.learners.size(); ++i) {
    const std::string& name = report.run.learners[i].name;
    losses.push_back({name, read_metric(files.metrics, metric_name(report.run, i, "loss")),
                      read_metric(files.metrics, metric_name(report.run, i, "test_loss"))});
    add(i, "test_accuracy", name + ", test", Mark::line);
    add(i, "train_accuracy", name + ", training", Mark::dashes);
    add(i, "score", name + ", " + problem.score_name, Mark::dots);
  }
  Plot loss = loss_plot(losses, {{report.blind.loss, "without looking"}});
  loss.y_label = "nats per position";
  save_svg(
      files.loss,
      {.title = title + ": while training",
       .note = "The loss has to fall below \"without looking\" before the model has learnt anything from its input.",
       .panels = {loss, accuracy}});

  const Figure figure = attention_figure(*report.run.learners[0].model, problem, title + ": where each layer looks");
  if (!figure.panels.empty()) save_svg(files.attention, figure);
  save_page(report, files.page, title);
  if (problem.of_length)
    save_svg(files.lengths, {.title = title + ": accuracy by length",
                             .note = "Up to the trained length it should be 1; beyond it the model has to generalise.",
                             .panels = {accuracy_by_length(report)}});
  nn::save(files.weights, report.run.learners[0].model->state_dict());
}

}  // namespace heed::kit
