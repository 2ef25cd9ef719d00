// Data that needs no download.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <heed/autograd/tensor.h>
#include <heed/core/random.h>

namespace heed::kit {

/// Points of the plane in two classes.
struct Classified {
  Tensor points;  // (n, 2) f32
  Tensor labels;  // (n,)   i64
};

/// Two interleaved half circles, as scikit-learn's make_moons: n/2 points (cos t, sin t) of class 0
/// and the rest (1 - cos t, 1/2 - sin t) of class 1, t from 0 to π in equal steps, all with normal
/// noise. Throws ShapeError for n < 2.
Classified two_moons(int64_t n, double noise, Generator& generator);

/// A regression task: y is a curve plus noise at x; at the queries the target is the curve itself.
struct Curve {
  std::vector<double> x, y;  // sorted by x
  std::vector<double> queries, truth;
};

/// "Dive into Deep Learning", attention pooling:  y = 2 sin x + x + N(0, 1),  n points x uniform on
/// [0, 5), queries 0, 0.1, … 4.9.
Curve sine_plus_line(Generator& generator, int64_t n = 40);

/// The same book's older edition:  y = 2 sin x + x^0.8 + N(0, 0.5) (standard deviation), n points.
Curve sine_plus_power(Generator& generator, int64_t n = 50);

/// heed's own source as a corpus: the *.h and *.cpp of core, autograd, nn, optim and examples below
/// `root`, sorted by path, unchanged. By default `root` is the folder from which this program was
/// built. Throws IoError, which suggests --text, if that folder does not exist.
std::string source_tree_text();
std::string source_tree_text(const std::filesystem::path& root);

}  // namespace heed::kit
