// Flash attention by hand: softmax(q Kᵀ / √d) V without ever holding a row of weights.
//
//     plain   all n scores of a query, their largest, their exponentials, their sum; then the mean of the values
//     fused   a block of keys at a time, with three running quantities:
//
//             m   the largest score so far
//             l   Σ exp(score - m) so far
//             o   Σ exp(score - m) · value so far
//
// A later block may bring a larger score. Then m grows, and l and o, which were computed with the old m, are both
// multiplied by exp(m_old - m_new): afterwards they are what they would be had m been known from the start. At the end
// o / l is the answer (Milakov & Gimelshein 2018; Dao et al. 2022, algorithm 1).
//
// What is saved is memory: n² weights are never stored, neither forward nor for the gradient. Part 3 measures it.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/memory/storage.h>
#include <heed/core/parallel.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/nn/attention/attention.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>

using namespace heed;

namespace {

using Row = std::vector<double>;

// 1. The running quantities of one query.

struct Running {
  double m = -std::numeric_limits<double>::infinity();  // the largest score so far
  double l = 0;                                         // Σ exp(score - m)
  Row o;                                                // Σ exp(score - m) · value
};

/// What happened in one block, to be printed.
struct Block {
  int64_t first, last;  // keys
  Row scores, exponentials;
  double factor;  // exp(m_old - m_new)
  Running after;
};

double dot(const Row& a, const Row& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// One block of keys and values more.
Block take(Running& state, const Row& query, const std::vector<Row>& keys, const std::vector<Row>& values,
           int64_t first, int64_t last) {
  Block block{.first = first, .last = last, .scores = {}, .exponentials = {}, .factor = 0, .after = {}};
  double largest = state.m;
  for (int64_t j = first; j <= last; ++j) {
    block.scores.push_back(dot(query, keys[static_cast<size_t>(j)]) / std::sqrt(static_cast<double>(query.size())));
    largest = std::max(largest, block.scores.back());
  }
  block.factor = std::exp(state.m - largest);  // 0 for the first block: there is nothing to correct
  state.m = largest;
  state.l *= block.factor;
  for (double& component : state.o) component *= block.factor;
  for (int64_t j = first; j <= last; ++j) {
    const double weight = std::exp(block.scores[static_cast<size_t>(j - first)] - largest);
    block.exponentials.push_back(weight);
    state.l += weight;
    for (size_t c = 0; c < state.o.size(); ++c) state.o[c] += weight * values[static_cast<size_t>(j)][c];
  }
  block.after = state;
  return block;
}

Row answer(const Running& state) {
  Row out;
  for (const double component : state.o) out.push_back(component / state.l);
  return out;
}

// 2. Printing.

std::string numbers(const Row& row) {
  std::string text;
  for (const double value : row) text += kit::right(kit::fixed(value, 3), 8);
  return text;
}

void print_block(const Block& b, int64_t number) {
  const auto line = [](const std::string& what, const std::string& value) {
    std::cout << "     " << kit::fit(what, 26) << value << '\n';
  };
  std::cout << "   block " << number << ", keys " << b.first + 1 << " … " << b.last + 1 << '\n';
  line("scores  q·k / √d", numbers(b.scores));
  line("m  the largest so far", kit::right(kit::fixed(b.after.m, 3), 8));
  line("exp(m_old - m_new)",
       kit::right(kit::fixed(b.factor, 3), 8) + (b.factor == 1   ? "   no larger score: nothing to correct"
                                                 : b.factor == 0 ? "   the first block: nothing to correct"
                                                                 : "   the old l and o, times this"));
  line("exp(score - m)", numbers(b.exponentials));
  line("l  their sum so far", kit::right(kit::fixed(b.after.l, 3), 8));
  line("o  with values, so far", numbers(b.after.o));
  std::cout << '\n';
}

std::vector<Row> rows_of(const Tensor& matrix) {
  std::vector<Row> rows;
  for (int64_t i = 0; i < matrix.size(0); ++i) rows.push_back(matrix[i].to_vector());
  return rows;
}

// 3. Memory, measured: the most that is in use at once, beyond what was before.

template <class Body> double peak_of(Body body) {
  core::reset_peak_memory();
  const int64_t before = core::memory_stats().in_use;
  body();
  return static_cast<double>(core::memory_stats().peak - before);
}

struct Memory {
  int64_t n;
  double plain, fused;  // bytes, forward and backward together
};

/// With one thread: each has blocks of its own.
Memory measure(int64_t n, int64_t d) {
  const int threads = num_threads();
  set_num_threads(1);
  const auto make = [&] { return parameter(randn({1, n, d})); };
  const Tensor q = make(), k = make(), v = make();
  const double plain = peak_of([&] { sum(nn::attention(q, k, v).output).backward(); });
  for (Tensor x : {q, k, v}) x.zero_grad();  // a handle
  const double fused = peak_of([&] { sum(nn::scaled_dot_product_attention(q, k, v)).backward(); });
  set_num_threads(threads);
  return {n, plain, fused};
}

void save_picture(const std::filesystem::path& file, const std::vector<Memory>& all) {
  kit::Plot plot{.x_label = "n, queries and keys", .y_label = "peak memory, MB"};
  plot.log_x = plot.log_y = true;
  plot.series = {{"plain: weights are stored"}, {"fused: block by block"}};
  for (const Memory& at : all) {
    for (kit::Series& series : plot.series) series.x.push_back(static_cast<double>(at.n));
    plot.series[0].y.push_back(at.plain / 1e6);
    plot.series[1].y.push_back(at.fused / 1e6);
  }
  kit::save_svg(
      file,
      {.title = "Attention, forward and backward: memory measured",
       .note =
           "Twice as many tokens take four times the memory in the plain way; the fused one never stores n² weights.",
       .panels = {plot}});
}

int run(int argc, char** argv) {
  kit::Common common{.steps = 100, .steps_help = "print only the first N blocks"};
  int64_t tokens = 8, block = 3, width = 3, longest = 2048;
  kit::Cli cli("flash_attention_by_hand", "Flash attention step by step: blocks, running maximum, running sum.");
  cli.group("Attention", {{"tokens", &tokens, "keys and values", {.min = 1, .max = 1000}},
                          {"block", &block, "keys per block", {.min = 1, .max = 1000}},
                          {"width", &width, "length of a key, d", {.min = 1, .max = 64}},
                          {"longest", &longest, "measure memory up to this many tokens", {.min = 64, .max = 16384}}});
  cli.common(common);
  cli.example("flash_attention_by_hand", "eight keys in blocks of three, then the memory measured");
  cli.example("flash_attention_by_hand --block 1", "one key at a time: online softmax");
  cli.json_keys({{"error", "largest difference from softmax over all keys at once, and from heed's fused attention"},
                 {"tokens", "longest sequence measured"},
                 {"plain_bytes", "peak memory of the plain way at that length, forward and backward"},
                 {"fused_bytes", "the same of the fused way"}});
  if (!cli.parse(argc, argv)) return 0;
  kit::RunFolder folder(common.out);
  const std::filesystem::path picture = folder.file("memory.svg", "memory by length, plain and fused");

  manual_seed(static_cast<uint64_t>(common.seed));
  const Tensor q = 2.0 * randn({1, width}, Dtype::f64), k = randn({tokens, width}, Dtype::f64);
  const Tensor v = randn({tokens, width}, Dtype::f64);
  const Row query = q[0].to_vector();
  const std::vector<Row> keys = rows_of(k), values = rows_of(v);

  std::cout << "1. One query, " << tokens << " keys in blocks of " << block << ", d = " << width << ":\n\n";
  Running state;
  state.o.assign(static_cast<size_t>(width), 0.0);
  for (int64_t first = 0, number = 1; first < tokens; first += block, ++number) {
    const Block b = take(state, query, keys, values, first, std::min(first + block, tokens) - 1);
    if (number <= common.steps) print_block(b, number);
  }
  const Row found = answer(state);
  const Row plain = nn::attention(q, k, v).output[0].to_vector();
  const Row fused = nn::scaled_dot_product_attention(q, k, v)[0].to_vector();
  double error = 0;
  for (size_t c = 0; c < found.size(); ++c)
    error = std::max({error, std::abs(found[c] - plain[c]), std::abs(found[c] - fused[c])});
  std::cout << "2. The answer, o / l:     " << numbers(found) << "\n   softmax over all keys at once:" << numbers(plain)
            << "\n   heed's fused attention:       " << numbers(fused) << "\n   largest difference "
            << kit::general(error, 2) << "\n\n";

  std::cout << "3. Memory, measured: peak of forward and backward, one head, d = 64, one thread\n\n"
            << "        n     plain, MB     fused, MB     n² weights alone, MB\n";
  std::vector<Memory> all;
  for (int64_t n = 64; n <= longest; n *= 2) {
    all.push_back(measure(n, 64));
    std::cout << kit::right(std::to_string(n), 9) << kit::right(kit::fixed(all.back().plain / 1e6, 2), 14)
              << kit::right(kit::fixed(all.back().fused / 1e6, 2), 14)
              << kit::right(kit::fixed(4e-6 * static_cast<double>(n) * static_cast<double>(n), 2), 25) << '\n';
  }
  std::cout << "\n   The fused way computes the weights again for the gradient, block by block, from l and m\n"
               "   of each query. That costs arithmetic, which is cheap, and saves memory, which is not.\n\n";
  save_picture(picture, all);
  folder.print();
  cli.print_json({{"error", error},
                  {"tokens", all.back().n},
                  {"plain_bytes", all.back().plain},
                  {"fused_bytes", all.back().fused}});
  return error <= 1e-12 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
