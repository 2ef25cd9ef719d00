#include <heed/core/cross_entropy.h>

#include <algorithm>
#include <limits>

#include <heed/core/kernels/kernels.h>
#include <heed/core/op_name.h>
#include <heed/core/parallel.h>
#include <heed/core/streaming.h>

namespace heed::core {

namespace {

// What the rows have in common.
template <class T>
struct Rows {
  const CrossEntropyTargets& targets;
  int64_t count, classes;
  const int64_t* target;
  const T* weight;  // null: all 1
  T smoothed;       // ε / C
  T weight_sum;     // Σ_c w_c

  Rows(const Array& logits, const CrossEntropyTargets& t)
      : targets(t),
        count(logits.size(0)),
        classes(logits.size(1)),
        target(t.classes.data<int64_t>()),
        weight(t.class_weight.defined() ? t.class_weight.data<T>() : nullptr),
        smoothed(static_cast<T>(t.smoothing / static_cast<double>(std::max<int64_t>(classes, 1)))),
        weight_sum(weight ? kernels_of<T>().sum(weight, classes) : static_cast<T>(classes)) {
    for (int64_t i = 0; i < count; ++i)  // in backward, too: they index what is written
      check<IndexError>(ignored(i) || (target[i] >= 0 && target[i] < classes), "cross_entropy: target ", target[i],
                        " in row ", i, ": there are ", classes, " classes: a target lies in 0 … ", classes - 1,
                        ", or is ignore_index = ", t.ignore_index);
  }

  bool ignored(int64_t row) const { return target[row] == targets.ignore_index; }
  T chosen(int64_t row) const {
    return static_cast<T>(1.0 - targets.smoothing) * (weight ? weight[target[row]] : T(1));
  }
  int64_t grain() const { return std::max<int64_t>(1, 16384 / std::max<int64_t>(classes, 1)); }
};

}  // namespace

CrossEntropy cross_entropy(const Array& logits, const CrossEntropyTargets& targets) {
  const OpName at("cross_entropy");
  return dispatch_floating(logits.dtype(), "cross_entropy", [&]<class T>() {
    const Rows<T> rows(logits, targets);
    const auto one_a_row = [&] { return Array({rows.count}, logits.dtype()); };
    CrossEntropy result{one_a_row(), one_a_row(), one_a_row(), 0.0};
    for (int64_t i = 0; i < rows.count; ++i) {
      if (rows.ignored(i)) continue;
      result.weight += rows.weight ? static_cast<double>(rows.weight[rows.target[i]]) : 1.0;
    }
    const KernelsOf<T>& k = kernels_of<T>();
    parallel_for(rows.count, rows.grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* const x = logits.data<T>() + i * rows.classes;
        T& loss = result.loss.data<T>()[i] = T(0);
        if (rows.ignored(i)) continue;
        const T log_sum = k.log_sum_exp(x, rows.classes, result.highest.data<T>() + i, result.total.data<T>() + i);
        loss = rows.chosen(i) * (log_sum - x[rows.target[i]]);
        if (rows.smoothed > T(0)) {
          const T weighted =
              rows.weight ? k.dot(rows.weight, x, rows.classes) : k.sum(x, rows.classes);
          loss += rows.smoothed * (rows.weight_sum * log_sum - weighted);
        }
      }
    });
    return result;
  });
}

Array cross_entropy_grad(const Array& logits, const CrossEntropyTargets& targets, const CrossEntropy& forward,
                         const Array& g) {
  const OpName at("cross_entropy");
  return dispatch_floating(logits.dtype(), "cross_entropy", [&]<class T>() {
    const Rows<T> rows(logits, targets);
    Array grad(logits.shape(), logits.dtype());
    const KernelsOf<T>& k = kernels_of<T>();
    const auto exp_minus = exceeds_caches(grad) ? k.exp_minus_streamed : k.exp_minus;
    parallel_for(rows.count, rows.grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* const dx = grad.data<T>() + i * rows.classes;
        const T from_above = g.data<T>()[i * g.strides()[0]];
        if (rows.ignored(i)) {
          std::fill_n(dx, rows.classes, T(0));
          continue;
        }
        const T highest = forward.highest.data<T>()[i];
        if (highest == -std::numeric_limits<T>::infinity()) {  // as softmax: nothing is permitted
          std::fill_n(dx, rows.classes, T(0));
        } else {
          const T factor = from_above * (rows.chosen(i) + rows.smoothed * rows.weight_sum) / forward.total.data<T>()[i];
          exp_minus(logits.data<T>() + i * rows.classes, highest, factor, dx, rows.classes);
        }
        dx[rows.target[i]] -= from_above * rows.chosen(i);
        if (rows.smoothed > T(0))
          for (int64_t c = 0; c < rows.classes; ++c)
            dx[c] -= from_above * rows.smoothed * (rows.weight ? rows.weight[c] : T(1));
      }
    });
    return grad;
  });
}

}  // namespace heed::core
