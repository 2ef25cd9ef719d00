#include "bench/steps.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <heed/core/kernels/dispatch.h>
#include <heed/core/kernels/plain_products.h>
#include <heed/core/ops/gemm.h>
#include <heed/core/parallel.h>
#include <heed/core/random.h>
#include <heed/nn/nn.h>

namespace heed::bench {

namespace {

namespace plain = core::plain;
using core::KernelsOf;

/// n elements that live as long as the steps that share them.
struct Elements : std::shared_ptr<std::vector<float>> {
  explicit Elements(int64_t n, uint64_t seed = 0) {
    const core::Array x({n});
    Generator generator(seed);
    core::fill_uniform(x, -2.0, 2.0, generator);
    reset(new std::vector<float>(x.data<float>(), x.data<float>() + n));
  }
  float* operator+(int64_t i) const { return get()->data() + i; }
};

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

/// The table that every machine has, and the fastest one of this machine.
const core::Kernels& baseline() { return core::choose_kernels("baseline"); }
const core::Kernels& fastest() { return core::choose_kernels(nullptr); }

std::string wider() { return std::string("wider registers, fused multiply-add: ") + fastest().isa; }

// Softmax.

void softmax_exp_once(const float* x, int64_t rows, float* y, int64_t n) {
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    float highest = x[0], total = 0;
    for (int64_t i = 1; i < n; ++i) highest = x[i] > highest ? x[i] : highest;
    for (int64_t i = 0; i < n; ++i) total += y[i] = std::exp(x[i] - highest);
    const float factor = 1 / total;
    for (int64_t i = 0; i < n; ++i) y[i] *= factor;
  }
}

// Layer norm.

void layer_norm_four_sums(const float* x, int64_t rows, const float* w, const float* b, float eps, float* y,
                          int64_t n) {
  const auto mean_of = [n](auto term) {  // four sums: an addition need not wait for the one before
    float sums[4] = {};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
      for (int64_t k = 0; k < 4; ++k) sums[k] += term(i + k);
    for (; i < n; ++i) sums[0] += term(i);
    return (sums[0] + sums[1] + sums[2] + sums[3]) / static_cast<float>(n);
  };
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const float mean = mean_of([x](int64_t i) { return x[i]; });
    const float variance = mean_of([x, mean](int64_t i) { return (x[i] - mean) * (x[i] - mean); });
    const float rstd = 1 / std::sqrt(variance + eps);
    for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * rstd * w[i] + b[i];
  }
}

// Matrix products.

/// A row of C at a time, as a sum of rows of B: everything is read in the order in which it lies.
void matmul_by_rows(const float* a, const float* b, float* c, int64_t n) {
  std::fill_n(c, n * n, 0.0f);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t l = 0; l < n; ++l)
      for (int64_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + l] * b[l * n + j];
}

/// Four rows of B at once: C is loaded and stored once for four multiply-adds.
void matmul_by_four_rows(const float* a, const float* b, float* c, int64_t n) {
  std::fill_n(c, n * n, 0.0f);
  for (int64_t i = 0; i < n; ++i, a += n, c += n) {
    int64_t l = 0;
    for (; l + 4 <= n; l += 4) {
      const float a0 = a[l], a1 = a[l + 1], a2 = a[l + 2], a3 = a[l + 3];
      const float *b0 = b + l * n, *b1 = b0 + n, *b2 = b1 + n, *b3 = b2 + n;
      for (int64_t j = 0; j < n; ++j) c[j] += (a0 * b0[j] + a1 * b1[j]) + (a2 * b2[j] + a3 * b3[j]);
    }
    for (; l < n; ++l)
      for (int64_t j = 0; j < n; ++j) c[j] += a[l] * b[l * n + j];
  }
}

/// Blocks of A and of B are copied to panels that lie as the tile reads them (Goto & van de Geijn 2008).
void matmul_packed(const KernelsOf<float>& kernel, const float* a, const float* b, float* c, int64_t n) {
  constexpr int64_t depth = 384, height = 96, width = 256;
  const int64_t mr = kernel.tile_rows, nr = kernel.tile_columns;
  std::vector<float> panels_a((height + mr) * depth), panels_b((width + nr) * depth);
  for (int64_t l = 0; l < n; l += depth)
    for (int64_t j = 0; j < n; j += width) {
      const int64_t k = std::min(depth, n - l), columns = std::min(width, n - j);
      kernel.pack(b + l * n + j, 1, n, columns, k, nr, panels_b.data());
      for (int64_t i = 0; i < n; i += height) {
        const int64_t rows = std::min(height, n - i);
        kernel.pack(a + i * n + l, n, 1, rows, k, mr, panels_a.data());
        kernel.gemm_block({rows, columns, k, panels_a.data(), 1, mr, mr * k, panels_b.data(), nr, nr * k, c + i * n + j,
                           n, l > 0, nullptr});
      }
    }
}

// Attention.

/// Keys in blocks, with a running maximum and sum: no row of weights is ever whole.
void attention_in_blocks(const float* q, const float* k, const float* v, int64_t n, int64_t d, float scale,
                         float* output) {
  constexpr int64_t block = 64;
  std::fill_n(output, n * d, 0.0f);
  for (int64_t i = 0; i < n; ++i) {
    float highest = minus_infinity, total = 0, s[block];
    float* const o = output + i * d;
    for (int64_t first = 0; first < n; first += block) {
      const int64_t keys = std::min(block, n - first);
      for (int64_t j = 0; j < keys; ++j) s[j] = scale * plain::dot(q + i * d, k + (first + j) * d, d);
      const float factor = plain::online_softmax(s, keys, &highest, &total);
      for (int64_t l = 0; l < d; ++l) o[l] *= factor;
      for (int64_t j = 0; j < keys; ++j) plain::axpy(s[j], v + (first + j) * d, o, d);
    }
    for (int64_t l = 0; l < d; ++l) o[l] /= total;
  }
}

}  // namespace

KernelSteps softmax_steps(int64_t rows, int64_t n) {
  const Elements x(rows * n, 1), y(rows * n);
  const auto row_by_row = [=](const core::Kernels& table) {
    return [=, softmax = table.f32.softmax] {
      for (int64_t r = 0; r < rows; ++r) softmax(x + r * n, 1, y + r * n, n);
    };
  };
  return {"softmax",
          cat("y = exp(x - max x) / Σ exp(x - max x), ", rows, " rows of ", n),
          "core/kernels/softmax.md",
          {"Gelem/s", 1e-9 * static_cast<double>(rows * n), true},
          y,
          {{"the definition, plain.h", [=] { plain::softmax(x + 0, rows, y + 0, n); }},
           {"exp once per element, in float; 1/Σ is a factor", [=] { softmax_exp_once(x + 0, rows, y + 0, n); }},
           {"a register at a time, exp as a polynomial: baseline", row_by_row(baseline())},
           {wider(), row_by_row(fastest())},
           {"the next row's maximum beside this row", [=] { fastest().f32.softmax(x + 0, rows, y + 0, n); }},
           {"threads",
            [=] {
              core::parallel_for(rows, 16, [=](int64_t begin, int64_t end) {
                fastest().f32.softmax(x + begin * n, end - begin, y + begin * n, n);
              });
            },
            true}}};
}

KernelSteps layer_norm_steps(int64_t rows, int64_t n) {
  const Elements x(rows * n, 1), w(n, 2), b(n, 3), y(rows * n), mean(rows), rstd(rows);
  constexpr float eps = 1e-5f;
  const auto norm = [=](const core::Kernels& table, int64_t r, int64_t some) {
    table.f32.layer_norm(x + r * n, some, w + 0, b + 0, eps, y + r * n, mean + r, rstd + r, n);
  };
  const auto row_by_row = [=](const core::Kernels& table) {
    return [=, &table] {
      for (int64_t r = 0; r < rows; ++r) norm(table, r, 1);
    };
  };
  return {
      "layer_norm",
      cat("y = (x - mean) / √(variance + eps) · w + b, ", rows, " rows of ", n),
      "core/kernels/norm.md",
      {"Gelem/s", 1e-9 * static_cast<double>(rows * n), true},
      y,
      {{"the definition, plain.h",
        [=] { plain::layer_norm(x + 0, rows, w + 0, b + 0, eps, y + 0, mean + 0, rstd + 0, n); }},
       {"four sums at once, in float", [=] { layer_norm_four_sums(x + 0, rows, w + 0, b + 0, eps, y + 0, n); }},
       {"a register at a time: baseline", row_by_row(baseline())},
       {wider(), row_by_row(fastest())},
       {"two rows are written while the next two are read", [=] { norm(fastest(), 0, rows); }},
       {"threads",
        [=] { core::parallel_for(rows, 32, [=](int64_t begin, int64_t end) { norm(fastest(), begin, end - begin); }); },
        true}}};
}

KernelSteps gemm_steps(int64_t n) {
  const Elements a(n * n, 1), b(n * n, 2), c(n * n);
  return {
      "gemm",
      cat("C = A B, ", n, " × ", n),
      "core/kernels/gemm.md",
      {"GFLOP/s", 2e-9 * static_cast<double>(n * n * n), true},
      c,
      {{"the definition, plain_products.h: for i, for j, for l", [=] { plain::matmul(a + 0, b + 0, c + 0, n, n, n); }},
       {"for i, for l, for j: rows of B, not columns", [=] { matmul_by_rows(a + 0, b + 0, c + 0, n); }},
       {"four rows of B at once", [=] { matmul_by_four_rows(a + 0, b + 0, c + 0, n); }},
       {"tiles of C that stay in registers: baseline",
        [=] {
          const KernelsOf<float>& kernel = baseline().f32;
          kernel.gemm_block(
              {n, n, n, a + 0, n, 1, kernel.tile_rows * n, b + 0, n, kernel.tile_columns, c + 0, n, false, nullptr});
        }},
       {"A and B packed in panels, in blocks", [=] { matmul_packed(baseline().f32, a + 0, b + 0, c + 0, n); }},
       {wider(), [=] { matmul_packed(fastest().f32, a + 0, b + 0, c + 0, n); }},
       {"threads", [=] { core::gemm(core::Gemm<float>{n, n, n, a + 0, n, 1, b + 0, n, 1, c + 0, n}); }, true}}};
}

KernelSteps attention_steps(int64_t n, int64_t d) {
  const Elements q(n * d, 1), k(n * d, 2), v(n * d, 3), output(n * d), weights(n * n);
  const double scale = 1 / std::sqrt(static_cast<double>(d));
  const auto tensor = [=](const Elements& x) {
    const core::Array array({1, 1, n, d});
    std::copy_n(x + 0, n * d, array.data<float>());
    return Tensor(array);
  };
  const auto keep = [=](const Tensor& o) { std::copy_n(o.contiguous().array().data<float>(), n * d, output + 0); };
  const Tensor tq = tensor(q), tk = tensor(k), tv = tensor(v);
  const Step fused = [=] { keep(nn::scaled_dot_product_attention(tq, tk, tv)); };
  return {"attention",
          cat("O = softmax(Q Kᵀ / √d) V, ", n, " queries and keys, d = ", d),
          "core/kernels/attention.md",
          {"GFLOP/s", 4e-9 * static_cast<double>(n * n * d), true},
          output,
          {{"the definition, plain_products.h: n × n weights",
            [=] {
              const auto all = [](int64_t, int64_t) { return true; };
              const auto one = [](int64_t, int64_t) { return 1.0; };
              plain::attention(q + 0, k + 0, v + 0, n, n, d, d, scale, all, one, output + 0, weights + 0);
            }},
           {"keys in blocks, a running maximum: no weights",
            [=] { attention_in_blocks(q + 0, k + 0, v + 0, n, d, static_cast<float>(scale), output + 0); }},
           {"n × n weights again, but by gemm and softmax",
            [=] { keep(matmul(softmax(matmul(tq, tk.transpose(-2, -1)) * scale, -1), tv)); }},
           {"both: blocks of queries and keys, each a small product", fused},
           {"threads", fused, true}}};
}

}  // namespace heed::bench
