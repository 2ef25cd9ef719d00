#include <heed/core/random.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <heed/core/parallel.h>
#include <heed/core/philox.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/hash.h"

using namespace heed;
using namespace heed::core;
using heed::test::message_of;

namespace {

template <class T> std::vector<T> values(const Array& x) { return {x.data<T>(), x.data<T>() + x.numel()}; }

}  // namespace

TEST_CASE("random: moments of the uniform and normal distributions") {
  const int64_t n = 1 << 20;
  struct Row {
    const char* name;
    double mean, variance, skew, kurtosis;
    Array (*draw)(Generator&);
  };
  const Row rows[] = {
      {"uniform f32", 0.5, 1.0 / 12, 0, 1.8, [](Generator& g) { return rand({n}, Dtype::f32, g); }},
      {"uniform f64", 0.5, 1.0 / 12, 0, 1.8, [](Generator& g) { return rand({n}, Dtype::f64, g); }},
      {"normal f32", 0, 1, 0, 3, [](Generator& g) { return randn({n}, Dtype::f32, g); }},
      {"normal f64", 0, 1, 0, 3, [](Generator& g) { return randn({n}, Dtype::f64, g); }},
  };
  Generator g(2024);
  for (const Row& row : rows) {
    INFO(row.name);
    const std::vector<double> x = to_vector(row.draw(g));
    double moment[5] = {};
    for (double v : x)
      for (int k = 1; k <= 4; ++k)
        moment[k] += std::pow((v - row.mean) / std::sqrt(row.variance), k) / static_cast<double>(n);
    const double sd = 1 / std::sqrt(static_cast<double>(n));  // of the mean; four are allowed
    CHECK(std::abs(moment[1]) < 4 * sd);
    CHECK(std::abs(moment[2] - 1) < 4 * std::sqrt(row.kurtosis - 1) * sd);
    CHECK(std::abs(moment[3] - row.skew) < 4 * std::sqrt(15.0) * sd);
    CHECK(std::abs(moment[4] - row.kurtosis) < 4 * std::sqrt(96.0) * sd);
  }
}

namespace {

// χ² of n draws against equal probabilities; for k cells its mean is k - 1, its variance 2 (k - 1).
double chi_square(const std::vector<int64_t>& counts) {
  const double n = static_cast<double>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  const double expected = n / static_cast<double>(counts.size());
  double sum = 0;
  for (int64_t count : counts) sum += std::pow(static_cast<double>(count) - expected, 2) / expected;
  return sum;
}

void check_even(const char* name, const std::vector<int64_t>& counts) {
  INFO(name);
  const double k = static_cast<double>(counts.size()) - 1;
  CHECK(chi_square(counts) < k + 4 * std::sqrt(2 * k));
  CHECK(chi_square(counts) > k - 4 * std::sqrt(2 * k));  // too even is as wrong as too uneven
}

double phi(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace

TEST_CASE("random: chi-square over cells of equal probability") {
  const int64_t n = 1 << 20;
  Generator g(31337);
  {
    std::vector<int64_t> counts(256);
    for (double u : to_vector(rand({n}, Dtype::f32, g))) ++counts[static_cast<size_t>(u * 256)];
    check_even("uniform", counts);
  }
  {
    std::vector<int64_t> counts(256), pairs(256);
    const std::vector<double> z = to_vector(randn({n}, Dtype::f64, g));
    for (double v : z) ++counts[static_cast<size_t>(phi(v) * 256)];
    check_even("normal", counts);
    for (size_t i = 0; i < z.size(); i += 2)
      ++pairs[static_cast<size_t>(phi(z[i]) * 16) * 16 + static_cast<size_t>(phi(z[i + 1]) * 16)];
    check_even("pairs of normals", pairs);
  }
  {
    std::vector<int64_t> counts(100);  // 100 is no power of two: rejections are at work
    for (int64_t v : values<int64_t>(randint(-50, 50, {n}, g))) ++counts[static_cast<size_t>(v + 50)];
    check_even("integers", counts);
  }
  {
    std::vector<int64_t> counts(24);
    for (int i = 0; i < 48000; ++i) {
      const std::vector<int64_t> p = values<int64_t>(randperm(4, g));
      size_t rank = 0;  // in the factorial number system
      for (size_t a = 0; a < 4; ++a) {
        size_t smaller = 0;
        for (size_t b = a + 1; b < 4; ++b) smaller += p[b] < p[a];
        rank = rank * (4 - a) + smaller;
      }
      ++counts[rank];
    }
    check_even("permutations of 4", counts);
  }
  {
    std::vector<int64_t> counts(256);
    for (uint64_t i = 0; i < uint64_t{1} << 20; ++i) ++counts[static_cast<size_t>(uniform_at(5, i % 64, i / 64) * 256)];
    check_even("uniform_at", counts);
  }
}

TEST_CASE("random: truncated normal follows the conditional distribution") {
  const double inf = std::numeric_limits<double>::infinity();
  struct Row {
    double mean, std, low, high;
  };
  const Row rows[] = {{0, 1, -2, 2},     {0, 0.02, -0.04, 0.04}, {0, 1, -0.5, 0.25}, {0, 1, 1, 3},    {1, 2, -1, 100},
                      {0, 1, -inf, inf}, {0, 1, 5, 6},           {0, 1, -inf, -3},   {10, 1, -inf, 4}};
  Generator g(4);
  for (const Row& r : rows) {
    INFO("mean " << r.mean << " std " << r.std << " on " << r.low << " " << r.high);
    const int64_t n = 50000;
    Array x({n}, Dtype::f64);
    fill_truncated_normal(x, r.mean, r.std, r.low, r.high, g);
    // Tail probabilities from the nearer side, where they keep their precision.
    const double sign = r.low > r.mean ? -1 : 1;
    auto cdf = [&](double v) { return phi(sign * (v - r.mean) / r.std); };
    const double from = cdf(r.low), to = cdf(r.high);
    std::vector<int64_t> counts(50);
    for (double v : values<double>(x)) {
      REQUIRE(v >= r.low);
      REQUIRE(v <= r.high);
      ++counts[std::min<size_t>(49, static_cast<size_t>((cdf(v) - from) / (to - from) * 50))];
    }
    check_even("truncated normal", counts);
  }
  Array narrow({1000});  // f32 must not round out of the interval
  fill_truncated_normal(narrow, 0, 1, 0.1, 0.1000001, g);
  for (float v : values<float>(narrow)) CHECK((v >= 0.1 && v <= 0.1000001));
  const float next = std::nextafter(1.0F, 2.0F);  // of two numbers each is drawn as often
  fill_truncated_normal(narrow, 1, 1, 1, next, g);
  const std::vector<float> drawn = values<float>(narrow);
  const auto ones = std::count(drawn.begin(), drawn.end(), 1.0F), others = std::count(drawn.begin(), drawn.end(), next);
  CHECK(ones + others == 1000);
  CHECK(std::min(ones, others) > 400);
}
