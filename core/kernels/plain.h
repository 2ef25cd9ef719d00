// The plain twins of the fast kernels: what each of them computes, as the obvious loop. Read them first.
//
// They are named as the kernels that they define, have the same arguments, and stand in a table like them:
// HEED_ISA=plain runs all of heed on these loops. The tests compare every other table with them.
// Sums are carried in double, so that f32 results are as good as f32 can hold; in f64 they are sums like any.
//
// Here: reductions, softmax, norms. Beside it: plain_maps.h (elementwise functions, AdamW), plain_gates.h (a step of a
// GRU and an LSTM), plain_products.h (matrix products, transposition, attention).
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include <heed/core/kernels/plain_gates.h>
#include <heed/core/kernels/plain_maps.h>

namespace heed::core::plain {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Reductions.

/// Σ xᵢ
template <class T> T sum(const T* x, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += x[i];
  return static_cast<T>(total);
}

/// Σ aᵢ bᵢ
template <class T> T dot(const T* a, const T* b, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return static_cast<T>(total);
}

/// NaN if any is NaN.
template <class T> T max(const T* x, int64_t n) {
  T highest = x[0];
  for (int64_t i = 1; i < n; ++i) highest = x[i] > highest || std::isnan(x[i]) ? x[i] : highest;
  return highest;
}

/// y += alpha x
template <class T> void axpy(T alpha, const T* x, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

/// y += each of the rows, in order.
template <class T> void add_rows(const T* x, int64_t x_row, int64_t rows, T* y, int64_t n) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < n; ++i) y[i] += x[r * x_row + i];
}

// Softmax and its kin. The row's maximum m comes off first, or exp would overflow.

/// y = exp(x - m) / Σ exp(x - m); zeros where every x is -inf, for there is nothing to share out.
template <class T> void softmax(const T* x, int64_t rows, T* y, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const double m = max(x, n);
    double total = 0;
    for (int64_t i = 0; i < n; ++i) total += std::exp(x[i] - m);
    for (int64_t i = 0; i < n; ++i) y[i] = m == -infinity ? T(0) : static_cast<T>(std::exp(x[i] - m) / total);
  }
}

/// ln Σ exp x = m + ln(1 + beside), of which the second part is returned. beside sums exp(x - m) over all but one x
/// that is m, so that its 1 does not swallow the others. NaN where m is infinite.
template <class T> T log_sum_exp(const T* x, int64_t n, T* highest, T* beside) {
  const double m = *highest = max(x, n);
  double others = m - m;
  bool passed_it = false;
  for (int64_t i = 0; i < n; ++i) {
    if (x[i] == m && !passed_it) passed_it = true;
    else others += std::exp(x[i] - m);
  }
  *beside = static_cast<T>(others);
  return static_cast<T>(std::log1p(others));
}

/// y = (x - m) - ln Σ exp(x - m); -inf where every x is -inf.
template <class T> void log_softmax(const T* x, int64_t rows, T* y, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    T highest, beside;
    const T log_total = log_sum_exp(x, n, &highest, &beside);
    for (int64_t i = 0; i < n; ++i) y[i] = highest == -infinity ? highest : (x[i] - highest) - log_total;
  }
}

/// y = factor exp(x - shift)
template <class T> void exp_minus(const T* x, T shift, T factor, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(factor * std::exp(static_cast<double>(x[i]) - shift));
}

/// dx = factor y (g - mean), where the mean Σ g y is known.
template <class T> void softmax_grad_again(const T* y, const T* g, T mean, T factor, T* dx, int64_t n) {
  for (int64_t i = 0; i < n; ++i) dx[i] = factor * y[i] * (g[i] - mean);
}

/// dx = y (g - Σ g y)
template <class T> void softmax_grad(const T* y, const T* g, T* dx, int64_t n) {
  softmax_grad_again(y, g, dot(y, g, n), T(1), dx, n);
}

/// dx = g - exp(y) Σ g. Where exp(y) is near 1, written so that no two large terms cancel.
template <class T> void log_softmax_grad(const T* y, const T* g, T* dx, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += g[i];
  for (int64_t i = 0; i < n; ++i) {
    const bool near_one = y[i] > -std::log(2.0);
    dx[i] = static_cast<T>(near_one ? (g[i] - total) - std::expm1(static_cast<double>(y[i])) * total
                                    : g[i] - std::exp(static_cast<double>(y[i])) * total);
  }
}

/// Σ wᵢ (highest - xᵢ); w null: all are 1.
template <class T> T sum_below(const T* x, const T* w, T highest, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += (w ? w[i] : T(1)) * (static_cast<double>(highest) - x[i]);
  return static_cast<T>(total);
}

/// Softmax of a row of scores that comes in blocks. s becomes exp(s - m), m the highest score so far; *total becomes
/// Σ exp(· - m) over all blocks so far. Returns exp(m before - m), by which the caller multiplies its earlier sums.
template <class T> T online_softmax(T* s, int64_t n, T* highest, T* total) {
  const T before = *highest, here = max(s, n), now = before > here ? before : here;
  const double factor = before == now || before == -infinity ? 1 : std::exp(static_cast<double>(before) - now);
  double sum = *total * factor;
  for (int64_t i = 0; i < n; ++i) {
    s[i] = now == -infinity ? T(0) : static_cast<T>(std::exp(static_cast<double>(s[i]) - now));
    sum += s[i];
  }
  *highest = now;
  *total = static_cast<T>(sum);
  return static_cast<T>(factor);
}

// Norms of rows. x̂ = (x - mean) rstd, rstd = 1/√(variance + eps), with the biased variance.

/// y = x̂ w + b
template <class T>
void layer_norm(const T* x, int64_t rows, const T* w, const T* b, T eps, T* y, T* mean, T* rstd, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    double total = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) total += x[i];
    const double m = total / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) squares += (x[i] - m) * (x[i] - m);
    const double s = 1 / std::sqrt(squares / static_cast<double>(n) + eps);
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>((x[i] - m) * s * w[i] + b[i]);
    mean[r] = static_cast<T>(m);
    rstd[r] = static_cast<T>(s);
  }
}

/// With h = g w:  dx = rstd (h - mean(h) - x̂ mean(h x̂)),  dw += g x̂,  db += g; dw and db may be null.
template <class T>
void layer_norm_grad(const T* x, const T* w, const T* g, T mean, T rstd, T* dx, T* dw, T* db, int64_t n) {
  const auto h = [=](int64_t i) { return static_cast<double>(g[i]) * w[i]; };
  const auto x_hat = [=](int64_t i) { return (static_cast<double>(x[i]) - mean) * rstd; };
  double mean_h = 0, mean_hx = 0;
  for (int64_t i = 0; i < n; ++i) mean_h += h(i) / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) mean_hx += h(i) * x_hat(i) / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) {
    if (dw) dw[i] += static_cast<T>(g[i] * x_hat(i));
    if (db) db[i] += g[i];
    dx[i] = static_cast<T>(rstd * (h(i) - mean_h - x_hat(i) * mean_hx));
  }
}

/// y = x rstd w, rstd = 1/√(Σ x² / n + eps)
template <class T> void rms_norm(const T* x, const T* w, T eps, T* y, T* rstd, int64_t n) {
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
  const double s = 1 / std::sqrt(squares / static_cast<double>(n) + eps);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(x[i] * s * w[i]);
  *rstd = static_cast<T>(s);
}

/// With h = g w, x̂ = x rstd:  dx = rstd (h - x̂ mean(h x̂)),  dw += g x̂.
template <class T> void rms_norm_grad(const T* x, const T* w, const T* g, T rstd, T* dx, T* dw, int64_t n) {
  const auto h = [=](int64_t i) { return static_cast<double>(g[i]) * w[i]; };
  const auto x_hat = [=](int64_t i) { return static_cast<double>(x[i]) * rstd; };
  double mean_hx = 0;
  for (int64_t i = 0; i < n; ++i) mean_hx += h(i) * x_hat(i) / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) {
    if (dw) dw[i] += static_cast<T>(g[i] * x_hat(i));
    dx[i] = static_cast<T>(rstd * (h(i) - x_hat(i) * mean_hx));
  }
}

}  // namespace heed::core::plain
