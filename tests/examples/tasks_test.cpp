// The program `tasks`: each task through the command line, and what its models and measures are made of.
#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/core/file.h>
#include <heed/core/random.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/recurrent_models.h>
#include <heed/examples/kit/sequence_measures.h>
#include <heed/examples/kit/sequence_report.h>
#include <heed/examples/kit/sequence_run.h>
#include <heed/examples/kit/task_generators.h>
#include <heed/nn/checkpoint.h>

#include "support/errors.h"
#include "support/run_program.h"

using namespace heed;
using heed::kit::Example;
using heed::kit::Ids;
using heed::kit::ignored;
using heed::test::contains;
using heed::test::message_of;
using heed::test::Ran;
using heed::test::run_program;
using heed::test::TempDir;

namespace {

/// Says what is written in a table: logits (B, L, V) from the token that is read, and where.
struct ScriptedModel : kit::SequenceModel {
  std::function<int64_t(int64_t token, int64_t position)> says;
  int64_t vocabulary;
  Tensor operator()(const kit::SequenceBatch& batch) const override {
    const std::vector<double> ids = batch.input.to_vector();
    std::vector<double> logits(ids.size() * static_cast<size_t>(vocabulary), 0.0);
    const int64_t length = batch.input.size(1);
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t said = says(static_cast<int64_t>(ids[i]), static_cast<int64_t>(i) % length);
      logits[i * static_cast<size_t>(vocabulary) + static_cast<size_t>(said)] = 10;
    }
    return tensor(logits, {batch.input.size(0), length, vocabulary});
  }
  void visit(nn::Visitor&) override {}
};

struct SmallTask {
  std::string options;
  std::vector<std::string> models;
  bool greedy, score;
};

const std::vector<SmallTask> small_tasks = {
    {"copy --width 16 --heads 2 --batch 4 --test-size 5", {"transformer"}, true, false},
    {"sort --width 12 --batch 4 --test-size 20 --compare", {"transformer", "gru"}, true, false},
    {"reverse --width 8 --batch 4 --train-size 50 --test-size 10", {"transformer"}, false, true},
    {"addition --width 12 --batch 4 --test-size 20 --compare", {"transformer", "gru"}, true, false},
    {"addition-gru --width 8 --batch 4 --train-size 50 --test-size 10 --compare",
     {"gru", "lstm"},
     false,
     false},
    {"modular --symbols 7 --width 8 --train-size 20 --eval-every 1", {"transformer"}, false, false},
    {"induction --width 8 --batch 4 --test-size 10", {"transformer", "one_layer"}, false, true},
    {"recall --width 16 --batch 4 --train-size 50 --test-size 10",
     {"transformer", "gru"},
     false,
     false},
    {"dates --width 16 --batch 4 --train-size 50 --test-size 10", {"transformer"}, true, false},
    {"dyck --width 16 --length 8 --batch 4 --test-size 5 --compare",
     {"transformer", "gru"},
     false,
     true},
    {"names --width 16 --layers 1 --batch 4 --test-size 10", {"transformer"}, false, false},
    {"copy-length --length 4 --width 16 --batch 4 --test-size 10",
     {"transformer", "lstm"},
     false,
     true}};

std::string in(const TempDir& dir) { return " --out '" + dir.path().string() + "'"; }

}  // namespace

TEST_CASE("tasks: every task runs and reports what it promises") {
  for (const SmallTask& task : small_tasks) {
    INFO(task.options);
    const TempDir dir;
    const Ran ran = run_program("tasks " + task.options + " --steps 3 --json --quiet" + in(dir));
    REQUIRE(ran.exit_code == 0);
    CHECK(ran.err.empty());
    const core::Json json = ran.json();
    const std::string name = task.options.substr(0, task.options.find(' '));
    CHECK(json.at("task").as_string() == name);
    CHECK(contains(ran.out, "published: " + json.at("published").as_string()));
    CHECK(json.at("steps").as_integer() == 3);
    CHECK(json.at("blind_loss").as_number() > 0);
    const core::Json::Object& models = json.at("models").as_object();
    REQUIRE(models.size() == task.models.size());
    for (size_t i = 0; i < models.size(); ++i) {
      const auto& [model, values] = models[i];
      CHECK(model == task.models[i]);
      CHECK(values.at("loss").as_number() > 0);
      CHECK(values.at("us_per_token").as_number() > 0);
      CHECK(values.at("greedy").is_null() == !task.greedy);
      CHECK(values.at("score").is_null() == !task.score);
      // Greedy decoding gets right what teacher forcing does: here over all test examples.
      if (task.greedy)
        CHECK(values.at("greedy").as_number() ==
              Approx(values.at("exact_match").as_number() * values.at("greedy_of").as_number())
                  .margin(1e-9));
    }
    if (models.size() == 2 &&
        models[1].first == "gru") {  // of equal size: never larger, not much smaller
      const double equal = models[1].second.at("parameters").as_number() /
                           models[0].second.at("parameters").as_number();
      CHECK(equal <= 1.0);
      CHECK(equal > 0.85);
    }
    for (const char* file :
         {"loss.svg", "model.safetensors", "checkpoint.safetensors", "metrics.jsonl"}) {
      INFO(file);
      CHECK(contains(ran.out, dir / file));
      CHECK(core::read_file(dir / file).size() > 100);
    }
    CHECK(contains(ran.out, "attention.svg") == (models[0].first == "transformer"));
    CHECK(contains(ran.out, "lengths.svg") == (name == "copy-length"));
    CHECK(contains(ran.out, "it writes:") == (name == "names"));
  }
}

TEST_CASE("tasks: --help shows the defaults of the task that is named, and all tasks") {
  const Ran sort = run_program("tasks --help"), recall = run_program("tasks recall --help");
  CHECK(contains(sort.out, "default out/tasks/sort"));
  CHECK(contains(recall.out, "default out/tasks/recall"));
  CHECK(contains(recall.out, "(default 31200)"));
  CHECK(contains(run_program("tasks sort --task recall --help").out, "default out/tasks/recall"));
  CHECK(contains(run_program("tasks --task recall --help").out, "default out/tasks/recall"));
  for (const SmallTask& task : small_tasks) {
    const std::string name = task.options.substr(0, task.options.find(' '));
    CHECK(contains(sort.out, "\n  tasks " + name + " "));
  }
  for (const char* key :
       {"task", "published", "steps", "seconds", "blind_loss", "blind_accuracy", "models"})
    CHECK(contains(sort.out, std::string("\n  ") + key + " "));
}

TEST_CASE("tasks: slips are answered with one line and exit code 2, failures with 1") {
  Ran ran = run_program("tasks srot");
  CHECK(ran.exit_code == 2);
  CHECK(contains(ran.err, "tasks: --task: \"srot\": is not a choice: give one of sort, reverse, "));
  ran = run_program("tasks sort --stepz 3");
  CHECK(ran.exit_code == 2);
  CHECK(ran.err == "tasks: --stepz: unknown option: did you mean --steps?\n");
  const TempDir dir;
  ran = run_program("tasks recall --length 9" + in(dir));
  CHECK(ran.exit_code == 1);
  CHECK(contains(ran.err, "tasks: recall: 4 pairs in a length of 9"));
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  ran = run_program("tasks modular --symbols 5 --train-size 25" + in(dir));
  CHECK(ran.exit_code == 1);
  CHECK(contains(ran.err, "some must be left for testing"));
  CHECK(run_program("tasks names --text /nowhere/names.txt" + in(dir)).exit_code == 1);
}

TEST_CASE("tasks: a checkpoint of other settings is refused") {
  const TempDir dir;
  const std::string options = "tasks sort --width 12 --batch 4 --test-size 20 --quiet" + in(dir);
  REQUIRE(run_program(options + " --steps 2").exit_code == 0);
  const Ran refused =
      run_program(options + " --steps 3 --resume '" + (dir / "checkpoint.safetensors") + "'");
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.err, ": its steps is 2, this run's 3: "));
  CHECK(contains(refused.err, "give the options that it was made with"));
}

TEST_CASE("tasks: a run that stopped and went on is the run that never stopped") {
  const kit::TaskData data(kit::make_sorting(4, 3), {.test = 5, .hash_split = 4, .seed = 3});
  const kit::Recipe recipe{.steps = 6,
                           .batch = 4,
                           .warmup = 2,
                           .schedule = "cosine",
                           .lr = 1e-2,
                           .weight_decay = 0.1,
                           .clip = 1};
  const auto begin = [&] {
    manual_seed(3);
    kit::SequenceRun run;
    const kit::ModelSize size{3, 7, 8, 2, 1, 0.2};
    run.learners.emplace_back("transformer", std::make_unique<kit::GptModel>(size), recipe);
    run.learners.emplace_back("gru", std::make_unique<kit::RecurrentModel<nn::GRU>>(size), recipe);
    return run;
  };
  // Trains until the end, or, where a goal is set, until the first test: after three steps.
  const auto train = [&](kit::SequenceRun& run, const TempDir& dir, double goal) {
    const auto measure = [&](kit::SequenceModel& model) {
      return std::vector<std::pair<std::string, double>>{
          {"test_loss", kit::evaluate(model, data.test).loss}};
    };
    kit::train(run, data, measure,
               {.recipe = recipe,
                .checkpoint = dir.path() / "checkpoint",
                .metrics = dir.path() / "metrics",
                .identity = {{"task", "sort"}},
                .eval_every = 3,
                .goal_metric = "test_loss",
                .goal = goal,
                .quiet = true});
  };
  const TempDir whole, parts;
  kit::SequenceRun never_stopped = begin();
  train(never_stopped, whole, 0);
  CHECK(never_stopped.step == 6);

  kit::SequenceRun stopped = begin();
  train(stopped, parts, 1e-9);
  CHECK(stopped.step == 3);
  manual_seed(99);
  kit::SequenceRun resumed = begin();
  resumed.resume(parts.path() / "checkpoint", {{"task", "sort"}});
  CHECK(resumed.step == 3);
  train(resumed, parts, 0);
  CHECK(core::read_file(whole / "metrics") == core::read_file(parts / "metrics"));
  CHECK(core::read_file(whole / "checkpoint") == core::read_file(parts / "checkpoint"));

  CHECK(message_of([&] {
          resumed.resume(parts.path() / "checkpoint", {{"task", "copy"}});
        }) == "--resume " + (parts / "checkpoint") +
                  ": its task is sort, this run's copy: give the options that it was made with");
}

TEST_CASE("tasks: learning rates by their formulas") {
  kit::Recipe r{.steps = 110, .warmup = 10, .schedule = "constant", .width = 64};
  CHECK(kit::learning_rate(r)(1.0, 0) == Approx(1.0 / 11));
  CHECK(kit::learning_rate(r)(1.0, 10) == 1.0);
  CHECK(kit::learning_rate(r)(1.0, 99) == 1.0);
  r.schedule = "linear";
  CHECK(kit::learning_rate(r)(2.0, 60) == Approx(1.0));
  CHECK(kit::learning_rate(r)(2.0, 110) == 0.0);
  r.schedule = "cosine";
  CHECK(kit::learning_rate(r)(2.0, 60) == Approx(1.0));
  CHECK(kit::learning_rate(r)(2.0, 35) == Approx(1 + std::sqrt(0.5)));
  r.schedule = "noam";
  CHECK(kit::learning_rate(r)(1.0, 3) == Approx(4 / std::pow(10, 1.5) / 8));
  CHECK(kit::learning_rate(r)(1.0, 99) == Approx(0.1 / 8));
}

TEST_CASE("tasks: measures of a model that says what is known") {
  // Says always the token that it reads: right at two of three positions that count, in one of two examples.
  ScriptedModel model;
  model.vocabulary = 4;
  model.says = [](int64_t token, int64_t) { return token; };
  const std::vector<Example> examples = {{.input = {1, 2, 3}, .target = {ignored, 2, 0}},
                                         {.input = {3, 0, 1}, .target = {3, ignored, ignored}}};
  const kit::Evaluation e = kit::evaluate(model, examples);
  CHECK(e.accuracy == Approx(2.0 / 3));
  CHECK(e.exact == 0.5);
  const double right = std::log(1 + 3 * std::exp(-10.0)), wrong = 10 + right;
  CHECK(e.loss == Approx((2 * right + wrong) / 3));
  CHECK(model.training);

  // Blind: counts 3 1 1 2 (each one more than seen), the favourite is 0.
  const std::vector<Example> training = {{.target = {0, 0, ignored}}, {.target = {3}}};
  const kit::Evaluation blind = kit::blind(training, {{.target = {0, 3}}, {.target = {0}}}, 4);
  CHECK(blind.loss == Approx((2 * std::log(7.0 / 3) + std::log(7.0 / 2)) / 3));
  CHECK(blind.accuracy == Approx(2.0 / 3));
  CHECK(blind.exact == 0.5);

  // Greedy decoding: says the next number, so that its answer shows that it read its own.
  model.says = [](int64_t token, int64_t) { return (token + 1) % 4; };
  const std::vector<Example> count = {{.input = {0, 2, 0, 0}, .target = {ignored, 3, 3, 3}}};
  CHECK(kit::greedy_answers(model, count) == std::vector<Ids>{{ignored, 3, 0, 1}});

  // Writing: 0 1 2, then 3, the end.
  kit::Dice dice(1, 0);
  CHECK(kit::written_by(model, 3, 3, 10, 1, dice).size() == 1);

  // Closing brackets: at 1 and 3; only which of them has the larger logit counts.
  model.says = [](int64_t token, int64_t) { return token; };
  const std::vector<Example> brackets = {{.input = {1, 0, 3, 1}, .target = {1, 2, 3, 3}}};
  CHECK(kit::closing_accuracy(model, brackets, 2) == Approx(2.0 / 3));
  CHECK(message_of([&] { kit::evaluate(model, {}); }) ==
        "evaluate: no examples: give at least one");
}

namespace {

/// Attention with given weights: records them as a layer would.
struct RecordingModel : kit::SequenceModel {
  std::vector<double> weights;  // (1, heads, n, n)
  int64_t heads, n;
  Tensor operator()(const kit::SequenceBatch& batch) const override {
    nn::AttentionTrace::record(tensor(weights, {1, heads, n, n}));
    return zeros({batch.input.size(0), batch.input.size(1), 2});
  }
  void visit(nn::Visitor&) override {}
};

}  // namespace

TEST_CASE("tasks: what a head looks at, of the best head") {
  RecordingModel model;
  model.heads = 2, model.n = 3;
  model.weights = {1, 0, 0,  0,  1,  0, 0,  0,  1,   // looks at itself: mirrors the middle only
                   0, 0, .9, .5, .5, 0, .6, .4, 0};  // mirrors with .9, .5 and .6
  const std::vector<Example> one = {{.input = {5, 6, 5}, .target = {5, 6, 5}}};
  CHECK(kit::mirror_weight(model, one) == Approx(2.0 / 3));
  // 5 comes back at position 2; after its first occurrence stands position 1.
  CHECK(kit::prefix_match(model, one) == Approx(0.4));
}

TEST_CASE("tasks: hard ALiBi's first heads see a window, the others everything before") {
  const Tensor mask = kit::hard_alibi_mask(4, 3);
  CHECK(mask[0].to_vector() == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK(mask[1].to_vector() == std::vector<double>{1, 0, 0, 1, 1, 0, 0, 1, 1});
  CHECK(mask[2].to_vector() == std::vector<double>{1, 0, 0, 1, 1, 0, 1, 1, 1});
  CHECK(mask[3].to_vector() == mask[2].to_vector());
}

TEST_CASE("tasks: no causal model says anything about what it has not read") {
  manual_seed(1);
  const kit::ModelSize size{5, 6, 8, 2, 2, 0.0};
  std::vector<std::unique_ptr<kit::SequenceModel>> models;
  models.push_back(std::make_unique<kit::GptModel>(size));
  models.push_back(std::make_unique<kit::HardAlibiModel>(size));
  models.push_back(std::make_unique<kit::StreamModel>(size, kit::StreamOptions{.hidden = 8}));
  models.push_back(std::make_unique<kit::StreamModel>(
      size, kit::StreamOptions{.sinusoidal = true, .tied = true}));
  models.push_back(std::make_unique<kit::RecurrentModel<nn::GRU>>(size));
  models.push_back(std::make_unique<kit::RecurrentModel<nn::LSTM>>(size));
  for (const auto& model : models) {
    const NoGrad no_history;
    const Tensor a = (*model)(kit::collate({{.input = {1, 2, 3, 4}, .target = {0, 0, 0, 0}}}));
    const Tensor b = (*model)(kit::collate({{.input = {1, 2, 0, 1}, .target = {0, 0, 0, 0}}}));
    CHECK(a.slice(1, 0, 2).contiguous().to_vector() == b.slice(1, 0, 2).contiguous().to_vector());
    CHECK(a[0][2].to_vector() != b[0][2].to_vector());
  }
}

TEST_CASE("tasks: a recurrent model of equal size is the widest that is not larger") {
  const kit::ModelSize size{11, 9, 0, 1, 2, 0.0};
  for (const int64_t parameters : {1000, 5000, 20000}) {
    const auto gru = kit::widest_recurrent<nn::GRU>(parameters, size);
    const auto lstm = kit::widest_recurrent<nn::LSTM>(parameters, size);
    for (const auto& model : {gru.get(), lstm.get()}) {
      CHECK(model->num_parameters() <= parameters);
      CHECK(model->num_parameters() > parameters - 24 * std::sqrt(parameters));
    }
    kit::ModelSize wider = size;
    wider.width = dynamic_cast<kit::RecurrentModel<nn::GRU>&>(*gru).recurrent.hidden_size + 1;
    CHECK(kit::RecurrentModel<nn::GRU>(wider).num_parameters() > parameters);
  }
}

TEST_CASE("tasks: the first step that reaches a level") {
  const TempDir dir;
  kit::MetricsLog log(dir.path() / "m.jsonl");
  for (const double x : {0.2, 0.95, 0.9, 1.0}) log.write(static_cast<int64_t>(10 * x), {{"a", x}});
  CHECK(kit::first_step(dir.path() / "m.jsonl", "a", 0.9) == core::Json(9));
  CHECK(kit::first_step(dir.path() / "m.jsonl", "a", 1.1).is_null());
  CHECK(kit::first_step(dir.path() / "m.jsonl", "b", 0.1).is_null());
}

TEST_CASE("tasks: two layers find what repeats, one does not [DM-21]", "[slow]") {
  const TempDir dir;
  const core::Json models = run_program(
                                "tasks induction --steps 500 --test-size 200 --eval-every 500 "
                                "--threads 2 --json --quiet" +
                                in(dir))
                                .json()
                                .at("models");
  CHECK(models.at("transformer").at("score").as_number() > 0.4);
  CHECK(models.at("one_layer").at("score").as_number() < 0.3);
  CHECK(models.at("transformer").at("accuracy").as_number() > 0.6);
}

TEST_CASE("tasks: the Transformer copies a hundred unseen rows [DM-08]", "[slow]") {
  const TempDir dir;
  const core::Json model = run_program("tasks copy --eval-every 400 --json --quiet" + in(dir))
                               .json()
                               .at("models")
                               .at("transformer");
  CHECK(model.at("exact_match").as_number() == 1.0);
  CHECK(model.at("greedy").as_integer() == 100);
}

TEST_CASE("tasks: the encoder reverses all, and looks at the mirrored position [DM-07]", "[slow]") {
  const TempDir dir;
  const core::Json model =
      run_program("tasks reverse --steps 1200 --eval-every 1200 --json --quiet" + in(dir))
          .json()
          .at("models")
          .at("transformer");
  CHECK(model.at("exact_match").as_number() == 1.0);
  CHECK(model.at("score").as_number() > 0.85);
}

TEST_CASE("tasks: attention recalls what came with a key, a GRU of its size does not [DM-22]",
          "[slow]") {
  const TempDir dir;
  const core::Json models =
      run_program("tasks recall --length 32 --symbols 64 --width 64 --eval-every 100 --json --quiet" +
                  in(dir))
          .json()
          .at("models");
  CHECK(models.at("transformer").at("accuracy").as_number() > 0.99);
  CHECK(models.at("gru").at("accuracy").as_number() < 0.4);
}
