// Translates: French number words to English ones, or the sentence pairs of a file, with four models
// that differ in where they look.
//
//     none          the last state of the encoder is all that the decoder gets (Sutskever et al. 2014)
//     location      AttnDecoderRNN, the attention that many tutorials show: its weights depend on the
//                   decoder alone, never on the source, so they only learn at which positions words often are
//     bahdanau      each output word scores all source words (Bahdanau et al. 2015)
//     transformer   attention on both sides and between them, nothing recurrent (Vaswani et al. 2017)
//
// Number words need no download, there are as many as wanted, and they do not correspond one to one:
// "quatre-vingt-dix-sept" (4·20 + 10 + 7) is "ninety-seven". A model reads and writes words without
// hyphens; a rule restores these. Which model is right on numbers that it has never seen? After training
// on 30,000 numbers, all of them; with --train-size 1000 they differ. Seeds, steps and results are printed;
// examples/kit/translation/translation_recipes.h has the settings.
//
// --pairs FILE takes sentence pairs of tatoeba.org (manythings.org/anki), prepared as PyTorch's
// tutorial or "Dive into Deep Learning" (--recipe d2l) do.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <heed/autograd/ops/softmax.h>
#include <heed/autograd/tensor.h>
#include <heed/core/error.h>
#include <heed/core/random.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/vocabulary.h>
#include <heed/examples/kit/doctor.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/terminal_plot.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/resume.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/examples/kit/translation/alignment.h>
#include <heed/examples/kit/translation/number_words.h>
#include <heed/examples/kit/translation/sentence_pairs.h>
#include <heed/examples/kit/translation/translation_recipes.h>
#include <heed/examples/kit/translation/translation_report.h>
#include <heed/examples/kit/translation/translation_results.h>
#include <heed/examples/kit/translation/translation_score.h>
#include <heed/examples/kit/translation/translation_task.h>
#include <heed/examples/kit/translation/translators.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/resume.h>
#include <heed/optim/optim.h>

using namespace heed;
namespace fs = std::filesystem;

namespace {

const std::string checkpoint_name = ".checkpoint.safetensors";

struct Settings {
  kit::Common common{.seed = 1, .steps = 0, .steps_help = "training steps; 0: those of the recipe (1,000 on numbers)"};
  std::string model = "all", recipe = "tutorial", direction, dialect = "france", spelling = "traditional", show;
  fs::path pairs, resume;
  int64_t train_size = 0, test_size = 2000, samples = 5, eval_every = 100, save_every = 500;
  int64_t width = 0, layers = 0, batch = 0;
  double lr = 0, dropout = -1, teacher_forcing = -1;  // values out of range stand for the recipe's
  bool doctor = false;
  kit::SearchSettings search;

  kit::TaskKind task() const {
    if (pairs.empty()) return kit::TaskKind::numbers;
    return recipe == "d2l" ? kit::TaskKind::d2l : kit::TaskKind::tutorial;
  }
};

kit::FrenchNumbers french_of(const Settings& s) {
  using kit::Dialect, kit::Hyphens;
  return {s.dialect == "belgium"       ? Dialect::belgium
          : s.dialect == "switzerland" ? Dialect::switzerland
          : s.dialect == "octante"     ? Dialect::octante
                                       : Dialect::france,
          s.spelling == "1990" ? Hyphens::reform_1990 : Hyphens::traditional};
}

kit::TranslationTask make_task(const Settings& s) {
  const bool d2l = s.task() == kit::TaskKind::d2l;
  kit::TaskOptions options{.to_english = s.direction.empty() ? !d2l : s.direction == "fr-en",
                           .train_size = s.train_size,
                           .test_size = s.test_size,
                           .seed = static_cast<uint64_t>(s.common.seed)};
  if (s.task() == kit::TaskKind::numbers) return kit::number_task(options, french_of(s));
  if (d2l) options.min_freq = 2;
  if (d2l && options.train_size == 0) options.train_size = 600;
  return kit::pair_task(s.pairs, d2l ? kit::Preparation::d2l : kit::Preparation::tutorial, options);
}

kit::TranslationRecipe make_recipe(const Settings& s, const std::string& model, const kit::TranslationTask& task) {
  kit::TranslationRecipe r = kit::translation_recipe(s.task(), model);
  if (s.width > 0) r.width = s.width;
  if (s.layers > 0) r.layers = s.layers;
  if (s.batch > 0) r.batch = s.batch;
  if (s.lr > 0) r.lr = s.lr;
  if (s.dropout >= 0) r.dropout = r.layer_dropout = r.attention_dropout = s.dropout;
  if (s.teacher_forcing >= 0) r.teacher_forcing = s.teacher_forcing;
  const auto examples = static_cast<int64_t>(task.training.size());
  if (r.steps == 0) r.steps = r.passes * ((examples + r.batch - 1) / r.batch);
  if (s.common.steps > 0) r.steps = s.common.steps;
  return r;
}

// What can be checked before models are built.
void check_recipe(const kit::TranslationRecipe& r, const std::string& model, const kit::TranslationTask& task) {
  check<kit::UsageError>(model != "transformer" || r.width % r.heads == 0, "--width ", r.width, ": the transformer's ",
                         r.heads, " heads get equal parts of it: give a multiple");
  const auto words = static_cast<double>(task.source.size() + task.target.size());
  const int64_t longest = task.source_steps + task.target_steps;
  kit::check_memory(2 * kit::transformer_parameters(r.layers, r.width) + 2 * words * static_cast<double>(r.width),
                    kit::transformer_values(r.layers, r.width, r.batch * longest));
}

// A model in training: it can stop at any step and resume as if it had never stopped.
struct Run {
  const kit::TranslationTask& task;
  kit::TranslationRecipe recipe;
  std::string name;
  std::unique_ptr<kit::Translator> model;
  optim::Adam adam;
  optim::LambdaLR schedule;
  kit::TrainingOrder order;
  uint64_t seed;  // the default generator draws initial values, dropout and teacher forcing
  int64_t step = 0;
  double seconds = 0;  // of training

  Run(const kit::TranslationTask& task_, const std::string& name_, const Settings& s)
      : task(task_),
        recipe(make_recipe(s, name_, task)),
        name(name_),
        model(kit::make_translator(name, recipe, task)),
        adam(model->parameters(), {.lr = recipe.lr}),
        schedule(adam, [r = recipe](int64_t at) { return r.rate(at); }),
        order(static_cast<int64_t>(task.training.size()), recipe.batch, static_cast<uint64_t>(s.common.seed)),
        seed(static_cast<uint64_t>(s.common.seed)) {}

  // Cross-entropy in two steps, since `location` returns log-probabilities, which log_softmax does not change.
  Tensor loss_of(const kit::TranslationBatch& batch, double teacher_forcing) const {
    const Tensor logits = (*model)(batch, teacher_forcing);
    return nn::nll_loss(log_softmax(logits, -1), batch.target, {.ignore_index = kit::WordVocab::pad});
  }

  // What is wrong with this run? Seen on its first batches.
  nn::Report examine() {
    std::vector<kit::TranslationBatch> batches;
    for (int64_t i = 0; i < 3; ++i) batches.push_back(kit::make_batch(task, task.training, order.examples(i)));
    return nn::examine(
        *model, [&](const kit::TranslationBatch& b) { return loss_of(b, 1.0); }, adam, batches,
        {.untrained = step == 0, .before_step = [&] { optim::clip_grad_norm(model->parameters(), recipe.clip); }});
  }

  double train_step() {
    const kit::TranslationBatch batch = kit::make_batch(task, task.training, order.examples(step));
    const Tensor loss = loss_of(batch, recipe.teacher_forcing);
    adam.zero_grad();
    loss.backward();
    optim::clip_grad_norm(model->parameters(), recipe.clip, {.error_if_nonfinite = true});
    adam.step();
    schedule.step();
    ++step;
    return loss.item();
  }

  // The default generator is saved too.
  std::vector<nn::Part> parts() {
    return {{"model", *model}, {"optimizer", adam}, {"schedule", schedule}, {"step", step}, {"seconds", seconds}};
  }

  void save(const fs::path& file) { nn::save_checkpoint(file, parts(), kit::metadata_of(traits())); }

  void resume(const fs::path& file) {
    const nn::Checkpoint saved = nn::load(file);
    kit::check_same_run(file, saved.metadata, traits());
    kit::check_weights(saved.state, file.string(), "model.");
    nn::load_checkpoint(saved, parts());
    schedule.set_steps(step);  // --steps may have been raised
    kit::check_steps_left(step, recipe.steps);
  }

  // What must be equal for a resumed run to be the same run. (--steps may be larger: the run is continued.)
  kit::Traits traits() const {
    const kit::TranslationRecipe& r = recipe;
    return {{"model", name},
            {"examples_hash", task.hash(), "training set"},
            {"seed", std::to_string(seed)},
            {"batch", std::to_string(r.batch)},
            {"lr", kit::shortest(r.lr)},
            {"width", std::to_string(r.width)},
            {"layers", std::to_string(r.layers)},
            {"dropout", kit::shortest(r.dropout)},
            {"layer_dropout", kit::shortest(r.layer_dropout)},
            {"teacher_forcing", kit::shortest(r.teacher_forcing)}};
  }

  // Trains up to the last step or an interruption, saving a checkpoint every so often.
  void train(const Settings& s, const fs::path& checkpoint, const fs::path& metrics, kit::RunPage& page) {
    const auto begin = std::chrono::steady_clock::now();
    const double before = seconds;
    kit::MetricsLog log(metrics, step);
    kit::Progress progress(name, recipe.steps, {.quiet = s.common.quiet});
    progress.start_at(step);
    while (step < recipe.steps && !kit::interrupted()) {
      const double lr = schedule.lr(), loss = train_step();
      progress.update(step, "loss", loss);
      log.write(step, {{"loss", loss}, {"lr", lr}});
      if (step % s.eval_every == 0 || step == recipe.steps) {
        const double validation = kit::validation_loss(*model, task, 200);
        progress.show("validation", validation);
        log.write(step, {{"val_loss", validation}});
      }
      seconds = before + std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (step % s.save_every != 0) continue;
      save(checkpoint);
      page.save(step);
    }
    save(checkpoint);
    page.save(step, kit::interrupted() ? kit::RunState::stopped : kit::RunState::running);
  }
};

// The words of the sentence whose alignment is shown: --show, or 97, or the first test sentence.
kit::Words shown_sentence(const Settings& s, const kit::TranslationTask& task) {
  if (s.task() != kit::TaskKind::numbers && s.show.empty()) return task.test[0].source;
  if (s.task() == kit::TaskKind::d2l) return kit::split_words(kit::translation_text(s.show));
  if (s.task() == kit::TaskKind::tutorial) return kit::split_words(kit::normalized_text(s.show));
  if (!s.show.empty()) return kit::split_number(s.show);
  return kit::split_number(s.direction == "en-fr" ? kit::english_number(97) : kit::french_number(97, french_of(s)));
}

// A run of several models may have been stopped at any of them: those without a checkpoint start from scratch.
void check_resumable(const fs::path& folder, const std::vector<std::string>& models) {
  check(fs::is_directory(folder), "--resume ", readable(folder.string()),
        ": is not a folder: give the one that an earlier run wrote into");
  const auto known = [&](const std::string& name) { return fs::exists(folder / (name + checkpoint_name)); };
  check(std::any_of(models.begin(), models.end(), known), "--resume ", readable(folder.string()),
        ": holds no checkpoint of ", kit::joined(models), ": give the folder that an earlier run wrote into");
}

bool parse(kit::Cli& cli, Settings& s, int argc, char** argv) {
  const std::string from_recipe = "the recipe's";
  cli.group(
      "Data",
      {{"pairs", &s.pairs, "tab-separated sentence pairs", {.value = "FILE", .shown_default = "number words"}},
       {"recipe",
        &s.recipe,
        "prepare pairs as PyTorch's tutorial does, or as the book (d2l)",
        {.choices = {"tutorial", "d2l"}}},
       {"direction",
        &s.direction,
        "direction of translation; en is the first column of --pairs",
        {.choices = {"fr-en", "en-fr"}, .shown_default = "fr-en, with d2l en-fr"}},
       {"dialect", &s.dialect, "words for 70, 80 and 90", {.choices = {"france", "belgium", "switzerland", "octante"}}},
       {"spelling",
        &s.spelling,
        "hyphens below a hundred only, or between all words",
        {.choices = {"traditional", "1990"}}},
       {"train-size",
        &s.train_size,
        "training sentences",
        {.min = 0, .max = 1e6, .shown_default = "30,000 numbers; all pairs; 600 with d2l"}},
       {"test-size", &s.test_size, "held-out test sentences (for --pairs at most a tenth)", {.min = 1, .max = 1e6}},
       {"resume", &s.resume, "resume from the checkpoints in this folder", {.value = "DIR"}}});
  cli.group(
      "Models",
      {{"model", &s.model, "the model to train", {.choices = {"all", "bahdanau", "transformer", "location", "none"}}},
       {"width", &s.width, "width of embeddings and states", {.min = 0, .max = 1e5, .shown_default = from_recipe}},
       {"layers",
        &s.layers,
        "layers of encoder and decoder; location has one",
        {.min = 0, .max = 1000, .shown_default = from_recipe}},
       {"dropout", &s.dropout, "dropout probability", {.min = 0, .max = 1, .shown_default = from_recipe}}});
  cli.group("Training",
            {{"batch", &s.batch, "sentences per step", {.min = 0, .max = 1e6, .shown_default = from_recipe}},
             {"lr", &s.lr, "peak learning rate", {.above = 0, .max = 1000, .shown_default = from_recipe}},
             {"teacher-forcing",
              &s.teacher_forcing,
              "fraction of steps in which the decoder is given the true words",
              {.min = 0, .max = 1, .shown_default = "1; 0.5 with the tutorial"}},
             {"eval-every", &s.eval_every, "steps between losses on test sentences", {.min = 1}},
             {"save-every", &s.save_every, "steps between checkpoints", {.min = 1}},
             kit::doctor_option(s.doctor)});
  cli.group("Writing", {{"beam", &s.search.beam, "beam width; 1 is greedy", {.min = 1, .max = 1000}},
                        {"length-penalty",
                         &s.search.length_penalty,
                         "length penalty; larger favours longer translations",
                         {.min = 0, .max = 1000}},
                        {"samples", &s.samples, "test sentences to print, and as many mistakes", {.min = 0}},
                        {"show",
                         &s.show,
                         "the sentence whose alignment is drawn",
                         {.shown_default = "quatre-vingt-dix-sept, or the first test pair"}}});
  cli.common(s.common);
  cli.example("translate --train-size 1000", "too few numbers for some of the models");
  cli.example("translate --dialect switzerland --direction en-fr", "ninety-seven is nonante-sept there");
  cli.example("translate --pairs fra.txt", "PyTorch's tutorial");
  cli.example("translate --pairs fra.txt --recipe d2l --model bahdanau", "the book's 600 sentences");
  cli.json_keys({{"exact_match", "fraction of test sentences right to the letter, by model"},
                 {"bleu", "BLEU of the test corpus, 0 … 1, by model"},
                 {"loss", "nats per word on the test sentences, by model"},
                 {"parameters", "number of parameters, by model"},
                 {"steps", "training steps taken, by model"},
                 {"seconds", "training time, wall clock, by model"},
                 {"d2l_sentences", "how many of the book's four sentences have BLEU 1, by model; with --recipe d2l"}});
  if (!cli.parse(argc, argv)) return false;
  cli.refuse_unused(
      {{s.pairs.empty(), {"recipe"}, "is for sentence pairs: give --pairs FILE as well"},
       {!s.pairs.empty(), {"dialect", "spelling"}, "for number words only: leave out with --pairs"},
       {s.recipe == "d2l", {"test-size"}, "the book tests on the training pairs: leave out with --recipe d2l"},
       {s.model == "transformer", {"teacher-forcing"}, "a transformer is always given the true words: leave out"},
       {s.model == "location", {"layers"}, "location has one layer: choose another --model"},
       {s.model == "none", {"show"}, "without attention no alignment is drawn: choose another --model"},
       {s.search.beam == 1, {"length-penalty"}, "is for beam search: give --beam above 1"}});
  return true;
}

void print_task(const kit::TranslationTask& task, const kit::Words& shown, const Settings& s) {
  std::cout << kit::task_text(task);
  if (s.task() == kit::TaskKind::numbers)
    std::cout << "spelling: "
              << (s.spelling == "1990" ? "1990, hyphens between all words" : "traditional, hyphens below a hundred")
              << ", as in " << kit::french_number(1071, french_of(s))
              << "; models read and write words, a rule adds the hyphens\n";
  for (const std::string& word : shown)
    if (task.source.encode({word})[0] == kit::WordVocab::unk)
      std::cout << "in the sentence whose alignment is drawn, " << quote(word)
                << " is in no model's vocabulary: it is read as <unk>\n";
  std::cout << '\n';
}

int run(int argc, char** argv) {
  Settings s;
  kit::Cli cli("translate", "Trains four models to translate number words, or the sentence pairs of a file.");
  if (!parse(cli, s, argc, argv)) return 0;
  kit::watch_interrupts();
  kit::RunFolder out(s.common.out);
  const fs::path loss_plot = out.file("loss.svg", "the loss of each model, step by step");
  const fs::path alignment = out.file("alignment.svg", "which source words each output word attends to");
  const fs::path page = out.file("attention.html", "the same for every layer and head: open it in a browser");
  std::vector<std::string> names = {"none", "location", "bahdanau", "transformer"};
  if (s.model != "all") names = {s.model};
  if (!s.resume.empty()) check_resumable(s.resume, names);

  const kit::TranslationTask task = kit::from_settings([&] { return make_task(s); });
  const bool d2l = s.task() == kit::TaskKind::d2l;
  for (const std::string& name : names) check_recipe(make_recipe(s, name, task), name, task);
  const kit::Words sentence = kit::from_option("--show", [&] { return shown_sentence(s, task); });
  print_task(task, sentence, s);

  int code = 0;  // of --doctor
  kit::RunPage overview(
      out, cli,
      {.loss_unit = "nats per word",
       .commands = {{"Resume, should it have stopped:", cli.command({{"resume", out.path().string()}})}}});
  kit::TranslationResults report;
  report.heat.title = report.page.title = "translate: " + kit::join_words(sentence);
  for (const std::string& name : names) {
    manual_seed(static_cast<uint64_t>(s.common.seed));
    Run run(task, name, s);
    const fs::path checkpoint = out.file(name + checkpoint_name, name + ": full training state, for --resume");
    const fs::path metrics = out.file(name + ".metrics.jsonl", name + ": the data of the plot");
    const fs::path weights = out.file(name + ".model.safetensors", name + ": the weights, for heed or PyTorch");
    const fs::path from = s.resume / checkpoint.filename();
    if (!s.resume.empty() && fs::exists(from)) run.resume(from);
    if (s.doctor) {
      const fs::path rates = out.file(name + ".learning_rates.svg", name + ": the loss after a few steps at each rate");
      code = std::max(code, kit::report_examination(run.examine(), rates, name));
      std::cout << '\n';
      continue;
    }
    overview.watch(name, metrics, run.recipe.steps);
    run.train(s, checkpoint, metrics, overview);
    const kit::Metric training = kit::read_metric(metrics, "loss");
    report.losses.push_back({name, training, kit::read_metric(metrics, "val_loss")});
    report.save_losses(loss_plot, task.name);
    if (kit::interrupted()) {
      std::cout << name << ", trained so far:\n"
                << kit::samples_text(task, kit::score_translator(*run.model, task, s.search, s.samples), s.samples,
                                     static_cast<uint64_t>(s.common.seed))
                << std::flush;
      out.print();
      std::cerr << "\nstopped " << name << " at step " << run.step << "; checkpoint saved. To resume:\n  "
                << cli.command({{"resume", out.path().string()}}) << std::endl;
      return kit::interrupt_exit_code();
    }
    nn::save(weights, run.model->state_dict());

    const kit::TranslationScore score = kit::score_translator(*run.model, task, s.search);
    std::cout << name << ": " << run.model->num_parameters() << " parameters, " << run.step << " steps in "
              << kit::clock_time(run.seconds) << ", loss " << kit::sparkline(training.values) << '\n'
              << kit::samples_text(task, score, s.samples, static_cast<uint64_t>(s.common.seed));
    if (s.task() == kit::TaskKind::tutorial) std::cout << kit::way_points_text(training.values, run.recipe.batch);
    if (d2l) {
      const std::vector<kit::JudgedSentence> judged = kit::judge_by_d2l(*run.model, task, s.search);
      std::cout << kit::judged_text(judged);
      report.d2l_sentences.emplace_back(name, kit::judged_right(judged));
    }
    report.add(name, run.model->num_parameters(), run.step, run.seconds, score);
    report.add(kit::align_words(*run.model, task, sentence, s.search), name);
  }

  if (s.doctor) return kit::end_examination(cli, out, code);
  std::cout << report.table << '\n';
  if (d2l) std::cout << kit::d2l_losses_text << '\n';
  if (!report.heat.panels.empty()) {
    kit::save_svg(alignment, report.heat);
    kit::save_attention_page(page, report.page);
  }
  overview.finish();
  out.print();
  cli.print_json({{"exact_match", report.exact_match},
                  {"bleu", report.bleu},
                  {"loss", report.loss},
                  {"parameters", report.parameters},
                  {"steps", report.steps},
                  {"seconds", report.seconds},
                  {"d2l_sentences", report.d2l_sentences}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
