// The plain versions of the fast kernels: what each computes, as a loop that anyone can check.
//
// Every function computes in double and is as simple as its formula. These are the oracles of the
// tests, and the versions to read first.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace heed::reference {

using Row = std::vector<double>;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// C (m × n) = A (m × k) B (k × n), row-major.
inline Row matmul(const Row& a, const Row& b, int64_t m, int64_t n, int64_t k) {
  Row c(static_cast<size_t>(m * n), 0.0);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t l = 0; l < k; ++l) {
      for (int64_t j = 0; j < n; ++j) {
        c[static_cast<size_t>(i * n + j)] += a[static_cast<size_t>(i * k + l)] * b[static_cast<size_t>(l * n + j)];
      }
    }
  }
  return c;
}

inline double sum(const Row& x) {
  double total = 0;
  for (double v : x) total += v;
  return total;
}

inline double dot(const Row& a, const Row& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

inline double max(const Row& x) {
  double m = x[0];
  for (double v : x) m = std::isnan(v) || v > m ? v : m;
  return m;
}

/// eˣⁱ / Σ eˣ; zeros if every x is -inf.
inline Row softmax(const Row& x) {
  const double m = max(x);
  Row y(x.size(), 0.0);
  if (m == -infinity) return y;
  double total = 0;
  for (double v : x) total += std::exp(v - m);
  for (size_t i = 0; i < x.size(); ++i) y[i] = std::exp(x[i] - m) / total;
  return y;
}

inline double log_sum_exp(const Row& x) {
  const double m = max(x);
  if (std::isinf(m)) return m;
  double total = 0;
  for (double v : x) total += std::exp(v - m);
  return m + std::log(total);
}

/// (x - max) - log Σ eˣ⁻ᵐᵃˣ; -inf if every x is -inf.
inline Row log_softmax(const Row& x) {
  const double m = max(x);
  Row y(x.size(), -infinity);
  if (m == -infinity) return y;
  double total = 0;
  for (double v : x) total += std::exp(v - m);
  for (size_t i = 0; i < x.size(); ++i) y[i] = (x[i] - m) - std::log(total);
  return y;
}

/// y (g - Σ g y)
inline Row softmax_grad(const Row& y, const Row& g) {
  const double mean = dot(y, g);
  Row dx(y.size());
  for (size_t i = 0; i < y.size(); ++i) dx[i] = y[i] * (g[i] - mean);
  return dx;
}

/// g - eʸ Σ g
inline Row log_softmax_grad(const Row& y, const Row& g) {
  const double total = sum(g);
  Row dx(y.size());
  for (size_t i = 0; i < y.size(); ++i) dx[i] = g[i] - std::exp(y[i]) * total;
  return dx;
}

struct Norm {
  Row y;
  double mean, rstd;
};

/// (x - mean) / √(variance + eps) · w + b, with the biased variance.
inline Norm layer_norm(const Row& x, const Row& w, const Row& b, double eps) {
  const auto n = static_cast<double>(x.size());
  const double mean = sum(x) / n;
  double variance = 0;
  for (double v : x) variance += (v - mean) * (v - mean) / n;
  Norm out{Row(x.size()), mean, 1 / std::sqrt(variance + eps)};
  for (size_t i = 0; i < x.size(); ++i) out.y[i] = (x[i] - mean) * out.rstd * w[i] + b[i];
  return out;
}

/// x / √(mean(x²) + eps) · w
inline Norm rms_norm(const Row& x, const Row& w, double eps) {
  Norm out{Row(x.size()), 0, 1 / std::sqrt(dot(x, x) / static_cast<double>(x.size()) + eps)};
  for (size_t i = 0; i < x.size(); ++i) out.y[i] = x[i] * out.rstd * w[i];
  return out;
}

/// One head of attention: q (n × d), k (m × d), v (m × p) -> output (n × p), and the weights (n ×
/// m). factor(i, j) multiplies a weight after the softmax (dropout); permitted(i, j) says whether
/// it counts.
struct Attended {
  Row output, weights;
};
template <class Permitted, class Factor>
Attended attention(const Row& q, const Row& k, const Row& v, int64_t n, int64_t m, int64_t d, int64_t p, double scale,
                   Permitted permitted, Factor factor) {
  Attended out{Row(static_cast<size_t>(n * p), 0.0), {}};
  for (int64_t i = 0; i < n; ++i) {
    Row scores(static_cast<size_t>(m), -infinity);
    for (int64_t j = 0; j < m; ++j) {
      if (!permitted(i, j)) continue;
      double score = 0;
      for (int64_t l = 0; l < d; ++l) score += q[static_cast<size_t>(i * d + l)] * k[static_cast<size_t>(j * d + l)];
      scores[static_cast<size_t>(j)] = scale * score;
    }
    const Row weights = m > 0 ? softmax(scores) : Row();
    for (int64_t j = 0; j < m; ++j) {
      const double weight = weights[static_cast<size_t>(j)] * factor(i, j);
      out.weights.push_back(weight);
      for (int64_t l = 0; l < p; ++l) {
        out.output[static_cast<size_t>(i * p + l)] += weight * v[static_cast<size_t>(j * p + l)];
      }
    }
  }
  return out;
}

// The functions that <cmath> lacks.
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
inline double softplus(double x) { return x > 30 ? x + std::exp(-x) : std::log1p(std::exp(x)); }
inline double normal_cdf(double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); }
inline double gelu(double x) { return x * normal_cdf(x); }
inline double gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
}
inline double silu(double x) { return x * sigmoid(x); }

/// One hidden unit of a GRU and of an LSTM: x and p are its projections of input and state, gate by
/// gate. With the derivatives of g · h' (+ g_cell · c') by x, p and the state before.
struct GruUnit {
  double r, z, n, h;
  GruUnit(const double* x, const double* p, double before)
      : r(sigmoid(x[0] + p[0])), z(sigmoid(x[1] + p[1])), n(std::tanh(x[2] + r * p[2])), h((1 - z) * n + z * before) {}
};
struct GruUnitGrad {
  double x[3], p[3], before;
  GruUnitGrad(const GruUnit& u, const double* projected, double before_, double g) {
    x[2] = g * (1 - u.z) * (1 - u.n * u.n);
    x[1] = g * (before_ - u.n) * u.z * (1 - u.z);
    x[0] = x[2] * projected[2] * u.r * (1 - u.r);
    p[0] = x[0], p[1] = x[1], p[2] = x[2] * u.r;
    before = g * u.z;
  }
};
struct LstmUnit {
  double i, f, g, o, c, h;
  LstmUnit(const double* x, const double* p, double before)
      : i(sigmoid(x[0] + p[0])),
        f(sigmoid(x[1] + p[1])),
        g(std::tanh(x[2] + p[2])),
        o(sigmoid(x[3] + p[3])),
        c(f * before + i * g),
        h(o * std::tanh(c)) {}
};
struct LstmUnitGrad {
  double x[4], before;
  LstmUnitGrad(const LstmUnit& u, double before_, double g, double g_cell) {
    const double t = std::tanh(u.c), dc = g_cell + g * u.o * (1 - t * t);
    x[0] = dc * u.g * u.i * (1 - u.i);
    x[1] = dc * before_ * u.f * (1 - u.f);
    x[2] = dc * u.i * (1 - u.g * u.g);
    x[3] = g * t * u.o * (1 - u.o);
    before = dc * u.f;
  }
};

}  // namespace heed::reference
