// Kernel regression: attention as statisticians knew it sixty years ago, with a learnt width.
//
//     f(q) = Σᵢ α(q, kᵢ) vᵢ      the known values vᵢ, weighted by how near their positions kᵢ are
//
// 1. Which kernel, which width?     The errors of eight choices, over many data sets.
// 2. What do the weights look like? One row per query: a band along the diagonal.
// 3. Can the width be learnt?       By gradient descent, each point estimated from the others.
// 4. Why from the others?           Otherwise the best width is zero: no loss, and nothing learnt.
// 5. And attention?                 It is the same function with another score.
//
// The settings are those of "Dive into Deep Learning" (d2l.ai), section 11.2, and of its older
// edition for the learnt width. The book prints no errors: the figures beside heed's come from an
// independent program with the same settings: means over 2,000 data sets, quantiles (5 % and 95 %)
// over 400.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/examples/kit/cli.h>
#include <heed/examples/kit/data/datasets.h>
#include <heed/examples/kit/format.h>
#include <heed/examples/kit/interrupt.h>
#include <heed/examples/kit/metrics_log.h>
#include <heed/examples/kit/pictures/film.h>
#include <heed/examples/kit/pictures/plot.h>
#include <heed/examples/kit/pictures/terminal_plot.h>
#include <heed/examples/kit/progress.h>
#include <heed/examples/kit/run_folder.h>
#include <heed/examples/kit/runs/run_page.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/kernel_regression.h>
#include <heed/nn/attention/masks.h>
#include <heed/optim/sgd.h>

using namespace heed;

namespace {

// The data: points on a curve, with noise, at random positions.

struct Data {
  Tensor x, y;            // (n)   the known points, sorted by x
  Tensor queries, truth;  // (50)  where the curve is estimated, and its true values there
};

Data data_of(const kit::Curve& curve) {
  return {tensor(curve.x), tensor(curve.y), tensor(curve.queries), tensor(curve.truth)};
}

double mean_squared_error(const Tensor& estimate, const Tensor& truth) { return mean(square(estimate - truth)).item(); }

// The kernels, and their errors according to an independent program.

using Estimate = std::function<nn::Attended(const Tensor& q, const Tensor& x, const Tensor& y)>;

struct Smoother {
  std::string key, formula;
  double mean, low, high;  // of the mean squared error: mean, 5 %, 95 %
  Estimate estimate;
};

std::vector<Smoother> all_smoothers() {
  using nn::NadarayaWatson;
  const auto gaussian = [](double width) { return NadarayaWatson(nn::Gaussian({.width = width})); };
  return {{"constant", "1: the plain mean", 0.900, 0.855, 1.040, NadarayaWatson(nn::Constant())},
          {"boxcar", "1 if u <= 1", 0.275, 0.115, 0.517, NadarayaWatson(nn::Boxcar())},
          {"triangular", "(1 - u)₊", 0.181, 0.055, 0.378, NadarayaWatson(nn::Triangular())},
          {"epanechikov", "¾ (1 - u²)₊", 0.195, 0.060, 0.400, NadarayaWatson(nn::Epanechikov())},
          {"gaussian", "exp(-u²/2)", 0.459, 0.273, 0.728, gaussian(1.0)},
          {"gaussian_0.5", "the same, half as wide", 0.200, 0.060, 0.419, gaussian(0.5)},
          {"gaussian_0.2", "a fifth as wide", 0.234, 0.095, 0.419, gaussian(0.2)},
          {"gaussian_0.1", "a tenth as wide", 0.427, 0.200, 0.714, gaussian(0.1)}};
}

// The learnt width. One line computes scores, attend() does the rest: any layer that can say how well
// a key answers a query is an attention layer.

struct LearntWidth : nn::Module {
  Tensor w;  // ()   1 / width

  explicit LearntWidth(double w_) : w(parameter(scalar(w_))) {}

  /// queries (n), keys (m), values (m) -> output (n)
  nn::Attended operator()(const Tensor& queries, const Tensor& keys, const Tensor& values,
                          const nn::AttentionOptions& options = {}) const {
    const Tensor scores = -0.5 * square((queries.unsqueeze(1) - keys) * w);  // (n, m)
    nn::Attended result = nn::attend(scores, values.unsqueeze(1), options);
    result.output = result.output.squeeze(1);
    return result;
  }

  void visit(nn::Visitor& v) override { v("w", w); }
};

/// Σ (estimate - y)² over the known points, each estimated from the others only, or from all, itself included.
Tensor training_loss(const LearntWidth& model, const Data& data, bool leave_one_out) {
  nn::AttentionOptions options;
  if (leave_one_out) options.mask = !nn::eye_mask(data.x.size(0));
  return sum(square(model(data.x, data.x, data.y, options).output - data.y));
}

struct Learning {
  Data data;
  LearntWidth model;
  std::vector<double> losses;  // before each step
  std::vector<double> widths;  // w before each step, and after the last
  double fixed_error, error;   // mean squared error at the queries: with w = 1, with the learnt w
};

Learning learn_width(int64_t steps) {
  const Data data = data_of(kit::sine_plus_power(default_generator()));
  const auto error = [&data](const LearntWidth& model) {
    const NoGrad no_history;
    return mean_squared_error(model(data.queries, data.x, data.y).output, data.truth);
  };
  Learning run{data, LearntWidth(rand({}).item()), {}, {}, error(LearntWidth(1.0)), 0};
  optim::SGD sgd(run.model.parameters(), {.lr = 0.5});
  for (int64_t step = 0; step < steps; ++step) {
    const Tensor loss = training_loss(run.model, data, true);
    run.losses.push_back(loss.item());
    run.widths.push_back(run.model.w.item());
    sgd.zero_grad();
    loss.backward();
    sgd.step();
  }
  run.widths.push_back(run.model.w.item());
  run.error = error(run.model);
  return run;
}

// Statistics and columns of text.

double quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  const double position = part * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

double average(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string cell(double value, int width, int decimals = 3) { return kit::right(kit::fixed(value, decimals), width); }

// Pictures.

kit::Series line(const std::string& name, const Tensor& x, const Tensor& y, int colour) {
  return {.name = name, .x = x.to_vector(), .y = y.to_vector(), .colour = colour};
}

/// The known points, the true curve and estimates of it.
kit::Plot fit_plot(const std::string& title, const Data& data, std::vector<kit::Series> estimates) {
  kit::Series known = line("known", data.x, data.y, 7);
  kit::Series truth = line("truth", data.queries, data.truth, 7);
  known.mark = kit::Mark::dots, known.faint = true;
  truth.mark = kit::Mark::dashes;
  estimates.insert(estimates.begin(), {known, truth});
  return {.title = title, .x_label = "x", .y_label = "y", .series = estimates};
}

/// Every `rows`-th query and `columns`-th key of the weights.
kit::HeatMap weight_map(const std::string& title, const nn::Attended& result, const Data& data, int64_t rows,
                        int64_t columns) {
  const Tensor& all = result.weights;
  const Tensor w = all.slice(0, 0, all.size(0), rows).slice(1, 0, all.size(1), columns);
  kit::HeatMap map{.title = title, .row_axis = "queries, by x", .column_axis = "keys, in order of x"};
  map.rows = w.size(0), map.columns = w.size(1), map.values = w.to_vector();
  map.high = std::max(0.1, *std::max_element(map.values.begin(), map.values.end()));  // equal weights stay pale
  for (int64_t i = 0; i < map.rows; ++i) map.row_labels.push_back(kit::fixed(data.queries[i * rows].item(), 1));
  return map;
}

/// The kernels themselves, by u = |q - k| / width.
kit::Plot kernel_shapes() {
  const Tensor u = linspace(-3, 3, 1201), centre = zeros({1, 1});
  const auto shape = [&](const auto& score) { return score(centre, u.unsqueeze(1)).flatten(); };
  kit::Plot plot{
      .title = "Kernel shapes", .x_label = "(q - k) / width", .y_label = "weight before dividing by the sum"};
  plot.y_low = 0, plot.y_high = 1;
  plot.series = {line("boxcar", u, shape(nn::Boxcar()), 4), line("triangular", u, shape(nn::Triangular()), 2),
                 line("epanechikov", u, shape(nn::Epanechikov()), 1),
                 line("gaussian", u, exp(shape(nn::Gaussian())), 0)};
  return plot;
}

void save_kernel_pictures(kit::RunFolder& folder, const Data& data, const std::vector<Smoother>& smoothers,
                          const std::vector<kit::Series>& bands) {
  kit::Figure curves{.title = "Kernel regression: eight kernels on the same points",
                     .note =
                         "Too wide a kernel is smooth and far from the truth, too narrow a one follows the noise. "
                         "Shaded: 90 % of the estimates from other points."};
  kit::Figure weights{
      .title = "The weights: which known points each query attends to",
      .note =
          "A narrower kernel is a thinner band: each query attends to fewer neighbours, and more to each. "
          "Every panel has its own scale."};
  curves.columns = weights.columns = 4;
  curves.panel_width = weights.panel_width = 330;
  curves.panel_height = 270;
  for (size_t i = 0; i < smoothers.size(); ++i) {
    const nn::Attended result = smoothers[i].estimate(data.queries, data.x, data.y);
    kit::Series estimate = line("estimate", data.queries, result.output, 0);
    estimate.low = bands[i].low, estimate.high = bands[i].high;
    curves.panels.push_back(fit_plot(smoothers[i].key, data, {estimate}));
    weights.panels.push_back(weight_map(smoothers[i].key, result, data, 2, 1));
  }
  kit::save_svg(folder.file("curves.svg", "each kernel's estimate from the same points"), curves);
  kit::save_svg(folder.file("weights.svg", "each kernel's weights"), weights);
  kit::save_svg(folder.file("kernels.svg", "the kernels' shapes"),
                {.title = "Four kernels",
                 .note = "Boxcar, triangular and Epanechikov end at one width; the Gaussian never does.",
                 .panels = {kernel_shapes()}});
}

/// The curve and its weights as the width is learnt, step by step.
kit::Film width_film(const Learning& run) {
  const NoGrad no_history;
  kit::Film film{.title = "A learnt width, step by step",
                 .note = "w = 1 / width grows: the band of weights gets thinner, and the curve comes near the truth."};
  for (const int64_t step : kit::film_steps(static_cast<int64_t>(run.losses.size()))) {
    const double w = run.widths[static_cast<size_t>(step)];
    const nn::Attended now = LearntWidth(w)(run.data.queries, run.data.x, run.data.y);
    kit::Figure figure{.columns = 2};
    figure.panel_width = 480, figure.panel_height = 320;
    figure.panels = {fit_plot("Estimate", run.data, {line("estimate", run.data.queries, now.output, 0)}),
                     weight_map("Weights", now, run.data, 2, 1)};
    film.frames.push_back({step, "w = " + kit::fixed(w, 2), figure});
  }
  return film;
}

void save_learning_picture(const std::filesystem::path& file, const Learning& run, const kit::Plot& trap) {
  const Data& data = run.data;
  const nn::Attended fixed = LearntWidth(1.0)(data.queries, data.x, data.y);
  const nn::Attended learnt = run.model(data.queries, data.x, data.y);
  kit::Plot loss{.title = "Leave-one-out loss, step by step", .x_label = "step"};
  loss.y_label = "sum of squared errors";
  loss.series = {{.y = run.losses}};
  for (size_t step = 1; step <= run.losses.size(); ++step) loss.series[0].x.push_back(static_cast<double>(step));
  kit::Figure figure{
      .title = "A learnt width",
      .note =
          "The learnt width follows the curve where w = 1 cannot; \"The trap\" shows why a point must be left "
          "out of its own estimate: with itself, the error of the training points falls to 0.",
      .columns = 2};
  figure.panel_width = 480, figure.panel_height = 320;
  figure.panels = {
      fit_plot("Before and after", data,
               {line("w = 1", data.queries, fixed.output, 1), line("learnt w", data.queries, learnt.output, 0)}),
      trap, loss, weight_map("Weights with the learnt width", learnt, data, 2, 1)};
  kit::save_svg(file, figure);
}

// The five parts.

using Errors = std::vector<std::vector<double>>;

/// The band that holds 90 % of the estimates of each query.
kit::Series band_of(const std::vector<std::vector<double>>& estimates) {
  kit::Series band;
  for (size_t q = 0; q < estimates[0].size(); ++q) {
    std::vector<double> here;
    for (const std::vector<double>& estimate : estimates) here.push_back(estimate[q]);
    band.low.push_back(quantile(here, 0.05)), band.high.push_back(quantile(here, 0.95));
  }
  return band;
}

/// 1. Errors by smoother, over the data sets with seeds seed, seed + 1, …; and the bands of estimates of the first 200.
Errors compare_kernels(const std::vector<Smoother>& all, int64_t seed, int64_t seeds, bool quiet,
                       std::vector<kit::Series>& bands) {
  Errors errors(all.size());
  std::vector<std::vector<std::vector<double>>> estimates(all.size());
  kit::Progress progress("kernels", seeds, {.quiet = quiet});
  for (int64_t s = 0; s < seeds; ++s) {
    manual_seed(static_cast<uint64_t>(seed + s));
    const Data data = data_of(kit::sine_plus_line(default_generator()));
    for (size_t i = 0; i < all.size(); ++i) {
      const nn::Attended result = all[i].estimate(data.queries, data.x, data.y);
      errors[i].push_back(mean_squared_error(result.output, data.truth));
      if (s < 200) estimates[i].push_back(result.output.to_vector());
    }
    progress.update(s + 1);
    if (kit::interrupted()) break;
  }
  for (const auto& of_one : estimates) bands.push_back(band_of(of_one));
  return errors;
}

std::string data_sets(size_t count) {
  return kit::grouped(static_cast<int64_t>(count)) + (count == 1 ? " data set" : " data sets");
}

void print_errors(const std::vector<Smoother>& smoothers, const Errors& errors) {
  std::cout << "1. Eight kernels, u = |q - k| / width. Mean squared error to y = 2 sin x + x, from 40\n"
               "   noisy points, over "
            << data_sets(errors[0].size())
            << ". The right-hand columns are the same quantities\n"
               "   computed by a separate program.\n\n"
            << "                   mean     5 %    95 %  |   mean     5 %    95 %\n";
  for (size_t i = 0; i < smoothers.size(); ++i) {
    const auto& [key, formula, mean, low, high, estimate] = smoothers[i];
    std::cout << "  " << kit::fit(key, 14) << cell(average(errors[i]), 7) << cell(quantile(errors[i], 0.05), 8)
              << cell(quantile(errors[i], 0.95), 8) << "  |" << cell(mean, 7) << cell(low, 8) << cell(high, 8) << "   "
              << formula << '\n';
  }
  std::cout << "\n   Too wide a kernel blurs the curve, too narrow a kernel follows the noise. The width\n"
               "   matters more than the kernel's shape.\n\n";
}

/// 3. The learnt width, on `seeds` data sets.
std::vector<Learning> learn_widths(int64_t seed, int64_t seeds, int64_t steps, bool quiet) {
  std::vector<Learning> runs;
  kit::Progress progress("width", seeds, {.quiet = quiet});
  for (int64_t s = 0; s < seeds; ++s) {
    manual_seed(static_cast<uint64_t>(seed + s));
    runs.push_back(learn_width(steps));
    progress.update(s + 1);
    if (kit::interrupted()) break;
  }
  return runs;
}

struct Medians {
  double loss_first, loss_last, falls, w, fixed_error,
      error;  // falls: the fraction of data sets on which the loss fell
};

Medians medians_of(const std::vector<Learning>& runs) {
  const auto all = [&](const auto& value) {
    std::vector<double> values;
    for (const Learning& run : runs) values.push_back(value(run));
    return values;
  };
  const auto median = [&](const auto& value) { return quantile(all(value), 0.5); };
  return {median([](const Learning& run) { return run.losses.front(); }),
          median([](const Learning& run) { return run.losses.back(); }),
          average(all([](const Learning& run) { return run.losses.back() < run.losses.front(); })),
          median([](const Learning& run) { return std::abs(run.model.w.item()); }),
          median([](const Learning& run) { return run.fixed_error; }),
          median([](const Learning& run) { return run.error; })};
}

void print_learning(const Medians& m, int64_t steps) {
  const auto row = [](const char* what, const std::string& value, const char* expected) {
    std::cout << "  " << kit::fit(what, 35) << kit::right(value, 7) << "   " << expected << '\n';
  };
  std::cout << "3. The width learnt: exp(-((q - k) w)²/2), gradient descent on w, " << steps
            << (steps == 1 ? " step" : " steps") << ". Medians:\n\n";
  row("", "heed", "independent, 5 steps");
  row("leave-one-out loss, first step", kit::fixed(m.loss_first, 1), "45 … 49");
  row("leave-one-out loss, last step", kit::fixed(m.loss_last, 1), "16.5 … 19");
  row("data sets on which the loss fell", kit::fixed(100 * m.falls, 0) + " %", "95 % or more");
  row("learnt w", kit::fixed(m.w, 1), "12");
  row("error to the true curve, w = 1", kit::fixed(m.fixed_error, 3), "0.40 … 0.43");
  row("error to the true curve, learnt w", kit::fixed(m.error, 3), "0.10 … 0.13");
  std::cout << '\n';
}

/// 4. The training loss with and without the point itself, and the error that counts, by w.
kit::Plot show_trap(const Data& data) {
  const NoGrad no_history;
  kit::Plot plot{.title = "The trap", .x_label = "w = 1 / width", .y_label = "mean squared error"};
  plot.log_x = true;
  plot.series = {{"training, with itself"}, {"training, leave one out"}, {"to the true curve"}};
  const double n = static_cast<double>(data.x.size(0));
  std::cout << "4. Why must a point be left out of its own estimate? Mean squared errors by w:\n\n"
               "         w     with itself   leave one out   to the true curve\n";
  for (int k = 0; k <= 48; ++k) {
    const double w = std::pow(10.0, -1.0 + k / 12.0);
    const LearntWidth model(w);
    const Tensor curve = model(data.queries, data.x, data.y).output;
    const double errors[] = {training_loss(model, data, false).item() / n, training_loss(model, data, true).item() / n,
                             mean_squared_error(curve, data.truth)};
    for (size_t i = 0; i < 3; ++i) {
      plot.series[i].x.push_back(w);
      plot.series[i].y.push_back(errors[i]);
    }
    if (k % 12 == 0 || k == 18)
      std::cout << kit::right(kit::general(w, 3), 10) << cell(errors[0], 16, 4) << cell(errors[1], 16, 4)
                << cell(errors[2], 20, 4) << '\n';
  }
  std::cout << "\n   With itself, the narrowest kernel is perfect: every point is its own and only\n"
               "   neighbour. The loss is 0, the curve is noise. Left out, a point is predicted from\n"
               "   its neighbours only, so the loss measures generalisation.\n\n";
  return plot;
}

/// 5. Largest difference between kernel regression and dot-product attention on points of the unit
/// circle. ‖q - k‖² = ‖q‖² + ‖k‖² - 2 q·k, and softmax ignores what all keys of a query share:
/// with keys of equal length only q·k is left.
double difference_from_attention(double width) {
  const auto circle = [](const Tensor& angle) { return stack({cos(angle), sin(angle)}, 1); };
  const Tensor keys = circle(linspace(0, 6, 12, Dtype::f64));
  const Tensor queries = circle(linspace(0.3, 5, 7, Dtype::f64)), values = randn({12, 3}, Dtype::f64);
  const nn::NadarayaWatson regression(nn::Gaussian({.width = width}));
  const nn::Attended ours = regression(queries, keys, values);
  const nn::Attended attention = nn::attention(queries, keys, values, {.scale = 1 / (width * width)});
  return amax(abs(ours.output - attention.output)).item();
}

int run(int argc, char** argv) {
  kit::Common common{.steps = 5, .steps_help = "steps of gradient descent on the width"};
  int64_t seeds = 2000;
  kit::Cli cli("kernel_regression",
               "Kernel regression (Nadaraya-Watson): kernels, widths, a learnt width, and attention.");
  cli.group("Data", {{"seeds",
                      &seeds,
                      "data sets, with seeds --seed, --seed + 1, …; the pictures show the first",
                      {.min = 1, .max = 1e6}}});
  cli.common(common);
  cli.example("kernel_regression", "all five parts, in seconds");
  cli.example("kernel_regression --seeds 1 --seed 7", "one data set and its pictures");
  cli.json_keys({{"mse",
                  "mean over --seeds of the mean squared error, an object with the keys constant, "
                  "boxcar, triangular (d2l's \"epanechikov\"), epanechikov (3/4(1-u²)₊), gaussian "
                  "(width 1), gaussian_0.5, gaussian_0.2, gaussian_0.1"},
                 {"seeds", "number of data sets"},
                 {"loss_first", "median leave-one-out loss before the first step of learning"},
                 {"loss_last", "the same before the last step"},
                 {"loss_falls", "fraction of data sets on which the loss fell"},
                 {"w", "median of the learnt |w| = 1 / width"},
                 {"fixed_mse", "median mean squared error with w = 1"},
                 {"learnt_mse", "the same with the learnt w"},
                 {"attention_difference", "largest difference from dot-product attention"}});
  if (!cli.parse(argc, argv)) return 0;
  if (common.steps < 1) throw kit::UsageError("--steps: 0: nothing would be learnt: give at least 1");

  kit::watch_interrupts();
  kit::RunFolder folder(common.out);
  const std::vector<Smoother> smoothers = all_smoothers();
  std::vector<kit::Series> bands;
  const Errors errors = compare_kernels(smoothers, common.seed, seeds, common.quiet, bands);
  print_errors(smoothers, errors);

  manual_seed(static_cast<uint64_t>(common.seed));
  const Data data = data_of(kit::sine_plus_line(default_generator()));
  const nn::Attended shown = smoothers[5].estimate(data.queries, data.x, data.y);
  std::cout << "2. The weights of gaussian_0.5: one row per query, from left to right; one column\n"
               "   per known point, sorted by x. Each query attends to its neighbours.\n\n"
            << kit::terminal_heat_map(weight_map("", shown, data, 4, 2), false, kit::picture_width()) << '\n';

  const std::vector<Learning> runs = learn_widths(common.seed, seeds, common.steps, common.quiet);
  const Medians m = medians_of(runs);
  print_learning(m, common.steps);
  const kit::Plot trap = show_trap(runs[0].data);

  const double difference = difference_from_attention(0.5);
  std::cout << "5. The same function as attention: attend(scores, values) with\n\n"
               "     kernel regression   scores = -|q - k|² / 2h²\n"
               "     attention           scores = q·k / √d\n\n"
               "   For keys of equal length and h² = √d they agree: the largest difference here is "
            << kit::general(difference, 2) << ".\n\n";

  save_kernel_pictures(folder, data, smoothers, bands);
  save_learning_picture(folder.file("learnt_width.svg", "the learnt width, and the trap"), runs[0], trap);
  kit::save_film(folder.file("film.html", "the width while it is learnt, with a slider"), width_film(runs[0]));
  const std::filesystem::path metrics = folder.file("metrics.jsonl", "loss and w of the first data set, step by step");
  kit::MetricsLog log(metrics);
  for (size_t step = 0; step < runs[0].losses.size(); ++step)
    log.write(static_cast<int64_t>(step), {{"loss", runs[0].losses[step]}, {"w", runs[0].widths[step]}});
  kit::RunPage page(folder, cli, {.loss_unit = "sum of squared errors"});
  page.watch("", metrics, common.steps);
  page.save(static_cast<int64_t>(runs[0].losses.size()),
            kit::interrupted() ? kit::RunState::stopped : kit::RunState::finished);
  folder.print();
  if (kit::interrupted() && !kit::reader_is_gone())
    std::cerr << "\nstopped after " << errors[0].size() << " of " << data_sets(static_cast<size_t>(seeds)) << ", and "
              << runs.size() << " for the learnt width: the results cover only these" << std::endl;

  kit::Json::Object mse;
  for (size_t i = 0; i < errors.size(); ++i) mse.emplace_back(smoothers[i].key, average(errors[i]));
  cli.print_json({{"mse", mse},
                  {"seeds", seeds},
                  {"loss_first", m.loss_first},
                  {"loss_last", m.loss_last},
                  {"loss_falls", m.falls},
                  {"w", m.w},
                  {"fixed_mse", m.fixed_error},
                  {"learnt_mse", m.error},
                  {"attention_difference", difference}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv, run); }
