// Small worlds in which it can be seen whether a model works: sort, reverse, add, remember, close brackets.
//
//     tasks sort            tasks recall --no-compare            tasks modular --help
//
// Each task is one function below: the rule that makes its examples (kit/task_generators.h), the model,
// and beside it, in the table `tasks`, its recipe and a published number. One loop trains all of them
// (kit/sequence_run.h). Recipes are the published ones where the comment does not say otherwise.
//
// A loss alone says little: beside it stands what is reached without looking at the input, and with
// --compare a control of equal size: a GRU, an LSTM, or one layer less.
#include <algorithm>
#include <iostream>

#include <heed/core/parallel.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/recurrent_models.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/sequence_measures.h>
#include <heed/examples/kit/sequence_report.h>
#include <heed/examples/kit/sequence_run.h>
#include <heed/examples/kit/tables.h>
#include <heed/examples/kit/task_generators.h>
#include <heed/examples/kit/text_tasks.h>
#include <heed/nn/checkpoint.h>

using namespace heed;
namespace fs = std::filesystem;

namespace {

struct Settings {
  int64_t length = 0, symbols = 0, pairs = 4, depth = 4;
  int64_t layers = 1, heads = 1, width = 64;
  double dropout = 0.0;
  int64_t train_size = 0, test_size = 1000;
  kit::Recipe recipe = {};
  int64_t eval_every = 100, save_every = 1000;
  double goal = 0;
  bool compare = false;
  fs::path text = {}, resume = {};
  kit::Common common = {};

  uint64_t seed() const { return static_cast<uint64_t>(common.seed); }
  kit::ModelSize size(int64_t vocabulary, int64_t context) const {
    return {vocabulary, context, width, heads, layers, dropout};
  }
};

using kit::MakeModel;
using kit::Problem;

/// 0 1 … n-1, then what else there is.
kit::Words numerals(int64_t n, const kit::Words& more = {}) {
  kit::Words tokens;
  for (int64_t i = 0; i < n; ++i) tokens.push_back(std::to_string(i));
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

template <class M, class... Args>
MakeModel model_of(Args... args) {
  return [=] { return std::make_unique<M>(args...); };
}

/// A Transformer, and beside it a GRU of as many layers with at most as many numbers.
std::vector<std::pair<std::string, MakeModel>> with_gru(const MakeModel& transformer, const kit::ModelSize& size) {
  const MakeModel gru = [=] { return kit::widest_recurrent<nn::GRU>(transformer()->num_parameters(), size); };
  return {{"transformer", transformer}, {"gru", gru}};
}

/// nn::GPT, and beside it a GRU.
std::vector<std::pair<std::string, MakeModel>> gpt_or_gru(const kit::ModelSize& size) {
  return with_gru(model_of<kit::GptModel>(size), size);
}

/// A hundred of the test's examples: enough to measure where a head looks.
std::vector<kit::Example> a_hundred(const kit::TaskData& data) {
  return {data.test.begin(), data.test.begin() + std::min<int64_t>(100, static_cast<int64_t>(data.test.size()))};
}

// The Annotated Transformer's first example: an encoder reads, a decoder writes the same.
Problem copy(const Settings& s) {
  kit::TaskData data(kit::make_copying(s.length, s.symbols), {.test = s.test_size, .seed = s.seed()});
  return {std::move(data), numerals(s.symbols + 1), {{"transformer", model_of<kit::TranslatorModel>(s.size(s.symbols + 1, s.length))}}};
}

// minGPT's demo: gpt-nano reads six digits and says them in order.
Problem sort(const Settings& s) {
  kit::TaskData data(kit::make_sorting(s.length, s.symbols), {.test = s.test_size, .hash_split = 4, .seed = s.seed()});
  return {std::move(data), numerals(s.symbols), gpt_or_gru(s.size(s.symbols, 2 * s.length - 1))};
}

// phlippe's tutorial 6: one head of an encoder must look at the mirrored position.
Problem reverse(const Settings& s) {
  kit::TaskData data(kit::make_reversing(s.length, s.symbols),
                     {.training = s.train_size, .test = s.test_size, .seed = s.seed()});
  const std::vector<kit::Example> some = a_hundred(data);
  return {.data = std::move(data),
          .tokens = numerals(s.symbols),
          .models = {{"transformer", model_of<kit::EncoderModel>(s.size(s.symbols, s.length))}},
          .decodes = false,
          .score_name = "weight on the mirrored position",
          .score = [some](kit::SequenceModel& model) { return kit::mirror_weight(model, some); }};
}

// minGPT's adder: the sum's digits come backwards, so that each carry is known when it is needed.
Problem addition(const Settings& s) {
  kit::TaskData data(kit::make_addition(s.length), {.test = s.test_size, .seed = s.seed()});
  return {std::move(data), numerals(10), gpt_or_gru(s.size(10, 3 * s.length))};
}

// Nanda et al.: first all sums of the training set are known by heart, much later those of the test.
Problem modular(const Settings& s) {
  kit::TaskData data(kit::all_modular_sums(s.symbols), s.train_size, s.seed());
  return {.data = std::move(data),
          .tokens = numerals(s.symbols, {"="}),
          .models = {{"transformer", model_of<kit::StreamModel>(s.size(s.symbols + 1, 3),
                                                                kit::StreamOptions{.hidden = 4 * s.width})}},
          .decodes = false};
}

// Two layers: the first marks each token with the one before it, the second looks for that mark.
Problem induction(const Settings& s) {
  kit::TaskData data(kit::make_cycles(s.length, s.symbols), {.test = s.test_size, .seed = s.seed()});
  const std::vector<kit::Example> some = a_hundred(data);
  const kit::StreamOptions options{.sinusoidal = true, .tied = true};
  kit::ModelSize size = s.size(s.symbols, s.length), shallow = size;
  shallow.layers = 1;
  return {.data = std::move(data),
          .tokens = numerals(s.symbols),
          .models = {{"transformer", model_of<kit::StreamModel>(size, options)},
                     {"one_layer", model_of<kit::StreamModel>(shallow, options)}},
          .decodes = false,
          .score_name = "prefix matching",
          .score = [some](kit::SequenceModel& model) { return kit::prefix_match(model, some); }};
}

// zoology's first example: which value came after this key?
Problem recall(const Settings& s) {
  kit::TaskData data(kit::make_recall(s.length, s.pairs, s.symbols),
                     {.training = s.train_size, .test = s.test_size, .seed = s.seed()});
  return {.data = std::move(data),
          .tokens = numerals(s.symbols),
          .models = gpt_or_gru(s.size(s.symbols, s.length)),
          .decodes = false};
}

// Keras' addition_rnn: the question backwards, one vector of what was read, the sum.
Problem addition_gru(const Settings& s) {
  kit::TaskData data(kit::make_addition_texts(s.length),
                     {.training = s.train_size, .test = s.test_size, .seed = s.seed()});
  return {.data = std::move(data),
          .tokens = numerals(10, {"+", " "}),
          .models = {{"gru", model_of<kit::RepeatModel<nn::GRU>>(s.size(12, 0))},
                     {"lstm", model_of<kit::RepeatModel<nn::LSTM>>(s.size(12, 0))}},
          .decodes = false};
}

// A course exercise on attention: the weights follow day, month and year to their places.
Problem dates(const Settings& s) {
  kit::TaskData data(kit::make_dates(), {.training = s.train_size, .test = s.test_size, .seed = s.seed()});
  kit::Words tokens;
  for (int64_t id = 0; id < kit::date_vocab().size(); ++id) tokens.push_back(kit::date_vocab().decode({id}));
  tokens.push_back("start");
  const auto vocabulary = static_cast<int64_t>(tokens.size());
  return {std::move(data), tokens, {{"transformer", model_of<kit::TranslatorModel>(s.size(vocabulary, 40))}}};
}

// Yao et al.: which kind of bracket has to close?
Problem dyck(const Settings& s) {
  kit::TaskData data(kit::make_brackets(s.length, s.symbols, s.depth), {.test = s.test_size, .seed = s.seed()});
  const std::vector<kit::Example> test = data.test;
  kit::Words tokens = {"(", ")", "[", "]", "{", "}", "<", ">"};
  tokens.resize(static_cast<size_t>(2 * s.symbols));
  tokens.push_back("start");
  return {.data = std::move(data),
          .tokens = tokens,
          .models = gpt_or_gru(s.size(2 * s.symbols + 1, s.length)),
          .decodes = false,
          .score_name = "closing bracket right",
          .score = [=](kit::SequenceModel& model) { return kit::closing_accuracy(model, test, s.symbols); }};
}

// makemore: letter by letter, from a list or from names made up. (Here with a cosine and a warm-up.)
Problem names(const Settings& s) {
  const std::vector<std::string> list = s.text.empty() ? kit::invented_names(10000, s.seed()) : kit::read_lines(s.text);
  std::string letters;
  int64_t longest = 0;
  for (const std::string& name : list) letters += name;
  const kit::CharVocab vocab(letters);
  std::vector<kit::Example> all;
  for (const std::string& name : list) {
    all.push_back(kit::name_example(name, vocab));
    longest = std::max(longest, static_cast<int64_t>(all.back().input.size()));
  }
  kit::Words tokens;
  for (int64_t id = 0; id < vocab.size(); ++id) tokens.push_back(vocab.decode({id}));
  tokens.push_back("start");
  const auto tested = std::min(s.test_size, static_cast<int64_t>(all.size()) / 10);
  kit::TaskData data(all, static_cast<int64_t>(all.size()) - tested, s.seed());
  return {.data = std::move(data),
          .tokens = tokens,
          .models = gpt_or_gru(s.size(vocab.size() + 1, longest)),
          .decodes = false,
          .trained_length = longest - 1,
          .writes = true};
}

// Jelassi et al.: a state of fixed size holds so much and no more; attention copies what it has to.
Problem copy_length(const Settings& s) {
  const kit::ModelSize size = s.size(s.symbols + 3, 4 * s.length + 2);
  const MakeModel transformer = model_of<kit::HardAlibiModel>(size);
  const auto of_length = [s](int64_t length) {
    return kit::TaskData(kit::make_string_copying(length, length, s.symbols), {.test = 50, .hash_split = 1, .seed = s.seed()}).test;
  };
  return {.data = {kit::make_string_copying(1, s.length, s.symbols), {.test = s.test_size, .hash_split = 10, .seed = s.seed()}},
          .tokens = numerals(s.symbols, {"start", "|", "."}),
          .models = {{"transformer", transformer},
                     {"lstm", [=] { return kit::widest_recurrent<nn::LSTM>(transformer()->num_parameters(), size); }}},
          .decodes = false,
          .score_name = "positions right, twice as long",
          .score = [=](kit::SequenceModel& model) { return kit::evaluate(model, of_length(2 * s.length)).accuracy; },
          .of_length = of_length,
          .trained_length = s.length};
}

struct Task {
  std::string name, about, published;
  Problem (*make)(const Settings&);
  Settings defaults;
};

const std::vector<Task>& all_tasks() {
  static const std::vector<Task> tasks = {
      {"copy", "ten symbols, from an encoder to a decoder", "ten symbols copied (The Annotated Transformer; no loss printed)",
       copy,
       {.length = 10, .symbols = 10, .layers = 2, .heads = 8, .width = 64, .dropout = 0.1, .test_size = 100,
        .recipe = {.steps = 400, .batch = 80, .warmup = 400, .schedule = "noam", .lr = 0.5, .beta2 = 0.98, .eps = 1e-9}}},
      {"sort", "six digits of 0 … 2, said in order", "5000 of 5000 exact, loss 0.0004 (minGPT, demo.ipynb)", sort,
       {.length = 6, .symbols = 3, .layers = 3, .heads = 3, .width = 48, .dropout = 0.1, .test_size = 5000,
        .recipe = {.steps = 2000, .batch = 64, .lr = 5e-4, .beta2 = 0.95, .weight_decay = 0.1, .clip = 1}}},
      {"reverse", "sixteen digits, backwards and all at once", "100 % (phlippe, tutorial 6)", reverse,
       {.length = 16, .symbols = 10, .layers = 1, .heads = 1, .width = 32, .train_size = 50000, .test_size = 10000,
        .recipe = {.steps = 3900, .batch = 128, .warmup = 50, .schedule = "cosine", .lr = 5e-4, .clip = 5}}},
      {"addition", "two numbers of two digits, the sum backwards", "no number (minGPT, projects/adder)", addition,
       {.length = 2, .symbols = 10, .layers = 3, .heads = 3, .width = 48, .dropout = 0.1, .test_size = 500,
        .recipe = {.steps = 5000, .batch = 64, .lr = 5e-4, .beta2 = 0.95, .weight_decay = 0.1, .clip = 1}}},
      {"modular", "a + b mod p from some of all sums: grokking", "train 100 % early, test 100 % late (Nanda et al. 2023)",
       modular,
       {.symbols = 59, .layers = 1, .heads = 4, .width = 64, .train_size = 1400,
        .recipe = {.steps = 3000, .batch = 100000, .lr = 1e-3, .beta2 = 0.98, .weight_decay = 1.0}, .eval_every = 20}},
      {"induction", "random tokens that begin to repeat", "prefix matching 0.07 -> above 0.4 in 600 steps (theorempath.com)",
       induction,
       {.length = 32, .symbols = 28, .layers = 2, .heads = 2, .width = 32,
        .recipe = {.steps = 1000, .batch = 16, .lr = 1e-2, .weight_decay = 0.01}, .eval_every = 50, .compare = true}},
      {"recall", "the value that came with a key: associative recall", "above 99 % (zoology, basic.py)", recall,
       {.length = 64, .symbols = 256, .pairs = 4, .layers = 2, .heads = 1, .width = 128, .train_size = 10000,
        .recipe = {.steps = 6000, .batch = 32, .schedule = "cosine", .lr = 1e-3, .weight_decay = 0.1},
        .eval_every = 200, .goal = 0.99, .compare = true}},
      {"addition-gru", "the same from text to text, by an encoder and a decoder", "99 % of positions (Keras, addition_rnn)",
       addition_gru,
       {.length = 3, .symbols = 12, .layers = 1, .width = 128, .train_size = 45000, .test_size = 5000,
        .recipe = {.steps = 20000, .batch = 32, .schedule = "cosine", .lr = 1e-3, .clip = 1}, .eval_every = 1000}},
      {"dates", "dates of twelve formats into ISO's", "99 % exact or more (a course exercise; no standard number)", dates,
       {.symbols = 41, .layers = 2, .heads = 4, .width = 64, .dropout = 0.1, .train_size = 10000,
        .recipe = {.steps = 1500, .batch = 64, .warmup = 100, .schedule = "cosine", .lr = 2e-3, .clip = 1}}},
      {"dyck", "brackets of two kinds, at most four open", "near 100 % (Yao et al. 2021)", dyck,
       {.length = 64, .symbols = 2, .layers = 2, .heads = 4, .width = 64,
        .recipe = {.steps = 1500, .batch = 64, .warmup = 50, .schedule = "cosine", .lr = 1e-3, .clip = 1}}},
      {"names", "names, letter by letter (--text FILE: one a line; else made up)",
       "1.92 on names.txt (makemore's transformer; MLP 2.11, counting pairs of letters 2.45)", names,
       {.symbols = 0, .layers = 4, .heads = 4, .width = 64, .test_size = 1000,
        .recipe = {.steps = 5000, .batch = 32, .warmup = 100, .schedule = "cosine", .lr = 2e-3, .weight_decay = 0.01, .clip = 1},
        .eval_every = 500}},
      {"copy-length", "strings longer than any that was trained on", "attention copies beyond, LSTM does not (Jelassi et al. 2024)",
       copy_length,
       {.length = 20, .symbols = 26, .layers = 2, .heads = 8, .width = 64, .test_size = 500,
        .recipe = {.steps = 1500, .batch = 32, .warmup = 100, .schedule = "cosine", .lr = 2e-3, .clip = 1}, .compare = true}},
  };
  return tasks;
}

/// The task that the command line names, whose settings are then the defaults; else the first.
const Task& named_task(const std::vector<std::string>& arguments) {
  for (const Task& task : all_tasks())
    for (size_t i = 1; i < arguments.size(); ++i)
      if (arguments[i] == "--task=" + task.name || (arguments[i - 1] == "--task" && arguments[i] == task.name))
        return task;
  return all_tasks()[0];
}

bool parse(kit::Cli& cli, std::string& name, Settings& s, const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const Task& task : all_tasks()) names.push_back(task.name);
  kit::Recipe& r = s.recipe;
  cli.group("Task", {{"task", &name, "what to learn; also as the first word. The defaults below are its own",
                      {.choices = names, .value = "NAME"}},
                     {"length", &s.length, "of the sequences; for sums the digits of a number", {.min = 0}},
                     {"symbols", &s.symbols, "different ones; the modulus, or kinds of brackets", {.min = 0}},
                     {"pairs", &s.pairs, "keys to recall", {.min = 1}},
                     {"depth", &s.depth, "brackets that are open at a time", {.min = 1}},
                     {"train-size", &s.train_size, "examples to train on; 0: new ones in every step", {.min = 0}},
                     {"test-size", &s.test_size, "examples to test on, none of them trained on", {.min = 1}},
                     {"text", &s.text, "names to learn, one a line", {.value = "FILE"}},
                     {"resume", &s.resume, "go on from this checkpoint"}});
  cli.group("Model", {{"layers", &s.layers, "blocks", {.min = 1}},
                      {"heads", &s.heads, "attention heads in each", {.min = 1}},
                      {"width", &s.width, "of the model", {.min = 1}},
                      {"dropout", &s.dropout, "probability", {.min = 0, .max = 1}},
                      {"compare", &s.compare, "train a control of equal size beside it"}});
  cli.group("Training", {{"batch", &r.batch, "examples in a step", {.min = 1}},
                         {"lr", &r.lr, "peak learning rate", {.above = 0}},
                         {"schedule", &r.schedule, "its shape", {.choices = {"constant", "linear", "cosine", "noam"}}},
                         {"warmup", &r.warmup, "steps up to the peak", {.min = 0}},
                         {"weight-decay", &r.weight_decay, "of matrices", {.min = 0}},
                         {"clip", &r.clip, "largest norm of the gradient; 0: any", {.min = 0}},
                         {"goal", &s.goal, "test accuracy to stop at; 0: take all steps", {.min = 0, .max = 1}},
                         {"eval-every", &s.eval_every, "steps between tests", {.min = 1}},
                         {"save-every", &s.save_every, "steps between checkpoints", {.min = 1}}});
  cli.common(s.common);
  for (const Task& task : all_tasks()) cli.example("tasks " + task.name, task.about);
  cli.example("tasks recall --help", "the defaults of a task");
  cli.json_keys({{"task", "its name"},
                 {"published", "the number that others report, as text"},
                 {"steps", "taken"},
                 {"seconds", "of training, all models"},
                 {"blind_loss", "nats per position without looking at the input"},
                 {"blind_accuracy", "share of positions right without looking"},
                 {"models", "an object for each model: " + kit::model_keys()}});
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  return cli.parse(static_cast<int>(argv.size()), argv.data());
}

/// What must be equal for a resumed run to be the same run.
kit::Identity identity(const std::string& task, const Settings& s, const Problem& problem) {
  const kit::Recipe& r = s.recipe;
  std::string all;
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, double>>{
           {"length", s.length}, {"symbols", s.symbols}, {"pairs", s.pairs}, {"depth", s.depth},
           {"train-size", s.train_size}, {"test-size", s.test_size}, {"layers", s.layers}, {"heads", s.heads},
           {"width", s.width}, {"dropout", s.dropout}, {"compare", s.compare}, {"batch", r.batch}, {"lr", r.lr},
           {"warmup", r.warmup}, {"weight-decay", r.weight_decay}, {"clip", r.clip}, {"steps", s.common.steps},
           {"seed", s.common.seed}})
    all += std::string(name) + " " + kit::shortest(value) + ", ";
  std::string test;
  for (const kit::Example& example : problem.data.test) test += kit::example_key(example);
  return {{"task", task}, {"settings", all + "schedule " + r.schedule}, {"test_hash", std::to_string(kit::text_hash(test))}};
}

int run(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  if (argc > 1 && arguments[1].rfind("-", 0) != 0) arguments[1] = "--task=" + arguments[1];
  const Task& task = named_task(arguments);
  std::string name = task.name;
  Settings s = task.defaults;
  s.common = {.seed = 1, .out = fs::path("out") / "tasks" / name, .steps = s.recipe.steps};
  kit::Cli cli("tasks", "Learns a small task whose every example is made by a rule, beside a published number.");
  if (!parse(cli, name, s, arguments)) return 0;
  s.recipe.steps = s.common.steps;
  s.recipe.width = s.width;
  manual_seed(s.seed());
  kit::watch_interrupts();

  Problem problem = task.make(s);
  if (!s.compare) problem.models.resize(1);
  kit::SequenceRun run;
  for (const auto& [model, make] : problem.models) run.learners.emplace_back(model, make(), s.recipe);

  kit::RunFolder out(s.common.out);
  const kit::RunFiles files(out);
  const kit::Identity same = identity(name, s, problem);
  if (!s.resume.empty()) run.resume(s.resume, same);

  const std::vector<kit::Example> trained = problem.data.sample_training(1000);
  const auto measure = [&](kit::SequenceModel& model) {
    std::vector<std::pair<std::string, double>> values;
    const kit::Evaluation test = kit::evaluate(model, problem.data.test);
    values = {{"test_loss", test.loss}, {"test_accuracy", test.accuracy}, {"test_exact", test.exact}};
    if (!problem.data.training.empty()) values.emplace_back("train_accuracy", kit::evaluate(model, trained).accuracy);
    if (problem.score) values.emplace_back("score", problem.score(model));
    return values;
  };
  std::cout << name << ": " << task.about << '\n';
  kit::train(run, problem.data, measure,
             {.recipe = s.recipe, .checkpoint = files.checkpoint, .metrics = files.metrics, .identity = same,
              .eval_every = s.eval_every, .save_every = s.save_every, .goal_metric = "test_accuracy", .goal = s.goal,
              .quiet = s.common.quiet});
  if (kit::interrupted()) {
    std::cerr << "\nstopped at step " << run.step << ", saved; go on with\n  "
              << cli.command("resume", files.checkpoint.string()) << '\n';
    return kit::interrupt_exit_code();
  }

  const kit::Evaluation blind =
      kit::blind(trained, problem.data.test, static_cast<int64_t>(problem.tokens.size()));
  const kit::Report report{.run = run, .problem = problem, .blind = blind, .published = task.published,
                           .metrics = files.metrics, .seed = s.seed()};
  const core::Json::Object models = kit::print_report(report);
  kit::save_pictures(report, files, name);
  out.print();
  double seconds = 0;
  for (const kit::Learner& learner : run.learners) seconds += learner.seconds;
  cli.print_json({{"task", name}, {"published", task.published}, {"steps", run.step}, {"seconds", seconds},
                  {"blind_loss", blind.loss}, {"blind_accuracy", blind.accuracy}, {"models", models}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
