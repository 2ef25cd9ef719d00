// Synthetic tasks that show whether a model works: sort, reverse, add, remember, close brackets.
//
//     tasks sort            tasks recall --no-compare            tasks modular --help
//
// Each task is one function in kit/tasks/tasks_*.cpp: a published result, a recipe, the rule that makes
// its examples (kit/tasks/task_generators.h), its models. One loop trains all of them
// (kit/tasks/sequence_run.h).
//
// A loss alone says little. Beside it stands the loss of guessing without looking at the input, and with
// --compare that of a control of equal size: a GRU, an LSTM, or a model with one layer less.
#include <algorithm>
#include <iostream>

#include <heed/core/random.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/doctor.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/pictures/film.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/examples/kit/tasks/sequence_measures.h>
#include <heed/examples/kit/tasks/sequence_report.h>
#include <heed/examples/kit/tasks/sequence_run.h>
#include <heed/examples/kit/tasks/task_list.h>

using namespace heed;
using heed::kit::Task;
using heed::kit::TaskSettings;
namespace fs = std::filesystem;

namespace {

/// The task that the command line names; its settings are then the defaults. Without one, the first task.
const Task& named_task(const std::vector<std::string>& arguments) {
  for (size_t i = arguments.size() - 1; i > 0; --i)  // the last one given wins
    for (const Task& task : kit::all_tasks())
      if (arguments[i] == "--task=" + task.name || (arguments[i - 1] == "--task" && arguments[i] == task.name))
        return task;
  return kit::all_tasks()[0];
}

bool parse(kit::Cli& cli, std::string& name, TaskSettings& s, bool& doctor, const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const Task& task : kit::all_tasks()) names.push_back(task.name);
  kit::Recipe& r = s.recipe;
  cli.group("Task",
            {{"task",
              &name,
              "the task (may also be given as first argument); the defaults below are this task's",
              {.choices = names, .value = "NAME"}},
             {"length", &s.length, "sequence length (addition: digits per number)", {.min = 0, .max = 1e4}},
             {"symbols",
              &s.symbols,
              "size of the alphabet (modular: the modulus; dyck: kinds of brackets)",
              {.min = 0, .max = 1e5}},
             {"pairs", &s.pairs, "key-value pairs to recall", {.min = 1, .max = 1e4}},
             {"depth", &s.depth, "deepest nesting of brackets", {.min = 1}},
             {"train-size", &s.train_size, "training examples; 0: new ones at every step", {.min = 0, .max = 1e7}},
             {"test-size", &s.test_size, "test examples; none of them is trained on", {.min = 1, .max = 1e6}},
             {"text", &s.text, "names to learn, one per line", {.value = "FILE"}},
             {"resume", &s.resume, "resume from this checkpoint"}});
  cli.group("Model", {{"layers", &s.layers, "Transformer blocks", {.min = 1, .max = 1000}},
                      {"heads", &s.heads, "attention heads per block", {.min = 1, .max = 1e5}},
                      {"width", &s.width, "width of the model", {.min = 1, .max = 1e5}},
                      {"dropout", &s.dropout, "dropout probability", {.min = 0, .max = 1}},
                      {"compare", &s.compare, "train a control of equal size as well"}});
  cli.group("Training",
            {{"batch", &r.batch, "examples per step", {.min = 1, .max = 1e6}},
             {"lr", &r.lr, "peak learning rate", {.above = 0, .max = 1000}},
             {"schedule", &r.schedule, "learning-rate schedule", {.choices = {"constant", "linear", "cosine", "noam"}}},
             {"warmup", &r.warmup, "steps up to the peak learning rate", {.min = 0, .max = 1e9}},
             {"weight-decay", &r.weight_decay, "weight decay of matrices", {.min = 0, .max = 1000}},
             {"clip", &r.clip, "clip the gradient to this norm; 0: no clipping", {.min = 0, .max = 1e30}},
             {"goal", &s.goal, "stop at this test accuracy; 0: take all steps", {.min = 0, .max = 1}},
             {"eval-every", &s.eval_every, "steps between tests", {.min = 1}},
             {"save-every", &s.save_every, "steps between checkpoints", {.min = 1}},
             kit::doctor_option(doctor)});
  cli.common(s.common);
  for (const Task& task : kit::all_tasks()) cli.example("tasks " + task.name, task.about);
  cli.example("tasks recall --help", "the defaults of a task");
  cli.json_keys({{"task", "name of the task"},
                 {"published", "the published result, as text"},
                 {"steps", "training steps taken"},
                 {"seconds", "training time of all models together"},
                 {"blind_loss", "nats per position without looking at the input"},
                 {"blind_accuracy", "fraction of positions right without looking at the input"},
                 {"models", "one object per model: " + kit::model_keys()}});
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  return cli.parse(static_cast<int>(argv.size()), argv.data());
}

/// What must be equal for a resumed run to be the same run. (--steps may be larger: the run is continued.)
kit::Traits traits_of(const kit::Cli& cli, const std::string& task, const kit::Problem& problem) {
  std::string test;
  for (const kit::Example& example : problem.data.test) test += kit::example_key(example);
  kit::Traits traits = kit::option_traits(
      cli, {"task", "seed", "length", "symbols", "pairs", "depth", "train-size", "test-size", "layers", "heads",
            "width", "dropout", "compare", "batch", "schedule", "warmup", "lr", "weight-decay", "clip"});
  traits.push_back(
      {"test_hash", std::to_string(kit::text_hash(test)), task == "names" ? "text" : "set of examples", true});
  return traits;
}

/// What can be checked before examples and models are made.
void check_settings(const kit::Cli& cli, const Task& task, const TaskSettings& s) {
  cli.refuse_unused({{task.name != "names", {"text"}, "is for the task names, this is " + task.name + ": leave it out"},
                     {true, task.ignores, "without effect in the task " + task.name + ": leave out"}});
  check<kit::UsageError>(s.width % s.heads == 0, "--heads ", s.heads, ": every head gets an equal part of --width ",
                         s.width, ": give a divisor of it");
  kit::check_memory(
      kit::transformer_parameters(s.layers, s.width) + static_cast<double>(s.width) * static_cast<double>(s.symbols),
      kit::transformer_values(s.layers, s.width, s.length));
}

int run(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  if (argc > 1 && arguments[1].rfind("-", 0) != 0) arguments[1] = "--task=" + arguments[1];
  const Task& task = named_task(arguments);
  std::string name = task.name;
  TaskSettings s = task.defaults;
  s.common = {.seed = 1, .out = fs::path("out") / "tasks" / name, .steps = s.recipe.steps};
  kit::Cli cli("tasks", "Trains a small model on a synthetic task and compares it with a published result.");
  bool doctor = false;
  if (!parse(cli, name, s, doctor, arguments)) return 0;
  s.recipe.steps = s.common.steps;
  s.recipe.width = s.width;
  check_settings(cli, task, s);
  manual_seed(s.seed());
  kit::watch_interrupts();

  kit::RunFolder out(s.common.out);
  const kit::RunFiles files(out);
  kit::SequenceRun run;
  const kit::Problem problem = kit::from_settings([&] {
    kit::Problem made = task.make(s);
    cli.refuse_unused(
        {{s.compare && made.models.size() < 2, {"compare"}, "there is no control for " + name + ": leave out"}});
    if (!s.compare) made.models.resize(1);
    for (const auto& [model, make] : made.models) run.learners.emplace_back(model, make(), s.recipe);
    return made;
  });
  const kit::Traits traits = traits_of(cli, name, problem);
  kit::RunPage page(
      out, cli,
      {.loss_unit = "nats per position",
       .commands = {{"Resume, should it have stopped:", cli.command({{"resume", files.checkpoint.string()}})}}});
  page.watch("", files.metrics, s.recipe.steps);
  kit::Film film{
      .title = name + ": where each layer looks while it learns",
      .note = "At first each query spreads its weight evenly; what the task needs gets darker, step by step."};
  if (!s.resume.empty()) {
    run.resume(s.resume, traits);
    kit::check_steps_left(run.step, s.recipe.steps);
  }

  const std::vector<kit::Example> trained = problem.data.sample_training(1000);
  const auto measure = [&](kit::SequenceModel& model) {
    std::vector<std::pair<std::string, double>> values;
    const kit::Evaluation test = kit::evaluate(model, problem.data.test);
    values = {{"test_loss", test.loss}, {"test_accuracy", test.accuracy}, {"test_exact", test.exact}};
    if (!problem.data.training.empty()) values.emplace_back("train_accuracy", kit::evaluate(model, trained).accuracy);
    if (problem.score) values.emplace_back("score", problem.score(model));
    return values;
  };
  std::cout << name << ": " << task.about << '\n' << problem.note << (problem.note.empty() ? "" : "\n");
  if (doctor) {
    int code = 0;
    for (kit::Learner& learner : run.learners) {
      const fs::path rates = out.file(learner.name + ".learning_rates.svg", "the loss after a few steps at each rate");
      const nn::Report found = kit::examine(learner, problem.data, s.recipe, run.step == 0);
      code = std::max(code, kit::report_examination(found, rates, learner.name));
    }
    return kit::end_examination(cli, out, code);
  }
  kit::train(run, problem.data, measure,
             {.recipe = s.recipe,
              .checkpoint = files.checkpoint,
              .metrics = files.metrics,
              .traits = traits,
              .eval_every = s.eval_every,
              .save_every = s.save_every,
              .goal_metric = "test_accuracy",
              .goal = s.goal,
              .quiet = s.common.quiet,
              .page = &page,
              .watch = [&](int64_t step) {
                kit::Figure figure = kit::attention_figure(*run.learners[0].model, problem, "");
                figure.note.clear(), figure.columns = 2, figure.panel_width = 480;
                film.frames.push_back({step, "", figure});
              }});
  const kit::Evaluation blind = kit::blind(trained, problem.data.test, static_cast<int64_t>(problem.tokens.size()));
  const kit::Report report{.run = run,
                           .problem = problem,
                           .blind = blind,
                           .published = task.published,
                           .metrics = files.metrics,
                           .seed = s.seed()};
  const kit::Json::Object models = kit::print_report(report);
  kit::save_pictures(report, files, name);
  if (!film.frames.empty() && !film.frames[0].figure.panels.empty()) kit::save_film(files.film, film);
  page.baseline(blind.loss, "without looking");
  page.save(run.step, kit::interrupted() ? kit::RunState::stopped : kit::RunState::finished);
  out.print();
  if (kit::interrupted()) {
    std::cerr << "\nstopped at step " << run.step << "; checkpoint saved. To resume:\n  "
              << cli.command({{"resume", files.checkpoint.string()}}) << std::endl;
    return kit::interrupt_exit_code();
  }
  double seconds = 0;
  for (const kit::Learner& learner : run.learners) seconds += learner.seconds;
  cli.print_json({{"task", name},
                  {"published", task.published},
                  {"steps", run.step},
                  {"seconds", seconds},
                  {"blind_loss", blind.loss},
                  {"blind_accuracy", blind.accuracy},
                  {"models", models}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
