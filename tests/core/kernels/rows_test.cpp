// The kernel tables that this machine can run, each against the plain twins: softmax and normalisation along rows.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <heed/core/kernels/dispatch.h>

#include "support/catch.h"
#include "support/kernel_tables.h"
#include "support/reference.h"

using namespace heed::core;
namespace plain = heed::core::plain;
namespace reference = heed::reference;
using heed::test::for_each_table, heed::test::lengths, heed::test::numbers, heed::test::require_close,
    heed::test::tolerance, heed::test::wide;
using reference::infinity;
using reference::Row;

TEST_CASE("kernels: softmax rows and their gradients at every length") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : lengths) {
      CAPTURE(n);
      const std::vector<T> x = numbers<T>(n, 8), g = numbers<T>(n, 9);
      std::vector<T> y(x.size()), log_y(x.size()), dx(x.size());
      kernel.softmax(x.data(), 1, y.data(), n);
      require_close(y, reference::softmax(wide(x)));
      kernel.log_softmax(x.data(), 1, log_y.data(), n);
      require_close(log_y, reference::log_softmax(wide(x)));
      const double lse = reference::log_sum_exp(wide(x));
      T highest = 0, beside = 0;
      const T log_total = kernel.log_sum_exp(x.data(), n, &highest, &beside);
      REQUIRE(highest + log_total == Approx(lse).epsilon(tolerance<T>));
      REQUIRE(highest == *std::max_element(x.begin(), x.end()));
      const double m = static_cast<double>(highest), below = plain::sum_below<double>(wide(x).data(), nullptr, m, n);
      const double weighted = plain::sum_below(wide(x).data(), wide(g).data(), m, n);
      REQUIRE(kernel.sum_below(x.data(), nullptr, highest, n) == Approx(below).epsilon(tolerance<T>));
      REQUIRE(kernel.sum_below(x.data(), g.data(), highest, n) == Approx(weighted).margin(tolerance<T> * (below + 1)));
      Row half = reference::softmax(wide(x));
      for (double& v : half) v /= 2;
      kernel.exp_minus(x.data(), static_cast<T>(lse), T(0.5), dx.data(), n);
      require_close(dx, half);
      kernel.exp_minus(x.data(), highest, T(0.5) / (T(1) + beside), dx.data(), n);
      require_close(dx, half);
      kernel.softmax_grad(y.data(), g.data(), dx.data(), n);
      require_close(dx, reference::softmax_grad(wide(y), wide(g)));
      kernel.log_softmax_grad(log_y.data(), g.data(), dx.data(), n);
      require_close(dx, reference::log_softmax_grad(wide(log_y), wide(g)), std::sqrt(static_cast<double>(n)));
    }
  });
}

TEST_CASE("kernels: softmax of extreme rows") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    for (int64_t n : {1, 3, 20, 100}) {
      std::vector<T> x(static_cast<size_t>(n)), y(x.size());
      T highest = 0, beside = 0;
      const auto both = [&] {
        kernel.softmax(x.data(), 1, y.data(), n);
        require_close(y, reference::softmax(wide(x)));
        kernel.log_softmax(x.data(), 1, y.data(), n);
        require_close(y, reference::log_softmax(wide(x)));
      };
      std::fill(x.begin(), x.end(), -inf);
      both();
      REQUIRE(std::isnan(kernel.log_sum_exp(x.data(), n, &highest, &beside)));
      REQUIRE(highest == -inf);
      x.back() = T(5);
      both();
      for (size_t i = 0; i < x.size(); ++i) x[i] = i % 2 ? T(1e4) : T(-1e4);
      both();
      x[0] = nan;
      kernel.softmax(x.data(), 1, y.data(), n);
      for (T v : y) REQUIRE(std::isnan(v));
      kernel.log_softmax(x.data(), 1, y.data(), n);
      for (T v : y) REQUIRE(std::isnan(v));
      x[0] = inf;
      REQUIRE(std::isnan(kernel.log_sum_exp(x.data(), n, &highest, &beside)));
      REQUIRE(highest == inf);
      kernel.softmax(x.data(), 1, y.data(), n);
      REQUIRE(std::isnan(y[0]));  // as in PyTorch: inf - inf
    }
  });
}

TEST_CASE("kernels: one value far above the others does not swallow them") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    // 2,000 equal terms are rounded alike; the plain loop adds them one after the other.
    const bool one_by_one = static_cast<const void*>(&kernel) == &choose_kernels("plain").f64;
    const double eps = std::is_same_v<T, float> ? 1e-6 : one_by_one ? 2e-13 : 1e-15;
    for (const int64_t n : {2, 3, 17, 100, 2000})
      for (const double gap : {1.0, 8.0, 16.0, 20.0, 40.0})
        for (const int64_t equals : {1, 2}) {
          if (equals == n) continue;
          CAPTURE(n, gap, equals);
          std::vector<T> x(static_cast<size_t>(n), T(3)), y(x.size());
          x[static_cast<size_t>(n / 2)] = x[0] = static_cast<T>(3 + gap);
          if (equals == 1) x[0] = T(3);
          const double beside = static_cast<double>(equals - 1) + static_cast<double>(n - equals) * std::exp(-gap);
          T highest = 0, found = 0;
          REQUIRE(kernel.log_sum_exp(x.data(), n, &highest, &found) == Approx(std::log1p(beside)).epsilon(eps));
          REQUIRE(found == Approx(beside).epsilon(eps));
          kernel.log_softmax(x.data(), 1, y.data(), n);
          REQUIRE(y[static_cast<size_t>(n / 2)] == Approx(-std::log1p(beside)).epsilon(eps));
          // The gradient of -log p of the highest: what the others have, and minus their sum.
          std::vector<T> g(x.size(), T(0)), dx(x.size());
          g[static_cast<size_t>(n / 2)] = T(-1);
          kernel.log_softmax_grad(y.data(), g.data(), dx.data(), n);
          REQUIRE(dx[static_cast<size_t>(n / 2)] == Approx(-beside / (1 + beside)).epsilon(2 * eps));
          const auto other = static_cast<size_t>(n == 2 ? 0 : n - 1);
          REQUIRE(dx[other] == Approx(std::exp(-gap) / (1 + beside)).epsilon((gap + 2) * eps));
        }
  });
}

TEST_CASE("kernels: many rows at once are, to the bit, the same as each alone") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const T inf = std::numeric_limits<T>::infinity();
    for (const int64_t n : {1, 7, 64, 100}) {
      constexpr int64_t rows = 5;
      const size_t numel = static_cast<size_t>(rows * n);
      std::vector<T> x = numbers<T>(rows * n, 18);
      std::fill_n(x.begin() + 2 * n, n, -inf);  // a row that has no maximum between others that do
      const std::vector<T> w = numbers<T>(n, 19), b = numbers<T>(n, 20);
      std::vector<T> all(numel), alone(numel), mean(2 * rows), rstd(2 * rows);
      const auto same = [&](auto&& kernel_of_rows) {
        kernel_of_rows(int64_t{0}, rows, all, size_t{0});
        for (int64_t r = 0; r < rows; ++r) kernel_of_rows(r, int64_t{1}, alone, size_t{rows});
        CAPTURE(n);
        REQUIRE(std::memcmp(all.data(), alone.data(), numel * sizeof(T)) == 0);
      };
      same([&](int64_t r, int64_t some, std::vector<T>& y, size_t) {
        kernel.softmax(x.data() + r * n, some, y.data() + r * n, n);
      });
      same([&](int64_t r, int64_t some, std::vector<T>& y, size_t) {
        kernel.log_softmax(x.data() + r * n, some, y.data() + r * n, n);
      });
      std::fill_n(x.begin() + 2 * n, n, T(1));
      for (const auto layer_norm : {kernel.layer_norm, kernel.layer_norm_streamed}) {
        same([&](int64_t r, int64_t some, std::vector<T>& y, size_t at) {
          layer_norm(x.data() + r * n, some, w.data(), b.data(), T(1e-3), y.data() + r * n, mean.data() + at + r,
                     rstd.data() + at + r, n);
        });
        for (size_t r = 0; r < rows; ++r) REQUIRE((mean[r] == mean[rows + r] && rstd[r] == rstd[rows + r]));
      }
    }
  });
}

TEST_CASE("kernels: layer norm and RMS norm") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : lengths) {
      CAPTURE(n);
      const std::vector<T> x = numbers<T>(n, 10), w = numbers<T>(n, 11), b = numbers<T>(n, 12);
      std::vector<T> y(x.size());
      T mean = 0, rstd = 0;
      kernel.layer_norm(x.data(), 1, w.data(), b.data(), T(1e-3), y.data(), &mean, &rstd, n);
      const auto with = reference::layer_norm(wide(x), wide(w), wide(b), 1e-3);
      require_close(y, with.y, 4);
      REQUIRE(mean == Approx(with.mean).margin(tolerance<T>));
      REQUIRE(rstd == Approx(with.rstd).epsilon(tolerance<T>));
      kernel.rms_norm(x.data(), w.data(), T(1e-3), y.data(), &rstd, n);
      require_close(y, reference::rms_norm(wide(x), wide(w), 1e-3).y, 4);
    }
  });
}

namespace {

/// d Σ g y / d p[i] for each i, by central differences; f computes y from p.
template <class F> Row slopes(Row p, const Row& g, F f) {
  Row d(p.size());
  for (size_t i = 0; i < p.size(); ++i) {
    const double h = 1e-6, x = p[i];
    p[i] = x + h;
    const double above = reference::dot(f(p), g);
    p[i] = x - h;
    const double below = reference::dot(f(p), g);
    p[i] = x;
    d[i] = (above - below) / (2 * h);
  }
  return d;
}

Row plus(Row a, double b) {
  for (double& v : a) v += b;
  return a;
}

}  // namespace

TEST_CASE("kernels: gradients of the norms are the slopes of the plain twins") {
  for (const Kernels* table : supported_kernels()) {
    const KernelsOf<double>& kernel = table->f64;
    for (int64_t n : {1, 2, 5, 16, 33, 70}) {
      CAPTURE(table->isa, n);
      const Row x = numbers<double>(n, 13), w = numbers<double>(n, 14), g = numbers<double>(n, 15);
      const Row zeros(x.size(), 0.0), ones(x.size(), 1.0);
      const double eps = 1e-2;
      const auto close = [](const Row& a, const Row& b) {
        for (size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == Approx(b[i]).epsilon(1e-6).margin(1e-7));
      };
      Row y(x.size()), dx(x.size()), dw(x.size(), 0.5), db(x.size(), 0.25);
      double mean = 0, rstd = 0;

      kernel.layer_norm(x.data(), 1, w.data(), zeros.data(), eps, y.data(), &mean, &rstd, n);
      kernel.layer_norm_grad(x.data(), w.data(), g.data(), mean, rstd, dx.data(), dw.data(), db.data(), n);
      close(dx, slopes(x, g, [&](const Row& p) { return reference::layer_norm(p, w, zeros, eps).y; }));
      close(dw, plus(slopes(w, g, [&](const Row& p) { return reference::layer_norm(x, p, zeros, eps).y; }), 0.5));
      close(db, plus(g, 0.25));
      kernel.layer_norm_grad(x.data(), ones.data(), g.data(), mean, rstd, dx.data(), nullptr, nullptr, n);
      close(dx, slopes(x, g, [&](const Row& p) { return reference::layer_norm(p, ones, zeros, eps).y; }));

      std::fill(dw.begin(), dw.end(), 0.5);
      kernel.rms_norm(x.data(), w.data(), eps, y.data(), &rstd, n);
      kernel.rms_norm_grad(x.data(), w.data(), g.data(), rstd, dx.data(), dw.data(), n);
      close(dx, slopes(x, g, [&](const Row& p) { return reference::rms_norm(p, w, eps).y; }));
      close(dw, plus(slopes(w, g, [&](const Row& p) { return reference::rms_norm(x, p, eps).y; }), 0.5));
      kernel.rms_norm_grad(x.data(), ones.data(), g.data(), rstd, dx.data(), nullptr, n);
      close(dx, slopes(x, g, [&](const Row& p) { return reference::rms_norm(p, ones, eps).y; }));
    }
  }
}

TEST_CASE("kernels: softmax in blocks is the softmax of the whole row") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t block : {1, 5, 16, 40}) {
      std::vector<T> x = numbers<T>(100, 20);
      for (int64_t i = 0; i < 45; ++i)
        x[static_cast<size_t>(i)] = -std::numeric_limits<T>::infinity();  // nothing, at first
      const Row expected = reference::softmax(wide(x));
      T highest = -std::numeric_limits<T>::infinity(), total = 0;
      for (int64_t i = 0; i < 100; i += block) {
        const int64_t n = std::min<int64_t>(block, 100 - i);
        const T factor = kernel.online_softmax(x.data() + i, n, &highest, &total);
        for (int64_t j = 0; j < i; ++j) x[static_cast<size_t>(j)] *= factor;
      }
      for (T& v : x) v /= total;
      CAPTURE(block);
      require_close(x, expected);
      T at_once[2];
      const T log_sum = kernel.log_sum_exp(numbers<T>(100, 20).data() + 45, 55, &at_once[0], &at_once[1]);
      REQUIRE(highest == at_once[0]);
      REQUIRE(std::log(total) == Approx(log_sum).epsilon(tolerance<T>));
    }
  });
}

TEST_CASE("kernels: softmax's gradient where the mean is known") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 7, 16, 50}) {
      const std::vector<T> y = numbers<T>(n, 21), g = numbers<T>(n, 22);
      std::vector<T> dx(y.size());
      kernel.softmax_grad_again(y.data(), g.data(), T(0.75), T(2), dx.data(), n);
      Row expected(y.size());
      plain::softmax_grad_again(wide(y).data(), wide(g).data(), 0.75, 2.0, expected.data(), n);
      require_close(dx, expected, 4);
    }
  });
}
