// A Transformer that writes: it learns to predict the next character of a text, then continues it.
//
//     char_gpt --text input.txt                                     learn
//     char_gpt --load out/char_gpt/model.safetensors --prompt "ROMEO:"     write, without training
//     char_gpt --load out/char_gpt/model.safetensors --text other.txt --out out/other     train on with another text
//
// The model is a small GPT (nn/models/gpt.h); the recipe is nanoGPT's for a CPU: AdamW with decay on
// matrices only, a learning rate that warms up and then falls along a cosine, gradients clipped to norm
// 1. A loss alone says little, so it is printed beside the losses of models that only count
// (kit/data/metrics.h): guessing at random, counting characters, counting pairs. A model whose loss is
// above the last of these has learnt nothing yet.
//
// On tinyshakespeare (--text FILE) these settings are published with a validation loss of 1.88,
// estimated on 20 batches; over the whole split a PyTorch twin of this program reaches 1.91
// (tests/bench/peers/torch_char_gpt.py).
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

#include <heed/autograd/ops.h>
#include <heed/core/text.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/batches.h>
#include <heed/examples/kit/data/corpus.h>
#include <heed/examples/kit/data/datasets.h>
#include <heed/examples/kit/data/tables.h>
#include <heed/examples/kit/doctor.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/models/gpt_files.h>
#include <heed/examples/kit/models/gpt_report.h>
#include <heed/examples/kit/models/model_size.h>
#include <heed/examples/kit/pictures/model_page.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/resume.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/examples/kit/tokens/byte_pair.h>
#include <heed/examples/kit/tokens/char_tokeniser.h>
#include <heed/examples/kit/tokens/unicode.h>
#include <heed/examples/kit/writing.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/lora.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/resume.h>
#include <heed/optim/optim.h>

using namespace heed;
namespace fs = std::filesystem;

namespace {

struct Settings {
  kit::Common common{.seed = 1, .steps = 2000};
  fs::path text, load, tokenizer, resume;
  std::string tokens = "characters";
  int64_t vocab = 512;  // of byte pairs
  int64_t layers = 4, heads = 4, width = 128, context = 64, batch = 12;
  double dropout = 0.0, lr = 1e-3, final_lr = 1e-4, weight_decay = 0.1, clip = 1.0;
  int64_t accumulate = 1, warmup = 100, eval_every = 250, save_every = 500, stop_at = 0;
  int64_t lora = 0, freeze = 0;
  bool doctor = false;
  kit::WritingOptions writing{.sampling = {.temperature = 0.8}, .begin_with_bos = false};

  bool trains() const { return load.empty() || !text.empty() || !resume.empty(); }
};

// Mean loss over at most `limit` non-overlapping windows of the ids; every position counts.
double evaluate(nn::GPT& model, const kit::Ids& ids, int64_t limit = INT64_MAX) {
  const NoGrad no_history;
  model.eval();
  kit::Ids starts = kit::covering_starts(ids, model.options.context);
  if (static_cast<int64_t>(starts.size()) > limit) starts.resize(static_cast<size_t>(limit));
  double total = 0;
  for (size_t at = 0; at < starts.size(); at += 64) {
    const kit::Ids some(starts.begin() + static_cast<int64_t>(at),
                        starts.begin() + static_cast<int64_t>(std::min(at + 64, starts.size())));
    const auto [inputs, targets] = kit::windows(ids, some, model.options.context);
    total += nn::cross_entropy(model(inputs), targets).item() * static_cast<double>(some.size());
  }
  model.train();
  return total / static_cast<double>(starts.size());
}

// Options that must be equal for a resumed run to be the same run. (--steps may be larger: the run is continued.)
const std::vector<std::string> same_in_a_run = {"tokens",       "vocab",      "layers", "heads",  "width",    "context",
                                                "batch",        "accumulate", "seed",   "lr",     "final-lr", "warmup",
                                                "weight-decay", "dropout",    "lora",   "freeze", "clip"};

// The model itself, to type into. It begins with the beginning of the validation text.
void write_live_page(const nn::GPT& model, const kit::Ids& validation, const kit::Tokeniser& tokeniser,
                     const fs::path& file) {
  const kit::Ids ids(validation.begin(), validation.begin() + std::min<int64_t>(model.options.context, 48));
  kit::write_model_page(
      file, model, tokeniser,
      {.title = "char_gpt: a model to type into",
       .note = "Type a text: the model says what comes next, and shows how it gets there. Everything is "
               "computed in this page, with the weights inside it.",
       .text = tokeniser.decode(ids),
       .begin_with_bos = false});
}

// The whole state of a run: it can stop at any step and resume as if it had never stopped.
struct Run {
  nn::GPT model;
  optim::AdamW adamw;
  optim::WarmupCosineLR schedule;
  Generator data;  // draws the batches; the default generator draws initial values and dropout
  int64_t step = 0;
  kit::Traits traits;  // what must be equal for a resumed run to be the same run

  Run(const Settings& s, nn::GPT model_, kit::Traits traits_)
      : model(std::move(model_)),
        adamw(groups(s), {.lr = s.lr, .beta2 = 0.99}),
        schedule(adamw, {.warmup = s.warmup, .decay = std::max(s.common.steps, s.warmup), .final_lr = s.final_lr}),
        data(static_cast<uint64_t>(s.common.seed)),
        traits(std::move(traits_)) {}

  std::vector<optim::ParamGroup> groups(const Settings& s) const {
    const nn::DecayGroups g = nn::decay_groups(model);
    return {{g.decay, std::nullopt, s.weight_decay}, {g.no_decay, std::nullopt, 0.0}};
  }

  // The batch is passed through the model in `accumulate` parts, one after another: backward() adds up
  // their gradients, and each part's loss is divided by their number, so the sum is the mean over the batch.
  double train_step(const Settings& s, const kit::Ids& ids) {
    const kit::Ids starts = kit::random_starts(ids, s.context, s.batch * s.accumulate, data);
    double mean_loss = 0;
    adamw.zero_grad();
    for (auto part = starts.begin(); part != starts.end(); part += s.batch) {
      const auto [inputs, targets] = kit::windows(ids, {part, part + s.batch}, s.context);
      const Tensor loss = nn::cross_entropy(model(inputs), targets) / static_cast<double>(s.accumulate);
      loss.backward();
      mean_loss += loss.item();
    }
    optim::clip_grad_norm(model.parameters(), s.clip, {.error_if_nonfinite = true});
    adamw.step();
    schedule.step();
    ++step;
    return mean_loss;
  }

  // The default generator is saved too.
  std::vector<nn::Part> parts() {
    return {{"model", model}, {"optimizer", adamw}, {"schedule", schedule}, {"data", data}, {"step", step}};
  }

  void save(const fs::path& file) { nn::save_checkpoint(file, parts(), kit::metadata_of(traits)); }

  void resume(const fs::path& file, int64_t steps) {
    const nn::Checkpoint saved = nn::load(file);
    kit::check_same_run(file, saved.metadata, traits);
    kit::check_weights(saved.state, file.string(), "model.");
    nn::load_checkpoint(saved, parts());
    schedule.set_steps(step);  // --steps may have been raised
    kit::check_steps_left(step, steps);
  }
};

// What is wrong with this run? Seen on its first batches.
nn::Report examine(Run& run, const Settings& s, const kit::Ids& ids) {
  Generator data = run.data;
  std::vector<nn::Batch> batches;
  for (int i = 0; i < 3; ++i) {
    const auto [inputs, targets] = kit::windows(ids, kit::random_starts(ids, s.context, s.batch, data), s.context);
    batches.push_back({inputs, targets});
  }
  const auto loss = [&](const nn::Batch& b) { return nn::cross_entropy(run.model(b.inputs), b.targets); };
  return nn::examine(run.model, loss, run.adamw, batches,
                     {.untrained = s.load.empty() && run.step == 0,
                      .before_step = [&] { optim::clip_grad_norm(run.model.parameters(), s.clip); }});
}

// Trains up to the last step, --stop-at or an interruption, saving a checkpoint every so often.
void train(Run& run, const Settings& s, const kit::Corpus& corpus, const kit::Tokeniser& tokeniser,
           const fs::path& checkpoint, const fs::path& metrics, kit::RunPage& overview) {
  kit::MetricsLog log(metrics, run.step);
  kit::Progress progress("training", s.common.steps, {.quiet = s.common.quiet});
  progress.start_at(run.step);
  while (run.step < s.common.steps && !kit::interrupted()) {
    const double loss = run.train_step(s, corpus.training);
    progress.update(run.step, "loss", loss);
    log.write(run.step, {{"loss", loss}, {"lr", run.schedule.lr()}});
    if (run.step % s.eval_every == 0 || run.step == s.common.steps) {
      const double loss_now = evaluate(run.model, corpus.validation, 64);
      progress.show("validation", loss_now);
      log.write(run.step, {{"val_loss", loss_now}});
    }
    const bool saves = run.step % s.save_every == 0;
    if (saves && s.writing.tokens > 0)
      log.write_sample(run.step, kit::sample_text(kit::generates(run.model), tokeniser, s.writing));
    if (run.step == s.stop_at) break;
    if (!saves) continue;
    run.save(checkpoint);
    overview.save(run.step);
  }
  run.save(checkpoint);
}

// A loaded model has its own sizes and tokens, and alone it only writes.
void refuse_unused(const kit::Cli& cli, const Settings& s) {
  const bool loads = !s.load.empty();
  cli.refuse_unused(
      {{loads,
        {"layers", "heads", "width", "context", "dropout"},
        "a loaded model has its own: a new model, without --load, can have others"},
       {loads, {"tokens", "vocab"}, "a loaded model has its own tokens: a new model, without --load, can have others"},
       {s.tokens != "bpe", {"vocab"}, "is for byte pairs, characters are as many as the text has: give --tokens bpe"},
       {!loads, {"tokenizer"}, "is for a loaded model: give the model with --load"},
       {!loads, {"lora", "freeze"}, "for a trained model: give it with --load"},
       {!s.trains(),
        {"lora", "freeze", "batch", "accumulate", "lr", "final-lr", "warmup", "weight-decay", "clip", "eval-every",
         "save-every", "stop-at", "doctor", "steps"},
        "with --load alone nothing is trained: give a text with --text (how much is written is --characters)"},
       {s.trains() && s.writing.tokens == 0, {"prompt"}, "nothing is written with --characters 0: give a larger one"}});
  cli.refuse_unused(kit::unused_writing_options(s.writing, "--characters"));
  check<kit::UsageError>(s.lora == 0 || s.freeze == 0,
                         "--lora, --freeze: give one of them: --lora leaves all of the model as it is");
  check<kit::UsageError>(s.stop_at <= s.common.steps, "--stop-at ", s.stop_at, ": the run ends at --steps ",
                         s.common.steps, ": give at most as many");
}

bool parse(kit::Cli& cli, Settings& s, int argc, char** argv) {
  cli.group(
      "Data",
      {{"text", &s.text, "text to learn from; by default heed's own source code"},
       {"tokens",
        &s.tokens,
        "what a text is cut into; bpe: byte pairs, learnt from the text",
        {.choices = {"characters", "bpe"}}},
       {"vocab", &s.vocab, "number of byte pairs", {.min = 256, .max = 1e6}},
       {"load", &s.load,
        "a trained model to write with or, with --text, to train on; a file of this program or a GPT-2"},
       {"tokenizer", &s.tokenizer, "tokens of the loaded model", {.value = "FILE", .shown_default = "those in it"}},
       {"resume", &s.resume, "resume from this checkpoint"}});
  cli.group("Model (a loaded one has its own sizes)",
            {{"layers", &s.layers, "Transformer blocks", {.min = 1, .max = 1000}},
             {"heads", &s.heads, "attention heads per block", {.min = 1, .max = 1e5}},
             {"width", &s.width, "embedding width", {.min = 1, .max = 1e5}},
             {"context", &s.context, "tokens seen at once", {.min = 1, .max = 1e6}},
             {"dropout", &s.dropout, "dropout probability", {.min = 0, .max = 1}}});
  cli.group("Training",
            {{"batch", &s.batch, "windows of text per batch", {.min = 1, .max = 1e6}},
             {"accumulate", &s.accumulate, "batches whose gradients are added up for one step", {.min = 1, .max = 1e6}},
             {"lr", &s.lr, "peak learning rate", {.above = 0, .max = 1000}},
             {"final-lr", &s.final_lr, "learning rate at the last step", {.min = 0, .max = 1000}},
             {"warmup", &s.warmup, "steps up to the peak learning rate", {.min = 0, .max = 1e9}},
             {"weight-decay", &s.weight_decay, "weight decay of matrices", {.min = 0, .max = 1000}},
             {"clip", &s.clip, "clip the gradient to this norm", {.above = 0, .max = 1e30}},
             {"lora",
              &s.lora,
              "adapt a loaded model with matrices of this rank only, best with --lr 3e-3; 0: train all of it",
              {.min = 0, .max = 1e5}},
             {"freeze",
              &s.freeze,
              "leave the embeddings and this many blocks of a loaded model as they are",
              {.min = 0, .max = 1000}},
             {"eval-every", &s.eval_every, "steps between validation losses", {.min = 1}},
             {"save-every", &s.save_every, "steps between checkpoints", {.min = 1}},
             {"stop-at", &s.stop_at, "save and stop at this step, to resume later; 0: never", {.min = 0}},
             kit::doctor_option(s.doctor)});
  std::vector<kit::Option> writing = kit::writing_options(s.writing);
  writing.front().rules.shown_default = "a newline, or the text's first character";
  writing.push_back({"characters", &s.writing.tokens, "characters, or other tokens, to write", {.min = 0, .max = 1e9}});
  cli.group("Writing", writing);
  cli.common(s.common);
  cli.example("char_gpt --text input.txt", "learn another text");
  cli.example("char_gpt --load out/char_gpt/model.safetensors --prompt \"Once\"", "write, without training");
  cli.example("char_gpt --load out/char_gpt/model.safetensors --text other.txt --out out/other",
              "train on with another text");
  cli.example("char_gpt --doctor", "is anything wrong with this run?");
  cli.example("char_gpt --resume out/char_gpt/checkpoint.safetensors", "resume after an interruption");
  cli.json_keys({{"val_loss", "nats per token over the whole validation split"},
                 {"bits_per_character", "the same in bits per character"},
                 {"train_loss", "nats per token over an equal amount of training text"},
                 {"steps", "training steps taken"},
                 {"tokens_per_s", "training speed"},
                 {"seconds", "training time, wall clock"},
                 {"parameters", "number of parameters"},
                 {"uniform_loss", "loss of guessing at random"},
                 {"unigram_loss", "loss of counting tokens"},
                 {"bigram_loss", "loss of counting pairs of tokens; null for large vocabularies"},
                 {"text", "what it writes"},
                 {"writing_tokens_per_s", "writing speed"}});
  if (!cli.parse(argc, argv)) return false;
  refuse_unused(cli, s);
  return true;
}

// A loaded model keeps its sizes, and what --freeze and --lora name does not change.
void adapt(nn::GPT& model, const Settings& s) {
  if (s.freeze > 0) {
    check<kit::UsageError>(s.freeze <= model.options.layers, "--freeze ", s.freeze, ": the model has ",
                           model.options.layers, " blocks: give at most as many");
    model.wte.requires_grad(false), model.wpe.requires_grad(false);
    for (int64_t i = 0; i < s.freeze; ++i) model.h[static_cast<size_t>(i)].requires_grad(false);
  }
  check<kit::UsageError>(s.lora <= model.options.width, "--lora ", s.lora, ": no matrix of the model has a rank above ",
                         model.options.width, ", its width: give less");
  if (s.lora > 0) nn::add_low_rank(model, {.rank = s.lora, .alpha = 2.0 * static_cast<double>(s.lora)});
}

kit::Written write(nn::GPT& model, const kit::Tokeniser& tokeniser, const Settings& s) {
  model.eval();
  std::cout << "\nit writes:\n";
  kit::Written written = kit::write_text(kit::generates(model), tokeniser, s.writing, std::cout);
  std::cout << "\n\n";
  model.train();
  return written;
}

// With --load alone.
int only_write(const kit::Cli& cli, nn::GPT& model, const kit::Tokeniser& tokeniser, const Settings& s) {
  const kit::Written written = write(model, tokeniser, s);
  if (!s.common.quiet) std::cerr << kit::fixed(written.tokens_per_s, 1) << " tokens/s\n";
  cli.print_json_partly(
      {{"parameters", model.num_parameters()}, {"text", written.text}, {"writing_tokens_per_s", written.tokens_per_s}});
  return kit::interrupt_exit_code();
}

int run(int argc, char** argv) {
  Settings s;
  kit::Cli cli("char_gpt", "Trains a small Transformer to write text, one character at a time.");
  if (!parse(cli, s, argc, argv)) return 0;
  s.writing.seed = static_cast<uint64_t>(s.common.seed);
  manual_seed(s.writing.seed);
  kit::watch_interrupts();

  std::unique_ptr<kit::Tokeniser> tokeniser;
  std::optional<nn::GPT> loaded;
  if (!s.load.empty()) {
    kit::LoadedGPT gpt = kit::load_gpt(s.load, s.tokenizer, {}, "--load");
    tokeniser = std::move(gpt.tokeniser.tokeniser);
    loaded = std::move(gpt.model);
    const nn::GPTOptions& o = loaded->options;
    s.layers = o.layers, s.heads = o.heads, s.width = o.width, s.context = o.context, s.dropout = o.dropout;
    if (s.writing.prompt.empty() && !tokeniser->bos()) s.writing.prompt = kit::first_prompt(*tokeniser);
    kit::prompt_ids(*tokeniser, s.writing);  // judged now
    check<kit::UsageError>(!s.trains() || !s.resume.empty() || !fs::exists(s.common.out / "model.safetensors") ||
                               !fs::equivalent(s.common.out / "model.safetensors", kit::ModelFiles(s.load).weights),
                           "--load ", quote(s.load.string()),
                           ": would be replaced by what is learnt: give another folder with --out");
    if (!s.trains()) return only_write(cli, *loaded, *tokeniser, s);
  }

  kit::RunFolder out(s.common.out);
  const fs::path loss_plot = out.file("loss.svg", "the loss, step by step");
  const fs::path page = out.file("attention.html", "what each head attends to: open it in a browser");
  const fs::path insides = out.file("insides.svg", "its weights, last gradients, and attention by distance");
  const fs::path live_page = out.file("model.html", "the model itself, to type into: open it in a browser");
  const fs::path weights = out.file("model.safetensors", "the model, for --load or PyTorch");
  const fs::path checkpoint = out.file("checkpoint.safetensors", "full training state, for --resume");
  const fs::path metrics = out.file("metrics.jsonl", "the data of the plot");

  const std::string text = s.text.empty() ? kit::source_tree_text() : kit::read_text(s.text);
  if (!tokeniser && s.tokens == "bpe")
    tokeniser = std::make_unique<kit::BytePairTokeniser>(kit::BytePairTokeniser::train(text, s.vocab));
  if (!tokeniser) tokeniser = std::make_unique<kit::CharTokeniser>(text);
  const kit::Corpus corpus(text, *tokeniser, s.context);
  const nn::GPTOptions sizes = loaded ? loaded->options
                                      : nn::GPTOptions{.vocab = tokeniser->size(),
                                                       .context = s.context,
                                                       .width = s.width,
                                                       .heads = s.heads,
                                                       .layers = s.layers,
                                                       .dropout = s.dropout};
  kit::check_training(sizes, s.batch, s.accumulate);
  if (s.writing.prompt.empty())
    s.writing.prompt = text.find('\n') != std::string::npos ? "\n" : text.substr(0, kit::first_character(text).length);
  kit::prompt_ids(*tokeniser, s.writing);  // judged before training
  const kit::CountingLosses counting(corpus, sizes.vocab);

  if (loaded) adapt(*loaded, s);
  kit::Traits traits = kit::option_traits(cli, same_in_a_run);
  traits.insert(traits.begin(), {"text_hash", corpus.hash, "text", false,
                                 s.text.empty() ? "--text; unless given, heed's own source" : ""});
  Run run(s, loaded ? std::move(*loaded) : nn::GPT(sizes), std::move(traits));
  if (!s.resume.empty()) run.resume(s.resume, s.common.steps);
  const bool by_character = dynamic_cast<const kit::CharTokeniser*>(tokeniser.get()) != nullptr;
  const std::string unit = by_character ? "character" : s.tokens == "bpe" ? "byte pair" : "token";
  std::cout << "text: " << kit::grouped(static_cast<int64_t>(corpus.training.size() + corpus.validation.size())) << ' '
            << unit << "s, a vocabulary of " << sizes.vocab << "; model: " << kit::grouped(run.model.num_parameters())
            << " parameters" << (s.lora || s.freeze ? " to train" : "") << '\n';

  if (s.doctor) {
    const fs::path rates = out.file("learning_rates.svg", "the loss after a few steps at each learning rate");
    return kit::end_examination(cli, out, kit::report_examination(examine(run, s, corpus.training), rates));
  }

  const std::string in_nats = unit == "character" ? "nats per character" : "nats per token";
  const std::string prompt = cli.given("prompt") ? s.writing.prompt : kit::first_word(text);
  kit::Cli::NamesAndValues with_it = {{"load", weights.string()}};
  if (!prompt.empty()) with_it.emplace_back("prompt", prompt);
  kit::RunPage overview(
      out, cli,
      {.loss_unit = in_nats,
       .commands = {{"Write with the model, once the run has ended:", cli.bare_command(with_it)},
                    {"Resume, should it have stopped:", cli.command({{"resume", checkpoint.string()}})}}});
  overview.baseline(counting.unigram, "counting one by one");
  if (counting.bigram) overview.baseline(*counting.bigram, "counting pairs");
  overview.watch("", metrics, s.common.steps);

  const auto begin = std::chrono::steady_clock::now();
  const int64_t first = run.step;
  train(run, s, corpus, *tokeniser, checkpoint, metrics, overview);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const bool stopped = kit::interrupted() || run.step < s.common.steps;

  kit::save_gpt_losses(loss_plot, metrics, counting, in_nats);
  if (s.lora) nn::merge_low_rank(run.model);
  kit::save_gpt(weights, run.model, *tokeniser);
  const std::string to_write = "To write with it:\n  " + cli.bare_command(with_it);
  overview.save(run.step, stopped ? kit::RunState::stopped : kit::RunState::finished);
  if (stopped) {
    if (s.writing.tokens > 0) write(run.model, *tokeniser, s);
    out.print();
    std::cerr << "\nstopped at step " << run.step << "; checkpoint and model saved. " << to_write << "\nTo resume:\n  "
              << cli.command({{"stop-at", ""}, {"resume", checkpoint.string()}}) << std::endl;
    return kit::interrupt_exit_code();
  }

  const double val_loss = evaluate(run.model, corpus.validation);
  const double train_loss =
      evaluate(run.model, corpus.training, static_cast<int64_t>(corpus.validation.size()) / s.context);
  kit::print_losses(std::cout, val_loss, train_loss, counting, corpus, unit == "character" ? unit : "token");
  const kit::Written written = s.writing.tokens > 0 ? write(run.model, *tokeniser, s) : kit::Written();

  kit::save_gpt_attention(page, insides, run.model, *tokeniser, corpus.validation);
  if (run.model.num_parameters() <= kit::largest_model_page)
    write_live_page(run.model, corpus.validation, *tokeniser, live_page);
  overview.finish();
  out.print();
  std::cout << '\n' << to_write << '\n';
  if (run.step > 0)
    std::cout << "To take more steps:\n  "
              << cli.command(
                     {{"stop-at", ""}, {"steps", std::to_string(2 * run.step)}, {"resume", checkpoint.string()}})
              << '\n';
  const double tokens = static_cast<double>((run.step - first) * s.batch * s.accumulate * s.context);
  cli.print_json({{"val_loss", val_loss},
                  {"bits_per_character", corpus.bits_per_character(val_loss)},
                  {"train_loss", train_loss},
                  {"steps", run.step},
                  {"tokens_per_s", tokens / seconds},
                  {"seconds", seconds},
                  {"parameters", run.model.num_parameters()},
                  {"uniform_loss", counting.uniform},
                  {"unigram_loss", counting.unigram},
                  {"bigram_loss", counting.bigram ? kit::Json(*counting.bigram) : kit::Json()},
                  {"text", written.text},
                  {"writing_tokens_per_s", written.tokens_per_s}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
