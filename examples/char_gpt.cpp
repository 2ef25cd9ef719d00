// A Transformer that writes: it learns to predict the next character of a text, then continues it.
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
#include <heed/examples/kit/data/datasets.h>
#include <heed/examples/kit/data/metrics.h>
#include <heed/examples/kit/data/sampling.h>
#include <heed/examples/kit/data/tables.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/resume.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/resume.h>
#include <heed/optim/optim.h>

using namespace heed;
namespace fs = std::filesystem;

namespace {

struct Settings {
  kit::Common common{.seed = 1, .steps = 2000};
  fs::path text, resume;
  int64_t layers = 4, heads = 4, width = 128, context = 64, batch = 12;
  double dropout = 0.0, lr = 1e-3, final_lr = 1e-4, weight_decay = 0.1, clip = 1.0;
  int64_t accumulate = 1, warmup = 100, eval_every = 250, save_every = 500, stop_at = 0;
  int64_t characters = 300;
  std::string prompt;  // empty: a newline, or the text's first character
  kit::SamplingOptions sampling{.temperature = 0.8};
};

// The text, as ids; its last tenth is for validation.
struct Corpus {
  std::string text;
  kit::CharVocab vocab;
  kit::Ids training, validation;

  Corpus(std::string text_, int64_t context) : text(std::move(text_)), vocab(text) {
    const kit::Ids ids = vocab.encode(text);
    const auto cut = ids.begin() + static_cast<int64_t>(0.9 * static_cast<double>(ids.size()));
    training.assign(ids.begin(), cut);
    validation.assign(cut, ids.end());
    check<kit::UsageError>(static_cast<int64_t>(validation.size()) > context, "--text: has ", ids.size(),
                           " characters: its last tenth must be longer than --context ", context,
                           ": take a longer text or a shorter context");
  }

  std::string default_prompt() const {
    return text.find('\n') != std::string::npos ? "\n" : vocab.decode({training[0]});
  }

  // Identifies the text in a checkpoint (FNV-1a).
  std::string hash() const {
    uint64_t h = 14695981039346656037ull;
    for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
    return std::to_string(h);
  }
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

// `prompt` continued, one character at a time. (A Ctrl-C ends it, but not the one that ended the training.)
std::string write_text(nn::GPT& model, const kit::CharVocab& vocab, const Settings& s, Generator& generator) {
  const NoGrad no_history;
  model.eval();
  kit::Ids ids = vocab.encode(s.prompt);
  const bool before = kit::interrupted();
  for (int64_t i = 0; i < s.characters && kit::interrupted() == before; ++i) {
    const auto seen = std::min<int64_t>(static_cast<int64_t>(ids.size()), s.context);
    const Tensor window = tensor_i64(kit::Ids(ids.end() - seen, ids.end()), {1, seen});
    const Tensor logits = model(window)[0][seen - 1];
    const std::vector<double> values = logits.to_vector();
    ids.push_back(kit::sample({values.begin(), values.end()}, rand({}, generator, Dtype::f64).item(), s.sampling));
  }
  model.train();
  return vocab.decode(ids);
}

// What every head attends to while the model reads the beginning of the validation text.
void draw_attention(nn::GPT& model, const Corpus& corpus, const fs::path& file) {
  const NoGrad no_history;
  const int64_t n = std::min<int64_t>(model.options.context, 48);
  const kit::Ids ids(corpus.validation.begin(), corpus.validation.begin() + n);
  nn::AttentionTrace trace;
  model.eval();
  model(tensor_i64(ids, {1, n}));
  model.train();

  kit::AttentionSet heads{.name = "self", .queries = corpus.vocab.tokens(ids), .keys = corpus.vocab.tokens(ids)};
  heads.allowed = kit::causal_mask(n, n);
  for (const nn::AttentionEntry& entry : trace.entries()) {
    heads.layers.emplace_back();
    for (int64_t h = 0; h < entry.weights.size(1); ++h) {
      const std::vector<double> weights = entry.weights[0][h].to_vector();
      heads.layers.back().emplace_back(weights.begin(), weights.end());
    }
  }
  kit::save_attention_page(file,
                           {.title = "char_gpt: which character attends to which",
                            .note = "Each character is a query that attends to itself and to the characters before it.",
                            .sets = {heads}});
}

// The whole state of a run: it can stop at any step and resume as if it had never stopped.
struct Run {
  nn::GPT model;
  optim::AdamW adamw;
  optim::WarmupCosineLR schedule;
  Generator data;  // draws the batches; the default generator draws initial values and dropout
  int64_t step = 0;

  Run(const Settings& s, int64_t vocab)
      : model({.vocab = vocab,
               .context = s.context,
               .width = s.width,
               .heads = s.heads,
               .layers = s.layers,
               .dropout = s.dropout}),
        adamw(groups(s), {.lr = s.lr, .beta2 = 0.99}),
        schedule(adamw, {.warmup = s.warmup, .decay = std::max(s.common.steps, s.warmup), .final_lr = s.final_lr}),
        data(static_cast<uint64_t>(s.common.seed)) {}

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

  void save(const fs::path& file, const Settings& s, const Corpus& corpus) {
    nn::save_checkpoint(file, parts(), kit::metadata_of(traits(s, corpus)));
  }

  void resume(const fs::path& file, const Settings& s, const Corpus& corpus) {
    const nn::Checkpoint saved = nn::load(file);
    kit::check_same_run(file, saved.metadata, traits(s, corpus));
    nn::load_checkpoint(saved, parts());
    schedule.set_steps(step);  // --steps may have been raised
    kit::check_steps_left(step, s.common.steps);
  }

  // What must be equal for a resumed run to be the same run. (--steps may be larger: the run is continued.)
  static kit::Traits traits(const Settings& s, const Corpus& corpus) {
    return {{"text_hash", corpus.hash(), "text"},
            {"layers", std::to_string(s.layers)},
            {"heads", std::to_string(s.heads)},
            {"width", std::to_string(s.width)},
            {"context", std::to_string(s.context)},
            {"batch", std::to_string(s.batch)},
            {"accumulate", std::to_string(s.accumulate)},
            {"seed", std::to_string(s.common.seed)},
            {"lr", kit::shortest(s.lr)},
            {"final_lr", kit::shortest(s.final_lr)},
            {"warmup", std::to_string(s.warmup)},
            {"weight_decay", kit::shortest(s.weight_decay)},
            {"dropout", kit::shortest(s.dropout)},
            {"clip", kit::shortest(s.clip)}};
  }
};

// Trains up to the last step, --stop-at or an interruption, saving a checkpoint every so often.
void train(Run& run, const Settings& s, const Corpus& corpus, const fs::path& checkpoint, const fs::path& metrics) {
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
    if (run.step == s.stop_at) break;
    if (run.step % s.save_every == 0) run.save(checkpoint, s, corpus);
  }
  run.save(checkpoint, s, corpus);
}

bool parse(kit::Cli& cli, Settings& s, int argc, char** argv) {
  cli.group("Data", {{"text", &s.text, "text to learn from; by default heed's own source code"},
                     {"resume", &s.resume, "resume from this checkpoint"}});
  cli.group("Model", {{"layers", &s.layers, "Transformer blocks", {.min = 1, .max = 1000}},
                      {"heads", &s.heads, "attention heads per block", {.min = 1, .max = 1e5}},
                      {"width", &s.width, "embedding width", {.min = 1, .max = 1e5}},
                      {"context", &s.context, "characters seen at once", {.min = 1, .max = 1e6}},
                      {"dropout", &s.dropout, "dropout probability", {.min = 0, .max = 1}}});
  cli.group("Training",
            {{"batch", &s.batch, "windows of text per batch", {.min = 1, .max = 1e6}},
             {"accumulate", &s.accumulate, "batches whose gradients are added up for one step", {.min = 1, .max = 1e6}},
             {"lr", &s.lr, "peak learning rate", {.above = 0, .max = 1000}},
             {"final-lr", &s.final_lr, "learning rate at the last step", {.min = 0, .max = 1000}},
             {"warmup", &s.warmup, "steps up to the peak learning rate", {.min = 0, .max = 1e9}},
             {"weight-decay", &s.weight_decay, "weight decay of matrices", {.min = 0, .max = 1000}},
             {"clip", &s.clip, "clip the gradient to this norm", {.above = 0, .max = 1e30}},
             {"eval-every", &s.eval_every, "steps between validation losses", {.min = 1}},
             {"save-every", &s.save_every, "steps between checkpoints", {.min = 1}},
             {"stop-at", &s.stop_at, "save and stop at this step, to resume later; 0: never", {.min = 0}}});
  cli.group("Writing",
            {{"prompt", &s.prompt, "text to continue", {.shown_default = "a newline, or the text's first character"}},
             {"characters", &s.characters, "characters to write at the end", {.min = 0, .max = 1e9}},
             {"temperature", &s.sampling.temperature, "sampling temperature; 0 always takes the likeliest", {.min = 0}},
             {"top-k", &s.sampling.top_k, "keep the k likeliest characters; 0: all", {.min = 0}},
             {"top-p",
              &s.sampling.top_p,
              "nucleus sampling: keep the likeliest characters whose probabilities add up to this",
              {.above = 0, .max = 1}}});
  cli.common(s.common);
  cli.example("char_gpt --text input.txt", "learn another text");
  cli.example("char_gpt --resume out/char_gpt/checkpoint.safetensors", "resume after an interruption");
  cli.json_keys({{"val_loss", "nats per character over the whole validation split"},
                 {"bits_per_character", "the same in bits"},
                 {"train_loss", "the same over an equal amount of training text"},
                 {"steps", "training steps taken"},
                 {"tokens_per_s", "training speed, in characters per second"},
                 {"seconds", "training time, wall clock"},
                 {"parameters", "number of parameters"},
                 {"uniform_loss", "loss of guessing at random"},
                 {"unigram_loss", "loss of counting characters"},
                 {"bigram_loss", "loss of counting pairs of characters"}});
  return cli.parse(argc, argv);
}

// What can be checked before a model is built.
void check_settings(Settings& s, const Corpus& corpus) {
  check<kit::UsageError>(s.width % s.heads == 0, "--heads ", s.heads, ": every head gets an equal part of --width ",
                         s.width, ": give a divisor of it");
  const int64_t vocabulary = corpus.vocab.size(), tokens = s.batch * s.context;
  kit::check_memory(kit::transformer_parameters(s.layers, s.width) +
                        static_cast<double>(s.width) * static_cast<double>(vocabulary + s.context),
                    kit::transformer_values(s.layers, s.width, tokens) +
                        3.0 * static_cast<double>(tokens) * static_cast<double>(vocabulary) +
                        2.0 * static_cast<double>(s.batch) * static_cast<double>(s.accumulate));
  if (s.prompt.empty()) s.prompt = corpus.default_prompt();
  kit::from_option("--prompt", [&] { return corpus.vocab.encode(s.prompt); });
}

int run(int argc, char** argv) {
  Settings s;
  kit::Cli cli("char_gpt", "Trains a small Transformer to write text, one character at a time.");
  if (!parse(cli, s, argc, argv)) return 0;
  manual_seed(static_cast<uint64_t>(s.common.seed));
  kit::watch_interrupts();

  kit::RunFolder out(s.common.out);
  const fs::path loss_plot = out.file("loss.svg", "the loss, step by step");
  const fs::path page = out.file("attention.html", "what each head attends to: open it in a browser");
  const fs::path weights = out.file("model.safetensors", "the weights, for heed or PyTorch");
  const fs::path checkpoint = out.file("checkpoint.safetensors", "full training state, for --resume");
  const fs::path metrics = out.file("metrics.jsonl", "the data of the plot");

  const Corpus corpus(s.text.empty() ? kit::source_tree_text() : kit::read_text(s.text), s.context);
  check_settings(s, corpus);
  const double uniform = kit::uniform_nats(corpus.vocab.size());
  const double unigram = kit::unigram_nats(corpus.training, corpus.validation, corpus.vocab.size());
  const double bigram = kit::bigram_nats(corpus.training, corpus.validation, corpus.vocab.size());

  Run run(s, corpus.vocab.size());
  if (!s.resume.empty()) run.resume(s.resume, s, corpus);
  std::cout << "text: " << kit::grouped(static_cast<int64_t>(corpus.training.size() + corpus.validation.size()))
            << " characters, " << corpus.vocab.size()
            << " of them distinct; model: " << kit::grouped(run.model.num_parameters()) << " parameters\n";

  const auto begin = std::chrono::steady_clock::now();
  const int64_t first = run.step;
  train(run, s, corpus, checkpoint, metrics);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const bool stopped = kit::interrupted() || run.step < s.common.steps;

  kit::save_svg(loss_plot, {.title = "char_gpt: loss while training",
                            .panels = {kit::loss_plot({{.training = kit::read_metric(metrics, "loss"),
                                                        .validation = kit::read_metric(metrics, "val_loss")}},
                                                      {{bigram, "counting pairs"}})}});
  const auto show_samples = [&] {
    if (s.characters == 0) return;
    Generator sampler(static_cast<uint64_t>(s.common.seed));
    std::cout << "\nit writes:\n" << harmless(write_text(run.model, corpus.vocab, s, sampler)) << "\n\n";
  };
  if (stopped) {
    show_samples();
    out.print();
    std::cerr << "\nstopped at step " << run.step << "; checkpoint saved. To resume:\n  "
              << cli.command("resume", checkpoint.string()) << std::endl;
    return kit::interrupt_exit_code();
  }

  const double val_loss = evaluate(run.model, corpus.validation);
  const double train_loss =
      evaluate(run.model, corpus.training, static_cast<int64_t>(corpus.validation.size()) / s.context);
  std::cout << "\nloss, in nats per character (lower is better)\n"
            << "  this model, validation   " << kit::fixed(val_loss, 4) << "   ("
            << kit::fixed(kit::bits_per_character(val_loss), 3) << " bits, perplexity "
            << kit::fixed(kit::perplexity(val_loss), 2) << ")\n"
            << "  this model, training     " << kit::fixed(train_loss, 4) << '\n'
            << "  counting pairs           " << kit::fixed(bigram, 4) << '\n'
            << "  counting characters      " << kit::fixed(unigram, 4) << '\n'
            << "  guessing                 " << kit::fixed(uniform, 4) << '\n';
  show_samples();

  nn::save(weights, run.model.state_dict(), {{"vocabulary", corpus.vocab.symbols()}});
  draw_attention(run.model, corpus, page);
  out.print();
  const double tokens = static_cast<double>((run.step - first) * s.batch * s.accumulate * s.context);
  cli.print_json({{"val_loss", val_loss},
                  {"bits_per_character", kit::bits_per_character(val_loss)},
                  {"train_loss", train_loss},
                  {"steps", run.step},
                  {"tokens_per_s", tokens / seconds},
                  {"seconds", seconds},
                  {"parameters", run.model.num_parameters()},
                  {"uniform_loss", uniform},
                  {"unigram_loss", unigram},
                  {"bigram_loss", bigram}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
