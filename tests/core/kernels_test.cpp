// The kernel tables that this machine can run, each against the plain twins.
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <heed/core/error.h>
#include <heed/core/kernels/dispatch.h>

#include "support/catch.h"
#include "support/reference.h"

using namespace heed::core;
namespace reference = heed::reference;
using reference::infinity;
using reference::Row;

namespace {

const std::vector<int64_t> lengths = {1,  2,  3,  4,  5,  7,   8,   15,   16,  17,
                                      31, 33, 63, 64, 65, 100, 257, 1030, 5000};

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 4e-6 : 1e-13;

/// Numbers of both signs in no order, the same for the same seed.
template <class T>
std::vector<T> numbers(int64_t n, uint32_t seed) {
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) {
    seed = seed * 1664525u + 1013904223u;
    v = static_cast<T>(static_cast<double>(seed >> 8) / (1 << 23) - 1) * T(3);
  }
  return x;
}

template <class T>
Row wide(const std::vector<T>& x) {
  return Row(x.begin(), x.end());
}

template <class T>
void require_close(const std::vector<T>& y, const Row& expected, double scale = 1) {
  REQUIRE(y.size() == expected.size());
  for (size_t i = 0; i < y.size(); ++i) {
    CAPTURE(i, y[i], expected[i]);
    if (std::isnan(expected[i]))
      REQUIRE(std::isnan(y[i]));
    else if (std::isinf(expected[i]))
      REQUIRE(static_cast<double>(y[i]) == expected[i]);
    else
      REQUIRE(std::fabs(static_cast<double>(y[i]) - expected[i]) <=
              tolerance<T> * scale * (1 + std::fabs(expected[i])));
  }
}

/// body(table, T{}) for each table of this machine and both element types.
template <class Body>
void for_each_table(Body body) {
  for (const Kernels* table : supported_kernels()) {
    INFO(table->isa);
    body(table->f32, float{});
    body(table->f64, double{});
  }
}

}  // namespace

TEST_CASE("kernels: the table is chosen by name, and a wrong name is refused") {
  for (const Kernels* table : supported_kernels()) REQUIRE(&choose_kernels(table->isa) == table);
  REQUIRE(&choose_kernels(nullptr) == supported_kernels().front());
  REQUIRE(supported_kernels().back()->isa == std::string("baseline"));
  std::string names;
  for (const Kernels* table : supported_kernels())
    names += (names.empty() ? "" : ", ") + std::string(table->isa);
  REQUIRE_THROWS_WITH(choose_kernels("sse9"),
                      "HEED_ISA: \"sse9\": not an instruction set of this machine: use one of " +
                          names + ", or unset it");
  REQUIRE_THROWS_AS(choose_kernels(""), heed::Error);
}

TEST_CASE("kernels: binary ops with every kind of stride") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const auto exact = [](Binary op, double a, double b) {
      switch (op) {
        case Binary::add: return a + b;
        case Binary::sub: return a - b;
        case Binary::mul: return a * b;
        case Binary::div: return a / b;
        case Binary::maximum: return std::max(a, b);
        case Binary::minimum: return std::min(a, b);
        default: return std::pow(a, b);
      }
    };
    for (int64_t n : {1, 3, 16, 37, 100}) {
      std::vector<T> a = numbers<T>(5 * n, 1), b = numbers<T>(5 * n, 2),
                     y(static_cast<size_t>(n + 1), T(-7));
      for (T& v : a) v = std::fabs(v) + T(0.1);
      for (int op = 0; op < static_cast<int>(Binary::count); ++op) {
        for (int64_t sa : {0, 1, 2, 5}) {
          for (int64_t sb : {0, 1, 3}) {
            kernel.binary[op](a.data(), sa, b.data(), sb, y.data(), n);
            for (int64_t i = 0; i < n; ++i) {
              const double expected = exact(static_cast<Binary>(op), a[static_cast<size_t>(i * sa)],
                                            b[static_cast<size_t>(i * sb)]);
              CAPTURE(op, n, sa, sb, i);
              REQUIRE(y[static_cast<size_t>(i)] == Approx(expected).epsilon(tolerance<T>));
            }
            REQUIRE(y.back() == T(-7));
          }
        }
      }
    }
  });
}

TEST_CASE("kernels: unary ops with every kind of stride, and in place") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 5, 16, 70}) {
      std::vector<T> x = numbers<T>(4 * n, 3), y(static_cast<size_t>(n + 1), T(-7));
      for (int64_t stride : {0, 1, 2, 4}) {
        kernel.unary[static_cast<int>(Unary::square)](x.data(), stride, y.data(), n);
        for (int64_t i = 0; i < n; ++i) {
          const T v = x[static_cast<size_t>(i * stride)];
          REQUIRE(y[static_cast<size_t>(i)] == v * v);
        }
        REQUIRE(y.back() == T(-7));
      }
      const std::vector<T> before = x;
      kernel.unary[static_cast<int>(Unary::neg)](x.data(), 1, x.data(), n);
      for (int64_t i = 0; i < 4 * n; ++i)
        REQUIRE(x[static_cast<size_t>(i)] == (i < n ? -1 : 1) * before[static_cast<size_t>(i)]);
    }
  });
}

TEST_CASE("kernels: pow with one exponent, and at the edges") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const std::vector<T> x = {T(-2), T(-0.5),     T(0),         T(1),           T(1.5),
                              T(3),  T(infinity), T(-infinity), T(std::nan(""))};
    std::vector<T> y(x.size());
    for (double exponent : {0.0, 1.0, 2.0, 3.0, 0.5, -1.0, -2.0}) {
      const T e = static_cast<T>(exponent);
      kernel.binary[static_cast<int>(Binary::pow)](x.data(), 1, &e, 0, y.data(),
                                                   static_cast<int64_t>(x.size()));
      Row expected;
      for (T v : x) expected.push_back(std::pow(static_cast<double>(v), exponent));
      require_close(y, expected);
    }
  });
}

TEST_CASE("kernels: maximum and minimum let NaN through from either side") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const std::vector<T> a = {nan, 1, nan, 1}, b = {2, nan, nan, 2};
    std::vector<T> y(4);
    for (const Binary op : {Binary::maximum, Binary::minimum}) {
      kernel.binary[static_cast<int>(op)](a.data(), 1, b.data(), 1, y.data(), 4);
      REQUIRE((std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2])));
      REQUIRE(y[3] == (op == Binary::maximum ? 2 : 1));
    }
  });
}

TEST_CASE("kernels: sum, dot, max, min, axpy at every length") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : lengths) {
      CAPTURE(n);
      const std::vector<T> x = numbers<T>(n, 5), y = numbers<T>(n, 6);
      const double scale = std::sqrt(static_cast<double>(n));
      REQUIRE(std::fabs(kernel.sum(x.data(), n) - reference::sum(wide(x))) <= tolerance<T> * scale);
      REQUIRE(std::fabs(kernel.dot(x.data(), y.data(), n) - reference::dot(wide(x), wide(y))) <=
              3 * tolerance<T> * scale);
      REQUIRE(kernel.max(x.data(), n) == static_cast<T>(reference::max(wide(x))));
      REQUIRE(kernel.min(x.data(), n) == *std::min_element(x.begin(), x.end()));
      std::vector<T> z = y;
      kernel.axpy(T(2.5), x.data(), z.data(), n);
      Row expected = wide(y);
      for (size_t i = 0; i < z.size(); ++i) expected[i] += 2.5 * static_cast<double>(x[i]);
      require_close(z, expected);
    }
  });
}

TEST_CASE("kernels: sums are pairwise: their error does not grow with the length") {
  for (const Kernels* table : supported_kernels()) {
    const std::vector<float> x(1 << 22, 0.1f);
    const double exact = static_cast<double>(x[0]) * static_cast<double>(x.size());
    INFO(table->isa);
    REQUIRE(std::fabs(table->f32.sum(x.data(), 1 << 22) / exact - 1) < 3e-7);
  }
}

TEST_CASE("kernels: max and min give NaN wherever it stands") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 2, 9, 40, 70}) {
      for (int64_t where = 0; where < n; ++where) {
        std::vector<T> x = numbers<T>(n, 7);
        x[static_cast<size_t>(where)] = std::numeric_limits<T>::quiet_NaN();
        CAPTURE(n, where);
        REQUIRE(std::isnan(kernel.max(x.data(), n)));
        REQUIRE(std::isnan(kernel.min(x.data(), n)));
      }
    }
  });
}

TEST_CASE("kernels: softmax rows and their gradients at every length") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : lengths) {
      CAPTURE(n);
      const std::vector<T> x = numbers<T>(n, 8), g = numbers<T>(n, 9);
      std::vector<T> y(x.size()), log_y(x.size()), dx(x.size());
      kernel.softmax(x.data(), y.data(), n);
      require_close(y, reference::softmax(wide(x)));
      kernel.log_softmax(x.data(), log_y.data(), n);
      require_close(log_y, reference::log_softmax(wide(x)));
      const double lse = reference::log_sum_exp(wide(x));
      REQUIRE(kernel.log_sum_exp(x.data(), n) == Approx(lse).epsilon(tolerance<T>));
      kernel.exp_minus(x.data(), static_cast<T>(lse), T(0.5), dx.data(), n);
      Row half = reference::softmax(wide(x));
      for (double& v : half) v /= 2;
      require_close(dx, half);
      kernel.softmax_grad(y.data(), g.data(), dx.data(), n);
      require_close(dx, reference::softmax_grad(wide(y), wide(g)));
      kernel.log_softmax_grad(log_y.data(), g.data(), dx.data(), n);
      require_close(dx, reference::log_softmax_grad(wide(log_y), wide(g)),
                    std::sqrt(static_cast<double>(n)));
    }
  });
}

TEST_CASE("kernels: softmax of extreme rows") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    for (int64_t n : {1, 3, 20, 100}) {
      std::vector<T> x(static_cast<size_t>(n)), y(x.size());
      const auto both = [&] {
        kernel.softmax(x.data(), y.data(), n);
        require_close(y, reference::softmax(wide(x)));
        kernel.log_softmax(x.data(), y.data(), n);
        require_close(y, reference::log_softmax(wide(x)));
      };
      std::fill(x.begin(), x.end(), -inf);
      both();
      REQUIRE(kernel.log_sum_exp(x.data(), n) == -inf);
      x.back() = T(5);
      both();
      for (size_t i = 0; i < x.size(); ++i) x[i] = i % 2 ? T(1e4) : T(-1e4);
      both();
      x[0] = nan;
      kernel.softmax(x.data(), y.data(), n);
      for (T v : y) REQUIRE(std::isnan(v));
      kernel.log_softmax(x.data(), y.data(), n);
      for (T v : y) REQUIRE(std::isnan(v));
      x[0] = inf;
      REQUIRE(kernel.log_sum_exp(x.data(), n) == inf);
      kernel.softmax(x.data(), y.data(), n);
      REQUIRE(std::isnan(y[0]));  // as in PyTorch: inf - inf
    }
  });
}

TEST_CASE("kernels: layer norm and RMS norm, with and without weight and bias") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : lengths) {
      CAPTURE(n);
      const std::vector<T> x = numbers<T>(n, 10), w = numbers<T>(n, 11), b = numbers<T>(n, 12);
      const Row ones(x.size(), 1.0), zeros(x.size(), 0.0);
      std::vector<T> y(x.size());
      T mean = 0, rstd = 0;
      kernel.layer_norm(x.data(), w.data(), b.data(), T(1e-3), y.data(), &mean, &rstd, n);
      const auto with = reference::layer_norm(wide(x), wide(w), wide(b), 1e-3);
      require_close(y, with.y, 4);
      REQUIRE(mean == Approx(with.mean).margin(tolerance<T>));
      REQUIRE(rstd == Approx(with.rstd).epsilon(tolerance<T>));
      kernel.layer_norm(x.data(), static_cast<const T*>(nullptr), static_cast<const T*>(nullptr),
                        T(1e-3), y.data(), &mean, &rstd, n);
      require_close(y, reference::layer_norm(wide(x), ones, zeros, 1e-3).y, 4);
      kernel.rms_norm(x.data(), w.data(), T(1e-3), y.data(), &rstd, n);
      require_close(y, reference::rms_norm(wide(x), wide(w), 1e-3).y, 4);
      kernel.rms_norm(x.data(), static_cast<const T*>(nullptr), T(1e-3), y.data(), &rstd, n);
      require_close(y, reference::rms_norm(wide(x), ones, 1e-3).y, 4);
    }
  });
}

namespace {

/// d Σ g y / d p[i] for each i, by central differences; f computes y from p.
template <class F>
Row slopes(Row p, const Row& g, F f) {
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
        for (size_t i = 0; i < a.size(); ++i)
          REQUIRE(a[i] == Approx(b[i]).epsilon(1e-6).margin(1e-7));
      };
      Row y(x.size()), dx(x.size()), dw(x.size(), 0.5), db(x.size(), 0.25);
      double mean = 0, rstd = 0;

      kernel.layer_norm(x.data(), w.data(), zeros.data(), eps, y.data(), &mean, &rstd, n);
      kernel.layer_norm_grad(x.data(), w.data(), g.data(), mean, rstd, dx.data(), dw.data(),
                             db.data(), n);
      close(dx,
            slopes(x, g, [&](const Row& p) { return reference::layer_norm(p, w, zeros, eps).y; }));
      close(dw,
            plus(slopes(w, g,
                        [&](const Row& p) { return reference::layer_norm(x, p, zeros, eps).y; }),
                 0.5));
      close(db, plus(g, 0.25));
      kernel.layer_norm_grad(x.data(), nullptr, g.data(), mean, rstd, dx.data(), nullptr, nullptr,
                             n);
      close(dx, slopes(x, g,
                       [&](const Row& p) { return reference::layer_norm(p, ones, zeros, eps).y; }));

      std::fill(dw.begin(), dw.end(), 0.5);
      kernel.rms_norm(x.data(), w.data(), eps, y.data(), &rstd, n);
      kernel.rms_norm_grad(x.data(), w.data(), g.data(), rstd, dx.data(), dw.data(), n);
      close(dx, slopes(x, g, [&](const Row& p) { return reference::rms_norm(p, w, eps).y; }));
      close(dw, plus(slopes(w, g, [&](const Row& p) { return reference::rms_norm(x, p, eps).y; }),
                     0.5));
      kernel.rms_norm_grad(x.data(), nullptr, g.data(), rstd, dx.data(), nullptr, n);
      close(dx, slopes(x, g, [&](const Row& p) { return reference::rms_norm(p, ones, eps).y; }));
    }
  }
}

TEST_CASE("kernels: one step of AdamW") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t n : {1, 7, 16, 50}) {
      std::vector<T> p = numbers<T>(n, 16), g = numbers<T>(n, 17), m = numbers<T>(n, 18),
                     v = numbers<T>(n, 19);
      for (T& x : v) x = x * x;
      const Row p0 = wide(p), g0 = wide(g), m0 = wide(m), v0 = wide(v);
      kernel.adamw(p.data(), g.data(), m.data(), v.data(), n, T(0.5), T(0.99), T(0.9), T(0.999),
                   T(1e-2), T(3), T(1e-8));
      Row pe(p0), me(m0), ve(v0);
      for (size_t i = 0; i < pe.size(); ++i) {
        const double gi = 0.5 * g0[i];
        me[i] = 0.9 * m0[i] + 0.1 * gi;
        ve[i] = 0.999 * v0[i] + 0.001 * gi * gi;
        pe[i] = 0.99 * p0[i] - 1e-2 * me[i] / (std::sqrt(ve[i]) * 3 + 1e-8);
      }
      require_close(p, pe);
      require_close(m, me);
      require_close(v, ve, 2);
    }
  });
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
      REQUIRE(
          highest + std::log(total) ==
          Approx(kernel.log_sum_exp(numbers<T>(100, 20).data() + 45, 55)).epsilon(tolerance<T>));
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
      Row expected;
      for (size_t i = 0; i < y.size(); ++i)
        expected.push_back(2.0 * static_cast<double>(y[i]) * (static_cast<double>(g[i]) - 0.75));
      require_close(dx, expected, 4);
    }
  });
}

TEST_CASE("kernels: where, with operands adjacent, repeated or strided") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    bool mask[200];
    for (int i = 0; i < 200; ++i) mask[i] = (i * 7919 % 13) < 6;
    for (int64_t n : {1, 3, 16, 47, 64}) {
      const std::vector<T> a = numbers<T>(3 * n + 1, 23), b = numbers<T>(3 * n + 1, 29);
      for (int64_t m : {0, 1, 3})
        for (int64_t da : {0, 1, 3})
          for (int64_t db : {0, 1, 3}) {
            std::vector<T> y(static_cast<size_t>(n + 1), T(7));
            kernel.where(mask, m, a.data(), da, b.data(), db, y.data(), n);
            for (int64_t i = 0; i < n; ++i)
              REQUIRE(y[static_cast<size_t>(i)] == (mask[i * m] ? a[static_cast<size_t>(i * da)] : b[static_cast<size_t>(i * db)]));
            REQUIRE(y.back() == T(7));
          }
    }
  });
}

TEST_CASE("kernels: transposition and packing move every number to its place and touch no other") {
  for_each_table([](const auto& kernel, auto zero) {
    using T = decltype(zero);
    for (int64_t rows : {1, 3, 4, 9, 16, 33}) {
      for (int64_t columns : {1, 2, 4, 7, 20}) {
        const std::vector<T> x = numbers<T>(rows * (columns + 2), 24);
        std::vector<T> y(static_cast<size_t>(columns * (rows + 1)), T(-7));
        kernel.transpose(x.data(), columns + 2, rows, columns, y.data(), rows + 1);
        for (int64_t j = 0; j < columns; ++j) {
          for (int64_t i = 0; i < rows; ++i) {
            REQUIRE(y[static_cast<size_t>(j * (rows + 1) + i)] ==
                    x[static_cast<size_t>(i * (columns + 2) + j)]);
          }
          REQUIRE(y[static_cast<size_t>(j * (rows + 1) + rows)] == T(-7));
        }
      }
    }
    const std::vector<T> x = numbers<T>(200 * 200, 25);
    for (int64_t width : {int64_t{kernel.tile_rows}, int64_t{kernel.tile_columns}}) {
      for (int64_t n : {1, 5, 33, 100}) {
        for (const auto& [across, along] : {std::pair{1, 150}, {150, 1}, {3, 170}}) {
          const int64_t k = 9, panels = (n + width - 1) / width;
          std::vector<T> y(static_cast<size_t>(panels * width * k));
          kernel.pack(x.data(), across, along, n, k, width, y.data());
          for (int64_t i = 0; i < n; ++i) {
            for (int64_t l = 0; l < k; ++l) {
              CAPTURE(width, n, across, along, i, l);
              REQUIRE(y[static_cast<size_t>(i / width * width * k + l * width + i % width)] ==
                      x[static_cast<size_t>(i * across + l * along)]);
            }
          }
        }
      }
    }
  });
}
