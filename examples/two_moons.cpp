// Two moons: a small network learns to tell two half circles apart.
//
// The settings are those of micrograd's notebook (github.com/karpathy/micrograd, demo.ipynb), whose
// results are printed beside heed's:
//
//     model     2 -> 16 -> 16 -> 1 with ReLU, 337 parameters
//     loss      mean(max(0, 1 - y·score)) + 1e-4 Σ p²     y = ±1: y·score should be at least 1
//     training  100 steps of SGD on all points, learning rate 1.0 falling to 0.1
//
// One seed is an anecdote: --seeds 100 trains a hundred networks and counts how many are perfect.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/datasets.h>
#include <heed/examples/kit/doctor.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/pictures/film.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/terminal_plot.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/nn/init.h>
#include <heed/nn/layers/linear.h>
#include <heed/optim/schedule.h>
#include <heed/optim/sgd.h>

using namespace heed;

namespace {

// 1. The data: n points on two half circles, interleaved, with noise.

struct Moons {
  Tensor x;  // (n, 2)
  Tensor y;  // (n, 1)   -1 on the upper moon, +1 on the lower
};

Moons make_moons(int64_t n, double noise) {
  const kit::Classified moons = kit::two_moons(n, noise, default_generator());
  return {moons.points, 2.0 * moons.labels.to(Dtype::f32).unsqueeze(1) - 1.0};
}

// 2. The model.

struct Mlp : nn::Module {
  std::vector<nn::Linear> layers;

  explicit Mlp(const std::vector<int64_t>& widths) {
    for (size_t i = 0; i + 1 < widths.size(); ++i) layers.emplace_back(widths[i], widths[i + 1]);
  }

  Tensor operator()(Tensor x) const {
    const nn::Scope scope(*this);
    for (size_t i = 0; i < layers.size(); ++i) x = i == 0 ? layers[i](x) : layers[i](relu(x));
    return scope(x);
  }

  void visit(nn::Visitor& v) override { v("layers", layers); }
};

/// Weights U(-1, 1), biases 0. Large for 16 inputs: PyTorch's, U(±1/√in), learns more slowly here.
void initialise_as_micrograd(Mlp& model) {
  for (nn::Linear& layer : model.layers) {
    nn::uniform_(layer.weight, -1, 1);
    nn::constant_(layer.bias, 0);
  }
}

// 3. The loss, and how often the sign of the score is right.

Tensor loss_of(const Mlp& model, const Tensor& scores, const Tensor& y) {
  Tensor loss = mean(relu(1.0 - y * scores));
  for (const Tensor& p : model.parameters()) loss = loss + 1e-4 * sum(p * p);
  return loss;
}

double accuracy_of(const Tensor& scores, const Tensor& y) { return mean((y * scores > 0.0).to(Dtype::f64)).item(); }

// 4. Training.

struct Settings {
  int64_t points = 100;
  double noise = 0.1;
  std::string init = "micrograd";
  int64_t steps = 100;
};

struct Run {
  Moons data;
  Mlp model{{2, 16, 16, 1}};
  std::vector<double> losses, accuracies;  // before each step, and after the last
};

Run untrained(const Settings& settings, int64_t seed) {
  manual_seed(static_cast<uint64_t>(seed));
  Run run;
  run.data = make_moons(settings.points, settings.noise);
  if (settings.init == "micrograd") initialise_as_micrograd(run.model);
  return run;
}

/// `watch` is called before each step, and after the last.
Run train(const Settings& settings, int64_t seed, const std::function<void(const Run&, int64_t step)>& watch = {}) {
  Run run = untrained(settings, seed);
  optim::SGD sgd(run.model.parameters(), {.lr = 1.0});
  optim::LambdaLR schedule(sgd, [&](int64_t k) {
    return 1.0 - 0.9 * static_cast<double>(k) / static_cast<double>(std::max<int64_t>(1, settings.steps));
  });
  for (int64_t k = 0; k <= settings.steps; ++k) {
    const Tensor scores = run.model(run.data.x);
    const Tensor loss = loss_of(run.model, scores, run.data.y);
    run.losses.push_back(loss.item());
    run.accuracies.push_back(accuracy_of(scores, run.data.y));
    if (watch) watch(run, k);
    if (k == settings.steps || kit::interrupted()) break;
    sgd.zero_grad();
    loss.backward();
    sgd.step();
    schedule.step();
  }
  return run;
}

/// What is wrong with this run, before it begins?
nn::Report examine(const Settings& settings, int64_t seed) {
  Run run = untrained(settings, seed);
  optim::SGD sgd(run.model.parameters(), {.lr = 1.0});
  const auto loss = [&](const nn::Batch& b) { return loss_of(run.model, run.model(b.inputs), b.targets); };
  return nn::examine(run.model, loss, sgd, {{run.data.x, run.data.y}});
}

// 5. Pictures: the plane as the network sees it.

/// The score on a grid of points, row by row from the top.
struct Landscape {
  int64_t columns, rows;
  double left, right, bottom, top;
  std::vector<double> score;

  static double part(int64_t i, int64_t n) { return static_cast<double>(i) / static_cast<double>(n - 1); }
  double x(int64_t j) const { return left + (right - left) * part(j, columns); }
  double y(int64_t i) const { return top - (top - bottom) * part(i, rows); }
  double at(int64_t i, int64_t j) const { return score[static_cast<size_t>(i * columns + j)]; }
};

/// From the smallest to the largest coordinate that can be drawn, and a margin.
std::pair<double, double> range_of(const Moons& data, size_t coordinate) {
  double low = 1, high = 0;
  const std::vector<double> x = data.x.to_vector();
  for (size_t i = coordinate; i < x.size(); i += 2) {
    if (!kit::drawable(x[i])) continue;
    low = low > high ? x[i] : std::min(low, x[i]);
    high = std::max(high, x[i]);
  }
  const double margin = std::max(0.4, 1e-6 * (std::abs(low) + std::abs(high)));
  return {std::min(low, high) - margin, std::max(low, high) + margin};
}

Landscape landscape_of(const Run& run, int64_t columns, int64_t rows) {
  const NoGrad no_history;
  const auto [left, right] = range_of(run.data, 0);
  const auto [bottom, top] = range_of(run.data, 1);
  Landscape land{columns, rows, left, right, bottom, top, {}};
  std::vector<double> points;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) points.insert(points.end(), {land.x(j), land.y(i)});
  land.score = run.model(tensor(points, {rows * columns, 2})).to_vector();
  return land;
}

/// Where the score crosses `level`. Each square of the grid is cut into two triangles; the line
/// enters and leaves a triangle through the edges whose ends lie on different sides of the level.
kit::Series contour(const Landscape& land, double level, const std::string& name) {
  kit::Series line{.name = name};
  const auto triangle = [&](const int64_t(&i)[3], const int64_t(&j)[3]) {
    const size_t before = line.x.size();
    for (int a = 0; a < 3; ++a) {
      const int b = (a + 1) % 3;
      const double from = land.at(i[a], j[a]) - level, to = land.at(i[b], j[b]) - level;
      if ((from < 0) == (to < 0)) continue;
      const double t = from / (from - to);
      line.x.push_back(land.x(j[a]) + t * (land.x(j[b]) - land.x(j[a])));
      line.y.push_back(land.y(i[a]) + t * (land.y(i[b]) - land.y(i[a])));
    }
    if (line.x.size() == before) return;
    line.x.push_back(std::numeric_limits<double>::quiet_NaN());  // both: lifts the pen
    line.y.push_back(std::numeric_limits<double>::quiet_NaN());
  };
  for (int64_t i = 0; i + 1 < land.rows; ++i)
    for (int64_t j = 0; j + 1 < land.columns; ++j) {
      triangle({i, i, i + 1}, {j, j + 1, j});
      triangle({i + 1, i, i + 1}, {j, j + 1, j + 1});
    }
  return line;
}

/// The coordinates of the points of one class.
kit::Series points_of(const Moons& data, double label, const std::string& name, int colour) {
  kit::Series dots{.name = name, .mark = kit::Mark::dots, .colour = colour};
  const std::vector<double> x = data.x.to_vector(), y = data.y.to_vector();
  for (size_t i = 0; i < y.size(); ++i)
    if (y[i] == label) dots.x.push_back(x[2 * i]), dots.y.push_back(x[2 * i + 1]);
  return dots;
}

/// The plane with the points, the boundary and its margins, from a grid of `columns` points per row.
kit::Plot boundary_plot(const Run& run, int64_t columns) {
  const Landscape land = landscape_of(run, columns, columns * 5 / 8);
  kit::Plot plot{.x_label = "x₁", .y_label = "x₂"};
  plot.x_low = land.left, plot.x_high = land.right, plot.y_low = land.bottom, plot.y_high = land.top;
  plot.series = {points_of(run.data, -1, "upper moon", 0), points_of(run.data, 1, "lower moon", 1),
                 contour(land, 0, "boundary: score 0"), contour(land, -1, "margins: score ±1"), contour(land, 1, "")};
  for (size_t i = 2; i < 5; ++i) plot.series[i].colour = 7;
  plot.series[3].faint = plot.series[4].faint = true;
  return plot;
}

/// One frame of the film, at the steps that it shows.
void film(kit::Film& frames, const Run& run, int64_t step, const std::vector<int64_t>& shown) {
  if (!std::binary_search(shown.begin(), shown.end(), step)) return;
  const std::string caption =
      "loss " + kit::fixed(run.losses.back(), 4) + ", accuracy " + kit::general(100 * run.accuracies.back(), 4) + " %";
  kit::Figure figure{.panels = {boundary_plot(run, 61)}};
  figure.panel_width = 520, figure.panel_height = 360;
  frames.frames.push_back({step, caption, figure});
}

/// The same as text of at most `width` characters: ':' where the score is positive, o and x the points.
std::string boundary_text(const Run& run, int width) {
  const int64_t columns = width > 0 ? std::clamp<int64_t>(width - 2, 8, 64) : 64;
  const Landscape land = landscape_of(run, columns, std::max<int64_t>(4, columns * 5 / 16));
  std::vector<std::string> lines;
  for (int64_t i = 0; i < land.rows; ++i) {
    lines.emplace_back();
    for (int64_t j = 0; j < land.columns; ++j) lines.back() += land.at(i, j) > 0 ? ':' : ' ';
  }
  int64_t left_out = 0;
  const auto mark = [&](const kit::Series& dots, char character) {
    for (size_t n = 0; n < dots.x.size(); ++n) {
      if (!kit::drawable(dots.x[n]) || !kit::drawable(dots.y[n])) {
        ++left_out;
        continue;
      }
      const double across = (dots.x[n] - land.left) / (land.right - land.left);
      const double down = (land.top - dots.y[n]) / (land.top - land.bottom);
      const auto row = static_cast<size_t>(std::lround(down * static_cast<double>(land.rows - 1)));
      lines[row][static_cast<size_t>(std::lround(across * static_cast<double>(land.columns - 1)))] = character;
    }
  };
  mark(points_of(run.data, -1, "", 0), 'o');
  mark(points_of(run.data, 1, "", 0), 'x');
  std::string text;
  for (const std::string& line : lines) text += "  " + line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  if (left_out > 0) text += "  left out because they are not finite: " + std::to_string(left_out) + " points\n";
  return text;
}

std::string percent(double part) { return kit::general(100 * part, 4) + " %"; }

// 6. The program.

int run(int argc, char** argv) {
  Settings settings;
  kit::Common common{.steps = settings.steps};
  int64_t seeds = 1;
  bool doctor = false;
  kit::Cli cli("two_moons", "A small network learns to tell two half circles apart, beside micrograd's results.");
  cli.group("Data and model",
            {{"points", &settings.points, "points, half on each moon", {.min = 4, .max = 1e5}},
             {"noise", &settings.noise, "standard deviation of noise on each coordinate", {.min = 0}},
             {"init",
              &settings.init,
              "initialisation: micrograd's (weights U(-1, 1), biases 0) or PyTorch's (all U(±1/√in))",
              {.choices = {"micrograd", "pytorch"}}},
             {"seeds", &seeds, "networks to train, with seeds --seed, --seed + 1, …", {.min = 1, .max = 1e6}},
             kit::doctor_option(doctor)});
  cli.common(common);
  cli.example("two_moons", "the notebook's run and its picture, in a fraction of a second");
  cli.example("two_moons --seeds 100", "how often is the network perfect?");
  cli.example("two_moons --seeds 100 --init pytorch", "the same with PyTorch's initialisation");
  cli.json_keys({{"accuracy", "fraction of points on the right side of the boundary, first seed"},
                 {"loss", "max-margin loss with its L2 term, first seed"},
                 {"mean_accuracy", "mean over --seeds"},
                 {"perfect", "number of networks with accuracy 1"},
                 {"seeds", "number of networks trained"}});
  if (!cli.parse(argc, argv)) return 0;
  settings.steps = common.steps;
  kit::watch_interrupts();
  kit::RunFolder folder(common.out);
  const std::filesystem::path boundary = folder.file("boundary.svg", "the decision boundary");
  const std::filesystem::path loss_curve = folder.file("loss.svg", "the loss, step by step");
  const std::filesystem::path film_file = folder.file("film.html", "the boundary while it is learnt, with a slider");
  const std::filesystem::path metrics = folder.file("metrics.jsonl", "the data of the plot");
  if (doctor) {
    const std::filesystem::path rates = folder.file("learning_rates.svg", "the loss after a few steps at each rate");
    return kit::end_examination(cli, folder, kit::report_examination(examine(settings, common.seed), rates));
  }

  const std::vector<kit::Level> published = {{0.01098, "micrograd, step 99"}};
  kit::RunPage page(folder, cli, {.loss_unit = "max-margin loss", .baselines = published});
  page.watch("", metrics, settings.steps);

  kit::Film frames{
      .title = "Two moons: the boundary while it is learnt",
      .note = "A straight line at first; it bends until every point is on its own side, then the margins part."};
  const std::vector<int64_t> shown = kit::film_steps(settings.steps);
  const Run first = train(settings, common.seed, [&](const Run& run, int64_t step) { film(frames, run, step, shown); });
  const double loss = first.losses.back(), accuracy = first.accuracies.back();

  std::cout << kit::grouped(settings.points) << " points, " << first.model.num_parameters() << " parameters, seed "
            << common.seed << "\n\n  step    loss  accuracy\n";
  const auto last = static_cast<int64_t>(first.losses.size()) - 1;  // less than --steps after Ctrl-C
  for (int64_t k = 0; k <= last; ++k) {
    if (k % std::max<int64_t>(1, settings.steps / 10) != 0 && k != last) continue;
    const auto i = static_cast<size_t>(k);
    std::cout << kit::right(std::to_string(k), 6) << kit::right(kit::fixed(first.losses[i], 4), 8) << "  "
              << percent(first.accuracies[i]) << '\n';
  }
  std::cout << "\n  dotted: the network says \"lower moon\"; o = upper-moon points, x = lower\n\n"
            << boundary_text(first, kit::picture_width());

  double mean_accuracy = accuracy;
  int64_t perfect = accuracy == 1.0, trained = 1;
  if (seeds > 1 && !kit::interrupted()) {
    kit::Progress progress("training", seeds, {.quiet = common.quiet});
    progress.update(1);
    while (trained < seeds) {
      const double a = train(settings, common.seed + trained).accuracies.back();
      if (kit::interrupted()) break;  // a network that is half trained does not count
      mean_accuracy += a;
      perfect += a == 1.0;
      progress.update(++trained, "accuracy", a);
    }
    mean_accuracy /= static_cast<double>(trained);
  }

  std::cout << "\n                        heed  published\n"
            << "  loss at the start   " << kit::fixed(first.losses.front(), 4) << "  0.896\n"
            << "  loss at the end     " << kit::fixed(loss, 4) << "  0.01098\n"
            << "  accuracy at the end " << percent(accuracy) << "  100 %\n";
  if (trained > 1)
    std::cout << "  over " << trained << " seeds: " << perfect << " perfect, mean accuracy " << percent(mean_accuracy)
              << '\n';
  std::cout << "\n(The published run is one seed of micrograd's. Of a hundred such runs about 88 are\n"
               "perfect with its initial weights, about 49 with PyTorch's: try --seeds 100, and\n"
               "--init pytorch.)\n";

  kit::save_svg(
      boundary,
      {.title = "Two moons: what the network learnt",
       .note = "The thick line parts the moons; the thin ones, its margins, should hold no point between them.",
       .panels = {boundary_plot(first, 161)}});
  kit::save_film(film_file, frames);
  kit::MetricsLog log(metrics);
  for (int64_t k = 0; k <= last; ++k) {
    const auto i = static_cast<size_t>(k);
    log.write(k, {{"loss", first.losses[i]}, {"accuracy", first.accuracies[i]}});
  }
  std::vector<double> steps;
  for (size_t k = 0; k < first.losses.size(); ++k) steps.push_back(static_cast<double>(k));
  kit::Plot plot = kit::loss_plot(steps, first.losses, published);
  plot.y_label = "max-margin loss";
  kit::save_svg(loss_curve,
                {.title = "Two moons: the loss",
                 .note = "It falls by a factor of a hundred, in jumps: with a rate of 1 single steps go too far.",
                 .panels = {plot}});
  page.save(last, last == settings.steps ? kit::RunState::finished : kit::RunState::stopped);
  std::cout << '\n';
  folder.print();
  if (kit::interrupted() && !kit::reader_is_gone())
    std::cerr << "\nstopped after step " << last << " of " << settings.steps
              << (seeds > 1 ? cat(", ", trained, " of ", seeds, " networks") : "")
              << ": results and pictures cover only these" << std::endl;
  cli.print_json({{"accuracy", accuracy},
                  {"loss", loss},
                  {"mean_accuracy", mean_accuracy},
                  {"perfect", perfect},
                  {"seeds", trained}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
