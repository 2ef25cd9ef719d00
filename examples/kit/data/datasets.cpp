#include <heed/examples/kit/data/datasets.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <heed/autograd/ops/create.h>
#include <heed/core/error.h>
#include <heed/core/files/file.h>
#include <heed/core/text.h>

#ifndef HEED_SOURCE_DIR
#define HEED_SOURCE_DIR ""
#endif

namespace heed::kit {
namespace {

template <class F> Curve noisy_curve(const F& f, int64_t n, double noise, Generator& generator) {
  Curve curve;
  curve.x = rand({n}, generator, Dtype::f64).to_vector();
  for (double& x : curve.x) x *= 5;
  std::sort(curve.x.begin(), curve.x.end());
  const std::vector<double> errors = randn({n}, generator, Dtype::f64).to_vector();
  for (int64_t i = 0; i < n; ++i) curve.y.push_back(f(curve.x[i]) + noise * errors[i]);
  for (int i = 0; i < 50; ++i) {
    curve.queries.push_back(i / 10.0);
    curve.truth.push_back(f(i / 10.0));
  }
  return curve;
}

}  // namespace

Classified two_moons(int64_t n, double noise, Generator& generator) {
  check<ShapeError>(n >= 2, "two_moons: ", n, " points: give at least one per moon");
  const std::vector<double> errors = randn({n, 2}, generator, Dtype::f64).to_vector();
  std::vector<double> points;
  std::vector<int64_t> labels;
  const int64_t outer = n / 2;
  for (int64_t i = 0; i < n; ++i) {
    const bool inner = i >= outer;
    const int64_t count = inner ? n - outer : outer, k = inner ? i - outer : i;
    const double t = count == 1 ? 0 : std::numbers::pi * static_cast<double>(k) / static_cast<double>(count - 1);
    points.push_back((inner ? 1 - std::cos(t) : std::cos(t)) + noise * errors[2 * i]);
    points.push_back((inner ? 0.5 - std::sin(t) : std::sin(t)) + noise * errors[2 * i + 1]);
    labels.push_back(inner);
  }
  return {tensor(points, {n, 2}, Dtype::f64).to(Dtype::f32), tensor_i64(labels)};
}

Curve sine_plus_line(Generator& generator, int64_t n) {
  return noisy_curve([](double x) { return 2 * std::sin(x) + x; }, n, 1.0, generator);
}

Curve sine_plus_power(Generator& generator, int64_t n) {
  return noisy_curve([](double x) { return 2 * std::sin(x) + std::pow(x, 0.8); }, n, 0.5, generator);
}

std::string source_tree_text() { return source_tree_text(HEED_SOURCE_DIR); }

std::string source_tree_text(const std::filesystem::path& root) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;  // relative, with '/': the same order on every system
  for (const char* folder : {"core", "autograd", "nn", "optim", "examples"}) {
    check<IoError>(!root.empty() && fs::is_directory(root / folder), "source tree: ", quote((root / folder).string()),
                   ": does not exist: give a text to learn from with --text FILE");
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path extension = entry.path().extension();
      if (entry.is_regular_file() && (extension == ".h" || extension == ".cpp"))
        files.push_back(entry.path().lexically_relative(root).generic_string());
    }
  }
  std::sort(files.begin(), files.end());
  std::string text;
  for (const std::string& file : files) text += core::read_file((root / file).string());
  return text;
}

}  // namespace heed::kit
