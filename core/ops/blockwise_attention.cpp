#include <heed/core/ops/blockwise_attention.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>

#include <heed/core/kernels/kernels.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/attention_problem.h>
#include <heed/core/parallel.h>
#include <heed/core/work.h>

namespace heed::core {
namespace {

template <class T> T* data(const Storage& storage) { return reinterpret_cast<T*>(storage.bytes()); }

template <class T> Storage numbers(int64_t n) { return Storage(sizeof(T) * static_cast<size_t>(n)); }

/// y *= x
template <class T> void multiply(const T* x, int64_t x_stride, T* y, int64_t n) {
  kernels_of<T>().binary[static_cast<int>(Binary::mul)](y, 1, x, x_stride, y, n);
}

/// Rows of a matrix, times a factor, packed as the right operand of a product with its transpose.
template <class T> struct Transposed {
  int64_t width, depth, size;
  Storage storage;

  Transposed(int64_t most_rows, int64_t columns)
      : width(kernels_of<T>().tile_columns),
        depth(columns),
        size((most_rows + width - 1) / width * width * depth),
        storage(numbers<T>(size)) {
    std::fill_n(data<T>(storage), size, T(0));
  }
  void pack(const T* rows, int64_t row, int64_t n, T factor) {
    kernels_of<T>().pack(rows, row, 1, n, depth, width, data<T>(storage));
    if (factor != T(1)) multiply(&factor, 0, data<T>(storage), size);
  }
  /// C (m × n) = A (m × depth) Rᵀ
  void product(const T* a, int64_t a_row, int64_t m, int64_t n, T* c, int64_t c_row) const {
    const KernelsOf<T>& kernel = kernels_of<T>();
    kernel.gemm_block({m, n, depth, a, a_row, 1, kernel.tile_rows * a_row, data<T>(storage), width, width * depth, c,
                       c_row, false, nullptr});
  }
};

/// C (m × n) += A (m × k) B (k × n), both row by row; A(i, l) = a[i·a_row + l·a_col].
template <class T>
void add_product(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t b_row,
                 T* c, int64_t c_row) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  if (m == 1) return kernel.add_row_times_matrix(a, a_col, b, b_row, c, n, k);
  kernel.gemm_block(
      {m, n, k, a, a_row, a_col, kernel.tile_rows * a_row, b, b_row, kernel.tile_columns, c, c_row, true, nullptr});
}

template <class T> bool finite(const T* row, int64_t n) { return std::isfinite(kernels_of<T>().sum(row, n)); }

/// The outputs of queries [first, last) of one head. False if one is not finite and keys are forbidden.
template <class T>
bool forward_task(const Problem<T>& p, int64_t b, int64_t h, int64_t first, int64_t last, const Heads<T>& output,
                  T* highest_of, T* total_of) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  const int64_t key_head = h / p.group();
  std::array<T, task_queries> highest, total;
  highest.fill(-std::numeric_limits<T>::infinity());
  total.fill(T(0));
  for (int64_t i = first; i < last; ++i) std::fill_n(output.at(b, h, i), p.value_width, T(0));

  const Storage scores = numbers<T>(strip_queries * block_keys);
  T* const s = data<T>(scores);
  std::array<T, block_keys> factors;
  const bool few = last - first <= few_queries;
  Transposed<T> k_block(few ? 0 : block_keys, p.width);
  for (int64_t j = 0; j < p.seen_by(last - 1); j += block_keys) {
    const T* const k = p.k.at(b, key_head, j);
    if (!few) k_block.pack(k, p.k.row, std::min(block_keys, p.keys - j), p.scale);
    for (int64_t strip = first; strip < last; strip += strip_queries) {
      const int64_t rows = std::min(strip_queries, last - strip);
      const int64_t n = std::min(block_keys, p.seen_by(strip + rows - 1) - j);
      if (n <= 0) continue;
      const T* const q = p.q.at(b, h, strip);
      if (few) kernel.gemm_dots({rows, n, p.width, q, p.q.row, k, p.k.row, s, block_keys, false, nullptr});
      else k_block.product(q, p.q.row, rows, n, s, block_keys);
      for (int64_t r = 0; r < rows; ++r) {
        T* row = s + r * block_keys;
        const auto local = static_cast<size_t>(strip + r - first);
        if (few) multiply(&p.scale, 0, row, n);
        p.forbid(b, h, strip + r, j, n, row);
        const T factor = kernel.online_softmax(row, n, &highest[local], &total[local]);
        if (factor != T(1)) multiply(&factor, 0, output.at(b, h, strip + r), p.value_width);
        if (p.drops()) {
          p.keep_factors(b, h, strip + r, j, n, factors.data());
          multiply(factors.data(), 1, row, n);
        }
      }
      add_product(rows, p.value_width, n, s, block_keys, 1, p.v.at(b, key_head, j), p.v.row, output.at(b, h, strip),
                  output.row);
    }
  }
  bool all_finite = true;
  for (int64_t i = first; i < last; ++i) {
    const auto local = static_cast<size_t>(i - first);
    const T sum = total[local];
    highest_of[i] = highest[local];
    total_of[i] = sum;
    const T inverse = T(1) / sum;
    if (sum != T(0)) multiply(&inverse, 0, output.at(b, h, i), p.value_width);
    if (p.forbids()) all_finite = all_finite && finite(output.at(b, h, i), p.value_width);
  }
  return all_finite;
}

template <class T> bool forward(const Problem<T>& p, const AttentionOutputs& out) {
  const Heads<T> output(out.output);
  std::atomic<bool> clean = true;
  const int64_t blocks = (p.queries + task_queries - 1) / task_queries;
  parallel_for(p.batch * p.heads * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      // If causal, later queries see more keys: they come first, so that no long task is last.
      const int64_t head = task % (p.batch * p.heads);
      const int64_t block = blocks - 1 - task / (p.batch * p.heads);
      if (!forward_task(p, head / p.heads, head % p.heads, block * task_queries,
                        std::min(p.queries, (block + 1) * task_queries), output,
                        out.highest.data<T>() + head * p.queries, out.total.data<T>() + head * p.queries))
        clean = false;
    }
  });
  return clean;
}

/// The contributions of keys [first, last) of one key head to the gradients: all of dk and dv
/// there, and a share of the group's dq, added to dq_of(h), whose rows have stride dq_row.
template <class T, class DqOf>
void backward_task(const Problem<T>& p, int64_t b, int64_t key_head, int64_t first, int64_t last, const T* highest,
                   const T* total, const T* delta, const Heads<T>& grad, DqOf dq_of, int64_t dq_row, const Heads<T>& dk,
                   const Heads<T>& dv) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  constexpr int64_t columns = block_keys / 2;  // more matrices are in use than in forward
  const Storage memory = numbers<T>(4 * strip_queries * columns);
  T* const weights = data<T>(memory);
  T* const d_weights = weights + strip_queries * columns;
  T* const factors = d_weights + strip_queries * columns;
  T* const dropped = factors + strip_queries * columns;
  Transposed<T> k_block(columns, p.width), v_block(columns, p.value_width);

  for (int64_t j = first; j < last; j += columns) {
    const int64_t all = std::min(columns, last - j);
    k_block.pack(p.k.at(b, key_head, j), p.k.row, all, p.scale);
    v_block.pack(p.v.at(b, key_head, j), p.v.row, all, T(1));
    for (int64_t l = 0; l < all; ++l) {
      std::fill_n(dk.at(b, key_head, j + l), p.width, T(0));
      std::fill_n(dv.at(b, key_head, j + l), p.value_width, T(0));
    }
    const int64_t first_query = p.first_query(j);
    for (int64_t h = key_head * p.group(); h < (key_head + 1) * p.group(); ++h) {
      for (int64_t i = first_query; i < p.queries; i += strip_queries) {
        const int64_t rows = std::min(strip_queries, p.queries - i);
        const int64_t n = std::min(all, p.seen_by(i + rows - 1) - j);
        const T* const g = grad.at(b, h, i);
        k_block.product(p.q.at(b, h, i), p.q.row, rows, n, weights, columns);
        v_block.product(g, grad.row, rows, n, d_weights, columns);
        const T* used = p.drops() ? dropped : weights;
        for (int64_t r = 0; r < rows; ++r) {
          T* const w = weights + r * columns;
          T* const dw = d_weights + r * columns;
          const int64_t at = (b * p.heads + h) * p.queries + i + r;
          p.forbid(b, h, i + r, j, n, w);
          if (total[at] == T(0))  // no key is permitted
            std::fill_n(w, n, T(0));
          else kernel.exp_minus(w, highest[at], T(1) / total[at], w, n);
          if (p.drops()) {
            p.keep_factors(b, h, i + r, j, n, factors);
            multiply(factors, 1, dw, n);
            multiply(w, 1, factors, n);
            std::copy_n(factors, n, dropped + r * columns);
          }
        }
        add_product(n, p.value_width, rows, used, 1, columns, g, grad.row, dv.at(b, key_head, j), dv.row);
        for (int64_t r = 0; r < rows; ++r) {
          T* const dw = d_weights + r * columns;
          kernel.softmax_grad_again(weights + r * columns, dw, delta[(b * p.heads + h) * p.queries + i + r], p.scale,
                                    dw, n);
        }
        add_product(rows, p.width, n, d_weights, columns, 1, p.k.at(b, key_head, j), p.k.row, dq_of(h) + i * dq_row,
                    dq_row);
        add_product(n, p.width, rows, d_weights, 1, columns, p.q.at(b, h, i), p.q.row, dk.at(b, key_head, j), dk.row);
      }
    }
  }
}

/// How many tasks share the keys of one head: one if there are enough heads for many threads.
/// All but the first have a dq of their own, so that no two tasks write the same elements; together
/// these take 16 MiB at most.
template <class T> int64_t shares_of_keys(const Problem<T>& p) {
  const int64_t heads = std::max<int64_t>(1, p.batch * p.key_heads);  // an empty batch has none
  const int64_t wanted = (15 + heads) / heads;
  const int64_t numbers = p.batch * p.heads * p.queries * p.width;
  const int64_t most = 1 + (int64_t{16} << 20) / (static_cast<int64_t>(sizeof(T)) * std::max<int64_t>(1, numbers));
  return std::clamp<int64_t>(std::min({wanted, p.keys / 256, most}), 1, 16);
}

template <class T>
bool backward(const Problem<T>& p, const AttentionOutputs& out, const Heads<T>& grad, const Heads<T>& dq,
              const Heads<T>& dk, const Heads<T>& dv) {
  const KernelsOf<T>& kernel = kernels_of<T>();
  const int64_t rows = p.batch * p.heads * p.queries;
  const Heads<T> output(out.output);
  const auto split = [&](int64_t row, const auto& use) {
    const int64_t head = row / p.queries;
    use(head / p.heads, head % p.heads, row % p.queries);
  };
  const Storage delta = numbers<T>(rows);
  const int64_t shares = shares_of_keys(p);
  const Storage dq_shares = shares > 1 ? numbers<T>((shares - 1) * rows * p.width) : Storage();
  const auto dq_of_share = [&](int64_t part) {  // part >= 1
    return data<T>(dq_shares) + (part - 1) * rows * p.width;
  };
  parallel_for(rows, 512, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      split(row, [&](int64_t b, int64_t h, int64_t i) {
        data<T>(delta)[row] = kernel.dot(grad.at(b, h, i), output.at(b, h, i), p.value_width);
        std::fill_n(dq.at(b, h, i), p.width, T(0));
      });
    }
  });

  const int64_t share = (p.keys + shares - 1) / shares;
  parallel_for(p.batch * p.key_heads * shares, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task / (p.batch * p.key_heads), head = task % (p.batch * p.key_heads);
      const int64_t b = head / p.key_heads, key_head = head % p.key_heads;
      T* const own = part > 0 ? dq_of_share(part) : nullptr;
      const int64_t group_rows = p.group() * p.queries * p.width;
      if (own) std::fill_n(own + head * group_rows, group_rows, T(0));
      const auto dq_of = [&](int64_t h) {
        return own ? own + (b * p.heads + h) * p.queries * p.width : dq.at(b, h, 0);
      };
      backward_task(p, b, key_head, std::min(p.keys, part * share), std::min(p.keys, (part + 1) * share),
                    out.highest.data<T>(), out.total.data<T>(), data<T>(delta), grad, dq_of, own ? p.width : dq.row, dk,
                    dv);
    }
  });

  if (shares == 1 && !p.forbids()) return true;
  std::atomic<bool> clean = true;
  parallel_for(rows, 512, [&](int64_t begin, int64_t end) {
    bool all_finite = true;
    for (int64_t row = begin; row < end; ++row) {
      split(row, [&](int64_t b, int64_t h, int64_t i) {
        for (int64_t part = 1; part < shares; ++part)
          kernel.axpy(T(1), dq_of_share(part) + row * p.width, dq.at(b, h, i), p.width);
        // A NaN that a forbidden pair puts into dk or dv also reaches dq, except for a query without
        // any key: there, dq's own row is checked.
        const bool no_key = out.total.data<T>()[row] == T(0);
        if (p.forbids())
          all_finite = all_finite && finite(dq.at(b, h, i), p.width) && (!no_key || finite(p.q.at(b, h, i), p.width));
      });
    }
    if (!all_finite) clean = false;
  });
  return clean;
}

/// x, or a copy of it, whose last axis is contiguous.
Array with_contiguous_rows(const Array& x) { return x.strides()[3] == 1 || x.shape()[3] <= 1 ? x : contiguous(x); }

AttentionInputs checked(const AttentionInputs& in) {
  const Shape &q = in.q.shape(), &k = in.k.shape(), &v = in.v.shape();
  check<ShapeError>(q.rank() == 4 && k.rank() == 4 && v.rank() == 4 && q[0] == k[0] && k[0] == v[0] && k[1] == v[1] &&
                        k[2] == v[2] && q[3] == k[3] && (k[1] > 0 ? q[1] % k[1] == 0 : q[1] == 0),
                    "attention: q ", q, ", k ", k, ", v ", v,
                    ": must be (B, h, n, d), (B, g, m, d), (B, g, m, p) with h a multiple of g");
  check<DtypeError>(is_floating(in.q.dtype()) && in.q.dtype() == in.k.dtype() && in.q.dtype() == in.v.dtype(),
                    "attention: q ", in.q.dtype(), ", k ", in.k.dtype(), ", v ", in.v.dtype(),
                    ": must be one floating dtype: convert with to(dtype)");
  check<DtypeError>(!in.mask.defined() || in.mask.dtype() == Dtype::boolean, "attention: mask ", in.mask.dtype(),
                    ": must be boolean, true where a query may attend: compare it, as in ne(mask, 0)");
  AttentionInputs ready = in;
  ready.q = with_contiguous_rows(in.q);
  ready.k = with_contiguous_rows(in.k);
  ready.v = with_contiguous_rows(in.v);
  return ready;
}

}  // namespace

namespace {

// The pairs of a query and a key that the causal rule permits; what a mask forbids is computed all the same.
double pairs(const AttentionInputs& in) {
  const int64_t n = in.q.size(2), m = in.k.size(2);
  int64_t seen = in.rule.causal ? 0 : n * m;
  if (in.rule.causal)
    for (int64_t i = 0; i < n; ++i) seen += keys_seen(i, n, m);
  return static_cast<double>(in.q.size(0) * in.q.size(1) * seen);
}

// `d` products as wide as the keys and `p` as wide as the values.
template <class... Arrays> void count_products(double d, double p, const AttentionInputs& in, const Arrays&... made) {
  if (!watch) return;
  const auto width = static_cast<double>(in.q.size(3)), value_width = static_cast<double>(in.v.size(3));
  count_work(2.0 * pairs(in) * (d * width + p * value_width), in.q, in.k, in.v, made...);
}

}  // namespace

AttentionOutputs blockwise_attention(const AttentionInputs& inputs) {
  const OpName at("attention");
  const AttentionInputs in = checked(inputs);
  const Shape &q = in.q.shape(), &v = in.v.shape();
  AttentionOutputs out{transpose(Array(Shape{q[0], q[2], q[1], v[3]}, in.q.dtype()), 1, 2),
                       Array(Shape{q[0], q[1], q[2]}, in.q.dtype()), Array(Shape{q[0], q[1], q[2]}, in.q.dtype())};
  out.clean = dispatch_floating(in.q.dtype(), "attention", [&]<class T>() { return forward(Problem<T>(in), out); });
  count_products(1, 1, in, out.output);
  return out;
}

bool blockwise_attention_grad(const AttentionInputs& inputs, const AttentionOutputs& outputs, const Array& grad,
                              const Array& dq, const Array& dk, const Array& dv) {
  const OpName at("attention_grad");
  const AttentionInputs in = checked(inputs);
  check<ShapeError>(grad.shape() == outputs.output.shape() && dq.shape() == in.q.shape() &&
                        dk.shape() == in.k.shape() && dv.shape() == in.v.shape(),
                    "attention_grad: grad ", grad.shape(), ", dq ", dq.shape(), ", dk ", dk.shape(), ", dv ",
                    dv.shape(), ": must have the shapes of the output, q, k and v");
  const Array rows = with_contiguous_rows(grad);
  count_products(3, 2, in, rows, dq, dk, dv);
  return dispatch_floating(in.q.dtype(), "attention_grad", [&]<class T>() {
    return backward(Problem<T>(in), outputs, Heads<T>(rows), Heads<T>(dq), Heads<T>(dk), Heads<T>(dv));
  });
}

}  // namespace heed::core
