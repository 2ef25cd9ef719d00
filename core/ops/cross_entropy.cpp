#include <heed/core/ops/cross_entropy.h>

#include <algorithm>
#include <cmath>

#include <heed/core/kernels/kernels.h>
#include <heed/core/op_name.h>
#include <heed/core/parallel.h>
#include <heed/core/streaming.h>
#include <heed/core/work.h>

namespace heed::core {

namespace {

// What all rows share.
template <class T> struct Rows {
  const CrossEntropyTargets& targets;
  int64_t count, classes;
  const int64_t* target;
  const T* weight;  // null: all 1
  T smoothed;       // ε / C
  T weight_sum;     // Σ_c w_c
  T smoothed_sum;   // their product

  Rows(const Array& logits, const CrossEntropyTargets& t)
      : targets(t),
        count(logits.size(0)),
        classes(logits.size(1)),
        target(t.classes.data<int64_t>()),
        weight(t.class_weight.defined() ? t.class_weight.data<T>() : nullptr),
        smoothed(static_cast<T>(t.smoothing / static_cast<double>(std::max<int64_t>(classes, 1)))),
        weight_sum(weight ? kernels_of<T>().sum(weight, classes) : static_cast<T>(classes)),
        smoothed_sum(weight ? smoothed * weight_sum : static_cast<T>(t.smoothing)) {
    for (int64_t i = 0; i < count; ++i)  // in backward, too: they index what is written
      check<IndexError>(ignored(i) || (target[i] >= 0 && target[i] < classes), "cross_entropy: target ", target[i],
                        " in row ", i, ": there are ", classes, " classes: a target lies in 0 … ", classes - 1,
                        ", or is ignore_index = ", t.ignore_index);
  }

  bool ignored(int64_t row) const { return target[row] == targets.ignore_index; }
  T chosen(int64_t row) const {
    const double share = 1.0 - targets.smoothing;
    return static_cast<T>(weight ? share * static_cast<double>(weight[target[row]]) : share);
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
        T& highest = result.highest.data<T>()[i];
        const T log_total = k.log_sum_exp(x, rows.classes, &highest, result.beside.data<T>() + i);
        // Differences first: a small loss of large logits must not be rounded to their magnitude.
        loss = rows.chosen(i) * ((highest - x[rows.target[i]]) + log_total);
        if (rows.smoothed > T(0))
          loss += rows.smoothed_sum * log_total + rows.smoothed * k.sum_below(x, rows.weight, highest, rows.classes);
      }
    });
    count_elementwise(logits, result.loss);
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
        const T* const x = logits.data<T>() + i * rows.classes;
        const int64_t t = rows.target[i];
        const T highest = forward.highest.data<T>()[i], beside = forward.beside.data<T>()[i];
        const T chosen = from_above * rows.chosen(i), spread = from_above * rows.smoothed_sum;
        if (std::isinf(highest) && highest < T(0)) {  // as softmax: nothing is permitted
          std::fill_n(dx, rows.classes, T(0));
          dx[t] = -chosen;
        } else {
          exp_minus(x, highest, (chosen + spread) / (T(1) + beside), dx, rows.classes);
          // p - 1 of the target, computed as minus the others' sum: exact even where p is close to 1.
          if (x[t] == highest) dx[t] = (spread - chosen * beside) / (T(1) + beside);
          else dx[t] -= chosen;
        }
        if (rows.smoothed > T(0))
          for (int64_t c = 0; c < rows.classes; ++c)
            dx[c] -= from_above * rows.smoothed * (rows.weight ? rows.weight[c] : T(1));
      }
    });
    count_elementwise(grad, logits);
    return grad;
  });
}

}  // namespace heed::core
