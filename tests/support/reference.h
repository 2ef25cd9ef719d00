// The plain twins of the kernels (core/kernels/plain.h) on vectors of double: the oracles of the tests.
#pragma once

#include <cstdint>
#include <vector>

#include <heed/core/kernels/plain.h>
#include <heed/core/kernels/plain_products.h>

namespace heed::reference {

namespace plain = core::plain;
using plain::infinity;

using Row = std::vector<double>;

inline int64_t length(const Row& x) { return static_cast<int64_t>(x.size()); }

/// C (m × n) = A (m × k) B (k × n), row-major.
inline Row matmul(const Row& a, const Row& b, int64_t m, int64_t n, int64_t k) {
  Row c(static_cast<size_t>(m * n));
  plain::matmul(a.data(), b.data(), c.data(), m, n, k);
  return c;
}

inline double sum(const Row& x) { return plain::sum(x.data(), length(x)); }
inline double dot(const Row& a, const Row& b) { return plain::dot(a.data(), b.data(), length(a)); }
inline double max(const Row& x) { return plain::max(x.data(), length(x)); }

inline Row softmax(const Row& x) {
  Row y(x.size());
  plain::softmax(x.data(), 1, y.data(), length(x));
  return y;
}

inline Row log_softmax(const Row& x) {
  Row y(x.size());
  plain::log_softmax(x.data(), 1, y.data(), length(x));
  return y;
}

inline double log_sum_exp(const Row& x) {
  double highest = 0, beside = 0;
  const double log_total = plain::log_sum_exp(x.data(), length(x), &highest, &beside);
  return std::isinf(highest) ? highest : highest + log_total;
}

inline Row softmax_grad(const Row& y, const Row& g) {
  Row dx(y.size());
  plain::softmax_grad(y.data(), g.data(), dx.data(), length(y));
  return dx;
}

inline Row log_softmax_grad(const Row& y, const Row& g) {
  Row dx(y.size());
  plain::log_softmax_grad(y.data(), g.data(), dx.data(), length(y));
  return dx;
}

struct Norm {
  Row y;
  double mean, rstd;
};

inline Norm layer_norm(const Row& x, const Row& w, const Row& b, double eps) {
  Norm out{Row(x.size()), 0, 0};
  plain::layer_norm(x.data(), 1, w.data(), b.data(), eps, out.y.data(), &out.mean, &out.rstd, length(x));
  return out;
}

inline Norm rms_norm(const Row& x, const Row& w, double eps) {
  Norm out{Row(x.size()), 0, 0};
  plain::rms_norm(x.data(), w.data(), eps, out.y.data(), &out.rstd, length(x));
  return out;
}

/// One head: see plain_products.h.
struct Attended {
  Row output, weights;
};
template <class Permitted, class Factor>
Attended attention(const Row& q, const Row& k, const Row& v, int64_t n, int64_t m, int64_t d, int64_t p, double scale,
                   Permitted permitted, Factor factor) {
  Attended out{Row(static_cast<size_t>(n * p)), Row(static_cast<size_t>(n * m))};
  plain::attention(q.data(), k.data(), v.data(), n, m, d, p, scale, permitted, factor, out.output.data(),
                   out.weights.data());
  return out;
}

}  // namespace heed::reference
