#include <heed/autograd/cross_entropy.h>

#include <heed/autograd/elementwise.h>
#include <heed/autograd/where.h>
#include <heed/autograd/indexing.h>
#include <heed/autograd/node.h>
#include <heed/autograd/reduce.h>
#include <heed/autograd/rows.h>
#include <heed/core/cross_entropy.h>

namespace heed {

namespace {

// T_ic of the formula, (N, C): the distribution that each row is compared with.
Tensor distribution(const core::CrossEntropyTargets& targets, const Tensor& logits) {
  const Tensor classes(targets.classes);
  const Tensor ignored = eq(classes, static_cast<double>(targets.ignore_index));
  const int64_t count = logits.size(-1);
  const Tensor chosen = one_hot(where(ignored, 0.0, classes), count).to(logits.dtype());
  Tensor t = (1.0 - targets.smoothing) * chosen + targets.smoothing / static_cast<double>(count);
  if (targets.class_weight.defined()) t = t * Tensor(targets.class_weight);
  return where(ignored.unsqueeze(-1), 0.0, t);
}

}  // namespace

RowLosses cross_entropy_rows(const Tensor& logits, const CrossEntropyTargets& targets) {
  const Tensor x = logits.reshape({targets.classes.numel(), logits.size(-1)}).contiguous();
  const core::CrossEntropyTargets flat{
      core::contiguous(core::reshape(targets.classes.array(), {targets.classes.numel()})),
      targets.class_weight.defined() ? core::contiguous(targets.class_weight.array()) : core::Array(),
      targets.ignore_index, targets.smoothing};
  const core::CrossEntropy rows = core::cross_entropy(x.array(), flat);
  const Tensor loss = op("cross_entropy", rows.loss,
                         edge(x, keep(x, flat.classes, flat.class_weight, rows.highest, rows.total),
                              [ignore = flat.ignore_index, smoothing = flat.smoothing](
                                  auto& g, auto& x, auto& classes, auto& weight, auto& highest, auto& total) {
    const core::CrossEntropyTargets targets{classes.array(), weight.array(), ignore, smoothing};
    if (!grad_enabled())
      return Tensor(core::cross_entropy_grad(x.array(), targets, {{}, highest.array(), total.array(), 0}, g.array()));
    const Tensor t = distribution(targets, x);
    return g.unsqueeze(-1) * (softmax(x, -1) * sum(t, -1, keepdim) - t);
  }));
  return {loss.reshape(targets.classes.shape()), rows.weight};
}

}  // namespace heed
