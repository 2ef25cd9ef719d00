// Self-attention by hand: every value of one small self-attention, as with pencil and paper.
//
//     Z = V · softmax(Kᵀ Q / √d)     on paper:  each column is a token, softmax runs down each column
//     Z = softmax(Q Kᵀ / √d) · V     in heed:   each row is a token, softmax runs along each row
//
// Both are printed side by side; each is the other's transpose. The classic exercise is that of
// Prof. Tom Yeh's "AI by Hand" (github.com/ImagineAILab/ai-by-hand-excel, Self-Attention, sheet
// "small", MIT). The program checks itself against that sheet's values, and against the library's
// own attention.
//
// It writes a worksheet with empty boxes and its answer key, ready to print. --exercise small,
// medium or large, with another --seed each time, makes new ones for as many pupils as you have.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include <heed/autograd/graph.h>
#include <heed/autograd/ops.h>
#include <heed/core/files/file.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/attention_page.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/worksheet.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/terminal.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>

using namespace heed;

namespace {

constexpr Dtype f64 = Dtype::f64;

Tensor t(const Tensor& matrix) { return matrix.transpose(0, 1); }

// What is given: n tokens of f features, and three matrices that make queries, keys and values.

struct Exercise {
  Tensor X;              // (f, n)   each column is a token
  Tensor W_Q, W_K, W_V;  // (d, f)
};

Exercise classic() {
  return {.X = tensor({2, 0, 0, 2,   //
                       0, 1, 0, 0,   //
                       0, 2, 1, 0,   //
                       0, 0, 1, 1,   //
                       2, 0, 0, 0,   //
                       1, 0, 1, 1},  //
                      {6, 4}, f64),
          .W_Q = tensor({1, 1, 0, 0, 0, 0,   //
                         0, 1, 0, 1, 0, 0,   //
                         0, 0, 1, 0, 1, 1},  //
                        {3, 6}, f64),
          .W_K = tensor({0, 0, 1, 0, 0, 0,    //
                         0, 1, 0, 0, 0, 0,    //
                         1, 0, 0, 0, 0, -1},  //
                        {3, 6}, f64),
          .W_V = tensor({10, 0, 0, 0, 0, 0,   //
                         0, 0, 0, 10, 0, 0,   //
                         0, 10, 0, 0, 0, 0},  //
                        {3, 6}, f64)};
}

/// Small integers, drawn again until no score is above 8: eˣ stays within a pocket calculator's range.
Exercise made(int64_t tokens, int64_t features, int64_t d) {
  // One 1 in each row, each in a column of its own.
  const auto ones = [&] { return one_hot(randperm(features).slice(0, 0, d), features).to(f64); };
  Exercise e;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const Tensor digits = tensor({0, 0, 0, 1, 1, 2}, f64);
    const Tensor picks = randint(0, digits.numel(), {features * tokens});
    e.X = index_select(digits, 0, picks).reshape({features, tokens});
    e.W_Q = maximum(ones(), ones());
    e.W_K = maximum(ones(), ones()) - ones();
    e.W_V = 10.0 * ones();
    if (amax(abs(matmul(t(matmul(e.W_K, e.X)), matmul(e.W_Q, e.X)))).item() <= 8) break;
  }
  return e;
}

// The calculation, in the paper's convention.

struct Solution {
  Tensor Q, K, V;  // (d, n)
  Tensor S;        // (n, n)   scores: row = key, column = query
  Tensor R;        //          divided by √d
  Tensor E;        //          eᴿ
  Tensor total;    // (1, n)   the sum of each column of E
  Tensor A;        // (n, n)   the weights: E divided by its column's sum
  Tensor Z;        // (d, n)   the means
};

Solution solve(const Exercise& e) {
  Solution s;
  s.Q = matmul(e.W_Q, e.X);
  s.K = matmul(e.W_K, e.X);
  s.V = matmul(e.W_V, e.X);
  s.S = matmul(t(s.K), s.Q);
  s.R = s.S / std::sqrt(static_cast<double>(s.Q.size(0)));
  s.E = exp(s.R);
  s.total = sum(s.E, 0, keepdim);
  s.A = s.E / s.total;
  s.Z = matmul(s.V, s.A);
  return s;
}

// The same as a worksheet: each step in both conventions.

kit::Grid grid(const std::string& name, const Tensor& m, int decimals = 0, kit::Role role = kit::Role::result) {
  return {name, m.size(0), m.size(1), m.to_vector(), decimals, role};
}

kit::Grid given(const std::string& name, const Tensor& m) { return grid(name, m, 0, kit::Role::given); }

kit::Grid known(const std::string& name, const Tensor& m, int decimals = 0) {
  return grid(name, m, decimals, kit::Role::known);
}

struct Step {
  int number;
  std::string title, text;
  std::vector<kit::Formula> paper, rows;
};

std::vector<Step> steps_of(const Exercise& e, const Solution& s) {
  const std::string n = std::to_string(e.X.size(1)), d = std::to_string(s.Q.size(0));
  return {
      {1,
       "1. Queries, keys and values",
       n + " tokens, each multiplied by three matrices. The query asks, the key says what a token\n"
           "can answer, the value is what it passes on. All come from the same tokens: hence \"self\".",
       {{given("W_Q", e.W_Q), "·", given("X", e.X), "=", grid("Q", s.Q)},
        {given("W_K", e.W_K), "·", given("X", e.X), "=", grid("K", s.K)},
        {given("W_V", e.W_V), "·", given("X", e.X), "=", grid("V", s.V)}},
       {{given("X", t(e.X)), "·", given("W_Qᵀ", t(e.W_Q)), "=", grid("Q", t(s.Q))},
        {given("X", t(e.X)), "·", given("W_Kᵀ", t(e.W_K)), "=", grid("K", t(s.K))},
        {given("X", t(e.X)), "·", given("W_Vᵀ", t(e.W_V)), "=", grid("V", t(s.V))}}},
      {2,
       "2. Scores",
       "The dot product of every key with every query: how well does the key answer the query?",
       {{grid("Kᵀ", t(s.K)), "·", known("Q", s.Q), "=", grid("S  (keys × queries)", s.S)}},
       {{known("Q", t(s.Q)), "·", grid("Kᵀ", s.K), "=", grid("S  (queries × keys)", t(s.S))}}},
      {3,
       "3. Scale",
       "Divide every score by √d. Here d = " + d + ", the length of a key, and √" + d + " = " +
           kit::fixed(std::sqrt(static_cast<double>(s.Q.size(0))), 3) + ".",
       {{known("S", s.S), "/ √" + d + " =", grid("R", s.R, 2)}},
       {{known("S", t(s.S)), "/ √" + d + " =", grid("R", t(s.R), 2)}}},
      {4,
       "4a. Softmax: e to the power of each score",
       "All become positive; large scores become very large.",
       {{grid("E = e^R", s.E, 2)}},
       {{grid("E = e^R", t(s.E), 2)}}},
      {4,
       "4b. Softmax: the sum for each query",
       "On paper down each column; where tokens are rows, along each row.",
       {{grid("sum of each column of E", s.total, 2)}},
       {{grid("sum of each row of E", t(s.total), 2)}}},
      {4,
       "4c. Softmax: divide",
       "Divide each entry by its query's sum. The weights of each query now add up to 1.",
       {{grid("A  (each column adds up to 1)", s.A, 3)}},
       {{grid("A  (each row adds up to 1)", t(s.A), 3)}}},
      {5,
       "5. The weighted mean",
       "Each token becomes the mean of all values, weighted by its query's row or column of A.",
       {{known("V", s.V), "·", known("A", s.A, 3), "=", grid("Z", s.Z, 2)}},
       {{known("A", t(s.A), 3), "·", known("V", t(s.V)), "=", grid("Z", t(s.Z), 2)}}},
  };
}

kit::Worksheet worksheet_of(const std::vector<Step>& steps, const std::string& title, bool rows) {
  const std::string way = rows ? "row" : "column";
  kit::Worksheet sheet{title};
  sheet.note = "Each " + way + " of X is a token; the same " + way + " of Z is its result.";
  for (const Step& s : steps) sheet.steps.push_back({s.title, s.text, rows ? s.rows : s.paper});
  return sheet;
}

void print_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::cout << (line.empty() ? "" : "    ") << line << '\n';
  std::cout << '\n';
}

/// Both conventions side by side, or one below the other where the terminal is too narrow.
void print_step(const Step& step) {
  std::cout << step.title << "\n   ";
  for (const char c : step.text) std::cout << (c == '\n' ? "\n   " : std::string(1, c));
  std::cout << "\n\n";
  const bool terminal = kit::is_terminal(kit::Stream::out);
  const int columns = terminal ? kit::terminal_width(kit::Stream::out) : 110;
  for (size_t i = 0; i < step.paper.size(); ++i) {
    std::vector<std::string> paper = kit::formula_lines(step.paper[i]);
    std::vector<std::string> rows = kit::formula_lines(step.rows[i]);
    if (i == 0) {
      paper.insert(paper.begin(), {"on paper: columns are tokens", ""});
      rows.insert(rows.begin(), {"in heed: rows are tokens", ""});
    }
    const std::vector<std::string> both = kit::side_by_side(paper, rows);
    int width = 0;
    for (const std::string& line : both) width = std::max(width, kit::text_width(line));
    if (width + 4 <= columns) {
      print_lines(both);
    } else {
      print_lines(paper);
      print_lines(rows);
    }
  }
}

/// q·k / (‖q‖ ‖k‖) of each row of q with each row of k; 0 where one of them is zero and has no direction.
Tensor cosine(const Tensor& q, const Tensor& k) {
  const Tensor lengths = matmul(norm(q, -1, keepdim), t(norm(k, -1, keepdim)));
  return matmul(q, t(k)) / maximum(lengths, 1e-8);
}

/// "key 1 (tied with key 4)": where a row has its largest element.
std::string preferred_key(const Tensor& row) {
  const std::vector<double> values = row.to_vector();
  const double largest = *std::max_element(values.begin(), values.end());
  std::string text;
  int found = 0;
  for (size_t j = 0; j < values.size(); ++j)
    if (values[j] > largest - 1e-12) {
      text += (found == 0 ? "key " : found == 1 ? " (tied with key " : ", key ") + std::to_string(j + 1);
      ++found;
    }
  return found > 1 ? text + ')' : text;
}

/// Is a dot product a cosine similarity? Only among vectors of equal length.
void print_cosine_detour(const Solution& s) {
  const Tensor a = tensor({1, 2}, {1, 2}, f64);
  const Tensor others = tensor({2, 4, -2, 1, -1, -2, 0, 0}, {4, 2}, f64);
  const std::vector<double> dots = matmul(a, t(others)).to_vector();
  const std::vector<double> cosines_of_a = cosine(a, others).to_vector();
  const char* const names[] = {"( 2,  4)  same direction", "(-2,  1)  at a right angle", "(-1, -2)  opposite direction",
                               "( 0,  0)  zero vector: no direction, cosine set to 0"};
  std::cout << "   Detour: is that the cosine similarity, q·k / (‖q‖ ‖k‖)? (1, 2) compared with\n\n";
  for (size_t i = 0; i < 4; ++i)
    std::cout << "    " << kit::fit(names[i], 50) << "  dot product " << kit::fit(kit::general(dots[i]), 4)
              << "  cosine " << kit::general(cosines_of_a[i], 3) << '\n';
  const Tensor cosines = cosine(t(s.Q), t(s.K)), scores = t(s.S);  // row: query, column: key
  const Tensor by_dot = argmax(scores, -1), by_cosine = argmax(cosines, -1);
  std::cout << "\n   The cosine depends on directions only, the dot product on lengths as well. Here:\n\n";
  print_lines(kit::side_by_side(kit::formula_lines({grid("q·k  (queries × keys)", scores)}),
                                kit::formula_lines({grid("cosine", cosines, 2)})));
  for (int64_t i = 0; i < scores.size(0); ++i) {
    if (by_dot[i].item() == by_cosine[i].item()) continue;
    std::cout << "   By dot product query " << i + 1 << " prefers " << preferred_key(scores[i]) << ", by cosine "
              << preferred_key(cosines[i]) << ": the rankings differ.\n\n";
    break;
  }
}

/// What happens to softmax when scores are not scaled.
void print_scaling_detour(int64_t seed) {
  manual_seed(static_cast<uint64_t>(seed));
  std::cout << "   Why √d? With components of mean 0 and variance 1, q·k is a sum of d such products: its\n"
               "   variance is d. Softmax of large scores gives nearly all weight to one key, and is flat\n"
               "   there: its slope w(1 - w) at the largest of ten weights w is near 0, so that almost\n"
               "   no gradient is left to learn from.\n\n"
               "              not scaled                     divided by √d\n"
               "       d   variance   largest   slope   variance   largest   slope\n";
  for (const int64_t d : {3, 64, 512}) {
    const Tensor q = randn({200, 1, d}), k = randn({200, 10, d});  // 200 queries with 10 keys each
    const Tensor scores = matmul(q, k.transpose(-2, -1));
    std::cout << kit::right(std::to_string(d), 8);
    for (const Tensor& x : {scores, scores / std::sqrt(static_cast<double>(d))}) {
      const Tensor w = amax(softmax(x, -1), -1);
      std::cout << kit::right(kit::fixed(var(x).item(), 2), 11) << kit::right(kit::fixed(mean(w).item(), 3), 10)
                << kit::right(kit::fixed(mean(w * (1.0 - w)).item(), 3), 8);
    }
    std::cout << '\n';
  }
  std::cout << '\n';
}

double difference(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

/// The published values, nine digits each.
double difference_from_published(const Solution& s) {
  const Tensor S = tensor({3, 2, 2, 1, 4, 3, 1, 5, -1, -1, -2, 1, 3, 2, 2, 1}, {4, 4}, f64);
  const Tensor A = tensor({0.257689925, 0.252637958, 0.375840290, 0.076520505,   //
                           0.459026201, 0.450027071, 0.210990693, 0.770438486,   //
                           0.025593949, 0.044697012, 0.037328728, 0.076520505,   //
                           0.257689925, 0.252637958, 0.375840290, 0.076520505},  //
                          {4, 4}, f64);
  const Tensor Z = tensor({10.307597008, 10.105518335, 15.033611587, 3.060820183,  //
                           2.832838739, 2.973349707, 4.131690176, 1.530410092,     //
                           4.590262009, 4.500270709, 2.109906928, 7.704384863},    //
                          {3, 4}, f64);
  return std::max({difference(s.S, S), difference(s.A, A), difference(s.Z, Z)});
}

/// nn::attention, which returns the weights, and its fused twin, which never forms them.
double difference_from_library(const Solution& s) {
  const nn::Attended plain = nn::attention(t(s.Q), t(s.K), t(s.V));
  const Tensor fused = nn::scaled_dot_product_attention(t(s.Q), t(s.K), t(s.V));
  return std::max({difference(plain.weights, t(s.A)), difference(plain.output, t(s.Z)), difference(fused, t(s.Z))});
}

bool report(const std::string& what, double error) {
  const bool holds = error <= 1e-6;  // false for NaN too
  std::cout << "    " << kit::fit(what, 44) << kit::fit(kit::general(error, 2), 9)
            << (holds ? "holds" : "DOES NOT HOLD") << '\n';
  return holds;
}

// Pictures of the weights, and of the calculation.

void save_weights(kit::RunFolder& folder, const Solution& s) {
  const int64_t n = s.A.size(1);
  std::vector<std::string> tokens;
  for (int64_t i = 1; i <= n; ++i) tokens.push_back("x" + std::to_string(i));
  const std::vector<double> weights = t(s.A).to_vector();
  const std::vector<float> page_weights(weights.begin(), weights.end());
  kit::save_attention_page(folder.file("attention.html", "the weights, as a page to explore"),
                           {.title = "Self-attention by hand", .sets = {{"self", tokens, tokens, {{page_weights}}}}});
  kit::HeatMap map{.row_axis = "queries", .column_axis = "keys"};
  map.row_labels = map.column_labels = tokens;
  map.rows = map.columns = n;
  map.values = weights;
  kit::save_svg(
      folder.file("attention.svg", "the same as a picture"),
      {.title = "Which token attends to which",
       .note = "Each row is a query and adds up to 1: the darkest key is the one that it takes most of its value from.",
       .panels = {map}});
}

/// The graph that heed records: from X to Q, K and V, to the weights, to the means.
void save_graph(kit::RunFolder& folder, const Exercise& e) {
  const Tensor X = parameter(t(e.X));
  const Tensor W_Q = parameter(e.W_Q), W_K = parameter(e.W_K), W_V = parameter(e.W_V);
  const Tensor Q = linear(X, W_Q), K = linear(X, W_K), V = linear(X, W_V);
  const auto [Z, A] = nn::attention(Q, K, V);
  const std::vector<Label> names = {{"X", X}, {"W_Q", W_Q}, {"W_K", W_K}, {"W_V", W_V}, {"Q", Q},
                                    {"K", K}, {"V", V},     {"A", A},     {"Z", Z}};
  core::write_file_atomic(folder.file("graph.dot", "the recorded graph: dot -Tsvg draws it").string(),
                          graph_dot(Z, names));
}

int run(int argc, char** argv) {
  kit::Common common{.steps = 6, .steps_help = "print only the first N of the 6 steps; the worksheets always have all"};
  std::string exercise = "classic";
  bool rows = false;
  kit::Cli cli("attention_by_hand",
               "One small self-attention, every value of it, with a worksheet and its answer key.");
  cli.group("Exercise",
            {{"exercise",
              &exercise,
              "Tom Yeh's, or a new one made from --seed: 4, 8 or 12 tokens",
              {.choices = {"classic", "small", "medium", "large"}}},
             {"rows", &rows, "put tokens in rows on the worksheets (heed's convention) instead of columns"}});
  cli.common(common);
  cli.example("attention_by_hand", "the classic exercise, step by step, and whether it is right");
  cli.example("attention_by_hand --steps 2", "as far as the scores: for the blackboard");
  cli.example("attention_by_hand --exercise small --seed 7", "another worksheet and its answer key");
  cli.json_keys({{"tokens", "number of tokens"},
                 {"published_error", "largest difference from the published values; null unless classic"},
                 {"library_error", "largest difference from heed's own attention, plain and fused"},
                 {"holds", "true if neither is above 1e-6"}});
  if (!cli.parse(argc, argv)) return 0;

  kit::RunFolder folder(common.out);
  manual_seed(static_cast<uint64_t>(common.seed));
  const Exercise e = exercise == "small"    ? made(4, 6, 3)
                     : exercise == "medium" ? made(8, 6, 4)
                     : exercise == "large"  ? made(12, 8, 4)
                                            : classic();
  const Solution s = solve(e);
  const std::vector<Step> steps = steps_of(e, s);

  for (const Step& step : steps) {
    if (step.number > common.steps) break;
    print_step(step);
    if (step.number == 2) print_cosine_detour(s);
    if (step.number == 3) print_scaling_detour(common.seed);
  }
  std::cout << "6. Is it right? Largest differences, none to be above 1e-6:\n\n";
  kit::Json published_error;  // null
  bool holds = true;
  if (exercise == "classic") {
    const double error = difference_from_published(s);
    holds = report("from the published S, A and Z", error) && holds;
    published_error = error;
  }
  const double library_error = difference_from_library(s);
  holds = report("from heed's attention, plain and fused", library_error) && holds;

  std::string title = "Self-attention by hand";
  if (exercise != "classic") title += ", exercise " + exercise + "-" + std::to_string(common.seed);
  const kit::Worksheet sheet = worksheet_of(steps, title, rows);
  core::write_file_atomic(folder.file("worksheet.html", "empty boxes, to print").string(),
                          kit::worksheet_html(sheet, false));
  core::write_file_atomic(folder.file("answer_key.html", "the same, filled in").string(),
                          kit::worksheet_html(sheet, true));
  save_weights(folder, s);
  save_graph(folder, e);
  std::cout << '\n';
  folder.print();
  cli.print_json({{"tokens", e.X.size(1)},
                  {"published_error", published_error},
                  {"library_error", library_error},
                  {"holds", holds}});
  return holds ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
