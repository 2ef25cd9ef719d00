// Attention scores: what attention is, and every way that heed has to ask "how well does this key
// answer my query?", on one small task.
//
// 1. A database.     Exact look-up, approximate look-up and the plain average are one function:
//                    Attention(q, D) = Σᵢ α(q, kᵢ) vᵢ,  D = {(k₁, v₁), …}. They differ in α only.
// 2. Every score.    The same small task for all: accuracy, parameters, time.
// 3. Their weights.  One picture: the same sentence, as each score weights it.
// 4. The cost.       Every query asks every key: twice the length is four times the work.
//
// The database is that of "Dive into Deep Learning" (d2l.ai), section 11.1. The task is a small
// translation. A sentence has nine letters, each with a digit. The letters come back as words of
// another language, shuffled in groups of three, and ask for their digits:
//
//     letters  a b c  d e f  g h i        words   B C A  D F E  I H G
//     digits   3 0 7  7 1 5  2 4 4        wanted  0 7 3  7 5 1  4 4 2
//
// Which word means which letter has to be learnt from the digits alone.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/learned_scores.h>
#include <heed/nn/attention/local_attention.h>
#include <heed/nn/attention/multi_head.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/attention/scores.h>
#include <heed/nn/clone.h>
#include <heed/nn/layers/embedding.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/layers/losses.h>
#include <heed/optim/adam.h>
#include <heed/optim/schedule.h>

using namespace heed;
using nn::Normaliser;

namespace {

// 1. The database: last name -> first name.

struct Person {
  std::string last, first;
};

const std::vector<Person> people = {{"Zhang", "Aston"}, {"Lipton", "Zachary"}, {"Li", "Mu"},
                                    {"Smola", "Alex"},  {"Hu", "Rachel"},      {"Werness", "Brent"}};

/// A name as a vector: how often each pair of neighbouring letters occurs, its ends included.
Tensor letter_pairs(const std::string& name) {
  constexpr int64_t letters = 27;  // a … z, and the end
  const auto number = [](char c) { return c == '.' ? 26 : (c | 32) - 'a'; };
  std::vector<double> counts(letters * letters, 0.0);
  const std::string padded = "." + name + ".";
  for (size_t i = 0; i + 1 < padded.size(); ++i)
    counts[static_cast<size_t>(number(padded[i]) * letters + number(padded[i + 1]))] += 1.0;
  return tensor(counts);
}

struct Lookup {
  std::string answer;           // whose weight is the largest, or "a tie", or "nobody" where all weights are 0
  std::vector<double> weights;  // of each person
};

/// Attention over the people: `score` compares names, the values are one-hot vectors that say which person it is.
Lookup look_up(const std::vector<Person>& database, const std::string& name, Normaliser normaliser,
               const std::function<Tensor(const Tensor& q, const Tensor& k)>& score) {
  std::vector<Tensor> keys;
  for (const Person& p : database) keys.push_back(letter_pairs(p.last));
  const Tensor values = eye(static_cast<int64_t>(database.size()));
  const nn::Attended found =
      nn::attend(score(letter_pairs(name).unsqueeze(0), stack(keys)), values, {.normaliser = normaliser});
  const Tensor best = topk(found.output.flatten(), 2).values;
  const auto person = static_cast<size_t>(argmax(found.output, -1).item());
  return {best[0].item() == 0.0              ? "nobody"
          : best[0].item() == best[1].item() ? "a tie"
                                             : database[person].first,
          found.weights.to_vector()};
}

/// A person's weight is 1 if the name is the same, letter pair by letter pair, else 0.
Tensor same_name(const Tensor& q, const Tensor& k) { return (nn::squared_distances(q, k) <= 0.0).to(q.dtype()); }

kit::Json::Object show_database() {
  const nn::CosineScore alike({.temperature = 0.1});
  std::vector<Person> without = people;
  without.erase(without.begin() + 2);
  std::cout << "1. A database. Who has the last name \"Li\"?\n\n                             ";
  for (const Person& p : people) std::cout << kit::right(p.last, 8);
  std::cout << "   answer\n";
  kit::Json::Object answers;
  const auto row = [&](const std::string& key, const std::string& what, const Lookup& found) {
    std::cout << "  " << kit::fit(what, 27);
    size_t next = 0;
    for (const Person& p : people) {
      const bool gone = found.weights.size() < people.size() && p.first == "Mu";
      std::cout << kit::right(gone ? "-" : kit::fixed(found.weights[next++], 3), 8);
    }
    std::cout << "   " << found.answer << '\n';
    answers.emplace_back(key, found.answer);
  };
  using enum Normaliser;
  row("exact", "exact: 1 if the same", look_up(people, "Li", kernel_sum, same_name));
  row("best", "the most similar", look_up(people, "Li", hard, alike));
  row("soft", "all, by similarity", look_up(people, "Li", softmax, alike));
  row("average", "equal weights: the average", look_up(people, "Li", kernel_sum, nn::Constant()));
  row("exact_without", "exact, Li not there", look_up(without, "Li", kernel_sum, same_name));
  row("soft_without", "by similarity, Li not there", look_up(without, "Li", softmax, alike));
  std::cout << "\n   The table shows the weights. An exact look-up is attention with one-hot\n"
               "   weights, all 0 where no key matches. Soft weights still give an answer, and\n"
               "   they have a gradient: what counts as similar can be learnt.\n\n";
  return answers;
}

// 2. The task.

constexpr int64_t length = 9, alphabet = 16, digits = 8, width = 16, reach = 2;

struct Sentences {
  Tensor letters, values;  // (B, n)   the letters and their digits
  Tensor words, wanted;    // (B, n)   the words that ask, and the digits that are right
};

/// Positions 0 … n-1, each group of three shuffled.
Tensor shuffled_in_threes(Generator& generator) {
  std::vector<Tensor> groups;
  for (int64_t first = 0; first < length; first += 3)
    groups.push_back(randperm(3, generator) + static_cast<double>(first));
  return cat(groups);
}

Sentences make_sentences(int64_t count, Generator& generator) {
  std::vector<Tensor> letters, positions;
  for (int64_t b = 0; b < count; ++b) {
    letters.push_back(randperm(alphabet, generator).slice(0, 0, length));  // all different
    positions.push_back(shuffled_in_threes(generator));
  }
  const Tensor asked = stack(positions), there = stack(letters);
  const Tensor values = randint(0, digits, {count, length}, generator);
  return {there, values, gather(there, 1, asked), gather(values, 1, asked)};
}

/// Words ask letters for digits, through some attention (q, k, v) -> (output, weights).
template <class Attention> struct Translator : nn::Module {
  nn::Embedding word{alphabet, width}, letter{alphabet, width};
  nn::Embedding asking{length, width}, standing{length, width};  // positions
  Attention attention;
  nn::Linear out;

  Translator(Attention a, int64_t outputs) : attention(std::move(a)), out(outputs, digits) {}

  /// -> logits (B, n, digits), weights (B, n, n), the mean over heads
  nn::Attended operator()(const Sentences& s) const {
    const nn::Scope scope(*this);
    const Tensor q = word(s.words) + asking(arange(length));
    const Tensor k = letter(s.letters) + standing(arange(length));
    const auto [found, weights] = attention(q, k, one_hot(s.values, digits).to(Dtype::f32));
    return {scope(out(found)), weights.dim() == 4 ? mean(weights, 1) : weights};
  }

  void visit(nn::Visitor& v) override {
    v("word", word), v("letter", letter), v("asking", asking), v("standing", standing);
    v("attention", attention), v("out", out);
  }
};

/// The mean of the letters summarises the sentence: the context for a score that takes one.
struct InContext : nn::Module {
  nn::Attention<nn::ContextScore> attention{nn::ContextScore(width, width, width, width)};
  nn::Attended operator()(const Tensor& q, const Tensor& k, const Tensor& v) const {
    const nn::Scope scope(*this);
    return scope(attention(q, k, v, {}, mean(k, 1, keepdim)));
  }
  void visit(nn::Visitor& v) override { v("attention", attention); }
};

/// The fraction of `answers` (B, n) or (B, 1) that are right.
double share(const Tensor& answers, const Sentences& s) { return mean(eq(answers, s.wanted).to(Dtype::f64)).item(); }

std::string percent(double part) { return kit::fixed(100 * part, 1) + " %"; }

struct Trained {
  double accuracy = 0, microseconds = 0;  // on new sentences; per step
  int64_t parameters = 0;                 // of the attention alone
  Tensor weights;                         // (n, n) for the sentence of the picture
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Setting {
  int64_t seed, steps;
  kit::Progress& progress;
  int64_t done;  // steps of earlier scores
};

template <class Attention> Trained train(const Setting& setting, const Attention& attention, int64_t outputs) {
  manual_seed(static_cast<uint64_t>(setting.seed) + 1);  // first weights
  Translator model(nn::clone(attention), outputs);
  Generator data(static_cast<uint64_t>(setting.seed));  // the same sentences for every score
  const Sentences test = make_sentences(500, data);
  optim::Adam adam(model.parameters(), {.lr = 0.02});
  optim::CosineAnnealingLR schedule(adam, {.t_max = std::max<int64_t>(1, setting.steps)});
  double seconds = 0;
  for (int64_t step = 0; step < setting.steps && !kit::interrupted(); ++step) {
    const Sentences s = make_sentences(64, data);
    const auto start = std::chrono::steady_clock::now();
    const Tensor loss = nn::cross_entropy(model(s).output.flatten(0, 1), s.wanted.flatten());
    adam.zero_grad();
    loss.backward();
    adam.step();
    schedule.step();
    seconds += seconds_since(start);
    setting.progress.update(setting.done + step + 1);
  }
  const NoGrad no_history;
  const auto [logits, weights] = model(test);
  return {.accuracy = share(argmax(logits, -1), test),
          .microseconds = 1e6 * seconds / static_cast<double>(std::max<int64_t>(1, setting.steps)),
          .parameters = attention.num_parameters(),
          .weights = weights[0]};
}

/// One row of the table: a score, or a normaliser that makes weights of it.
struct Entry {
  std::string key, formula;
  std::function<Trained(const Setting&)> train;
};

std::vector<Entry> all_entries() {
  std::vector<Entry> all;
  const auto add = [&](const char* key, const char* formula, const auto& attention, int64_t outputs = digits) {
    all.push_back({key, formula, [=](const Setting& s) { return train(s, attention, outputs); }});
  };
  using namespace nn;
  // Initially keys are at a distance of about 8 = √(2 · 2 · width) from a query. Beyond its width a
  // compact kernel gives weight 0 and no gradient, perhaps for good: so these are twice as wide.
  const KernelOptions wide{.width = 16}, learnt{.width = 4, .learn_width = true};
  const KernelOptions by_head{.learn_width = true, .widths = {1, 2, 4, 8}};
  const ScaledDotScore scaled;
  add("constant", "1", Attention(Constant()));
  add("location", "W q, one score per position", Attention(LocationScore(width, length)));
  add("dot", "q·k", Attention(DotScore()));
  add("scaled_dot", "q·k / √d", Attention(scaled));
  add("cosine", "q·k / ‖q‖‖k‖", Attention(CosineScore()));
  add("cosine_learnt", "q·k / ‖q‖‖k‖T, T learnt", Attention(CosineScore({.learn_temperature = true})));
  add("elementwise", "Σ wᵢ qᵢ kᵢ", Attention(ElementwiseScore(width)));
  add("multiplicative", "(W q + b)·k", Attention(MultiplicativeScore(width, width)));
  add("additive", "w·tanh(W q + U k)", Attention(AdditiveScore(width, width, width)));
  add("context", "w·tanh(W q + U k + V c)", InContext());
  add("mlp", "w·tanh(u q·k/√d + b)", Attention(MlpScore<ScaledDotScore>(8)));
  add("gaussian", "exp(-u²/2), width learnt", Attention(Gaussian(learnt)));
  add("epanechikov", "(1 - u²)₊", Attention(Epanechikov(wide)));
  add("triangular", "(1 - u)₊", Attention(Triangular(wide)));
  add("boxcar", "1 if u <= 1", Attention(Boxcar({.width = 8})));
  add("sparsemax", "q·k/√d, sparse weights", Attention(scaled, 0.0, Normaliser::sparsemax));
  add("sigmoid", "q·k/√d, each key by itself", Attention(scaled, 0.0, Normaliser::sigmoid));
  add("hard", "q·k/√d, the best key only", Attention(scaled, 0.0, Normaliser::hard));
  add("local_m", "q·k/√d, 2 positions around t", LocalMonotonicAttention<ScaledDotScore>(reach));
  add("local_p", "… around a learnt position", LocalPredictiveAttention<ScaledDotScore>(reach, width, width));
  add("heads_dot", "4 heads of q·k/√d", MultiHead(width, 4, scaled, {.vdim = digits}), width);
  add("heads_gaussian", "4 heads, one width per head", MultiHead(width, 4, Gaussian(by_head), {.vdim = digits}), width);
  return all;
}

void print_row(const Entry& entry, const Trained& t) {
  std::cout << "  " << kit::fit(entry.key, 16) << kit::fit(entry.formula, 29) << kit::right(percent(t.accuracy), 8)
            << kit::right(std::to_string(t.parameters), 12) << kit::right(kit::fixed(t.microseconds, 0), 10) << '\n';
}

/// 3. The weights of one sentence, side by side.
kit::HeatMap weight_map(const Entry& entry, const Trained& t, const Sentences& s) {
  kit::HeatMap map{.title = entry.key + "  " + kit::fixed(100 * t.accuracy, 0) + " %"};
  map.rows = map.columns = length;
  map.values = t.weights.to_vector();
  map.low = 0, map.high = 1, map.numbers = false;
  for (const double word : s.words[0].to_vector())
    map.row_labels.emplace_back(1, static_cast<char>('A' + static_cast<int>(word)));
  for (const double letter : s.letters[0].to_vector())
    map.column_labels.emplace_back(1, static_cast<char>('a' + static_cast<int>(letter)));
  return map;
}

/// Milliseconds that `body` takes, the best of three runs.
template <class Body> double milliseconds(Body body) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    best = std::min(best, 1e3 * seconds_since(start));
  }
  return best;
}

/// 4. Time by length, for keys of width 64.
void show_cost() {
  const NoGrad no_history;
  const nn::AdditiveScore additive(64, 64, 64);
  std::cout << "4. The cost: O(n² d), in ms for n queries and n keys of width d = 64.\n\n"
            << "       n   q·k/√d   fused   w·tanh(W q + U k)\n";
  for (int64_t n = 32; n <= 1024; n *= 2) {
    const Tensor x = randn({1, n, 64});
    const std::string fields[] = {kit::fixed(milliseconds([&] { nn::attention(x, x, x); }), 2),
                                  kit::fixed(milliseconds([&] { nn::scaled_dot_product_attention(x, x, x); }), 2),
                                  n > 256 ? "" : kit::fixed(milliseconds([&] { nn::attend(additive(x, x), x); }), 2)};
    std::cout << kit::right(std::to_string(n), 8) << kit::right(fields[0], 9) << kit::right(fields[1], 8)
              << kit::right(fields[2], 20) << '\n';
  }
  std::cout << "\n   The additive score evaluates a small network per pair of query and key; all dot\n"
               "   products are one matrix product; fused, the weights are never stored.\n\n";
}

int run(int argc, char** argv) {
  kit::Common common{.steps = 300, .steps_help = "training steps per score"};
  kit::Cli cli("attention_scores", "What attention is, as a database; then every score on one small task.");
  cli.common(common);
  cli.example("attention_scores", "the database, the table, the picture");
  cli.example("attention_scores --steps 0", "untrained: which scores work from random weights?");
  cli.json_keys({{"database", "answers: exact, best, soft, average, exact_without, soft_without"},
                 {"accuracy", "fraction of digits right, by score"},
                 {"parameters", "parameters of the attention alone, by score"},
                 {"most_frequent", "accuracy of the sentence's most frequent digit"},
                 {"own_place", "accuracy of the digit at the word's own position"}});
  if (!cli.parse(argc, argv)) return 0;

  kit::watch_interrupts();
  kit::RunFolder folder(common.out);
  const std::filesystem::path picture = folder.file("scores.svg", "the weights of every score, side by side");
  const kit::Json::Object database = show_database();
  manual_seed(static_cast<uint64_t>(common.seed));
  const std::vector<Entry> entries = all_entries();
  Generator data(static_cast<uint64_t>(common.seed));
  const Sentences test = make_sentences(500, data);
  const double own_place = share(test.values, test);
  const Tensor counts = sum(one_hot(test.values, digits), 1, keepdim);
  const double most_frequent = share(argmax(counts, -1), test);
  std::cout << "2. Every score on one task: " << length << " words ask " << length << " letters for their digits; "
            << common.steps << " training steps each.\n"
            << "   Accuracy without any attention: " << percent(1.0 / digits) << " by guessing, "
            << percent(most_frequent) << " with the most frequent\n   digit of the sentence, " << percent(own_place)
            << " with the digit at the word's own position.\n\n"
            << "  score           formula                      accuracy  parameters   µs/step\n";
  kit::Figure figure{
      .title = "Where each score looks in one sentence",
      .note =
          "Rows: words that ask; columns: letters. A score that has learnt the task has one dark cell per "
          "row, where the letter is the word's own (B above b).",
      .description = "Heat maps of weights. Rows: words that ask, columns: letters.",
      .columns = 6,
      .panel_width = 210};
  kit::Json::Object accuracy, parameters;
  {
    const auto count = static_cast<int64_t>(entries.size());
    kit::Progress progress("scores", count * common.steps, {.quiet = common.quiet});
    int64_t done = 0;
    for (const Entry& entry : entries) {
      const Trained t = entry.train({common.seed, common.steps, progress, done});
      if (kit::interrupted()) break;  // half trained
      done += common.steps;
      print_row(entry, t);
      figure.panels.push_back(weight_map(entry, t, test));
      accuracy.emplace_back(entry.key, t.accuracy);
      parameters.emplace_back(entry.key, t.parameters);
    }
  }
  std::cout << "\n   A score must depend on the key (location and constant do not), must be able to\n"
               "   prefer one key to all others (a cosine without temperature cannot: its weights\n"
               "   differ by a factor of at most e²), and must have a useful gradient (hard weights\n"
               "   and boxcars have none).\n\n"
               "3. Their weights for one sentence: the picture below.\n\n";
  if (!kit::interrupted()) show_cost();
  if (!figure.panels.empty()) kit::save_svg(picture, figure);
  folder.print();
  if (kit::interrupted() && !kit::reader_is_gone())
    std::cerr << "\nstopped after " << accuracy.size() << " of " << entries.size()
              << " scores: table and picture show only these" << std::endl;
  cli.print_json({{"database", database},
                  {"accuracy", accuracy},
                  {"parameters", parameters},
                  {"most_frequent", most_frequent},
                  {"own_place", own_place}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
