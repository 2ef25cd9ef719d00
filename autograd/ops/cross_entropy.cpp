#include <heed/autograd/ops/cross_entropy.h>

#include <heed/autograd/node.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/indexing.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/autograd/ops/softmax.h>
#include <heed/core/ops/cross_entropy.h>

namespace heed {

namespace {

// gᵢ (p Σ_c T_ic - Tᵢ) with p = softmax(xᵢ), for recorded gradients. With class weights w, a the share of the
// target and b that of every class:  a w_t (p - [c = t]) + b (p Σ w - w).
Tensor plain_gradient(const Tensor& x, const core::CrossEntropyTargets& targets, const Tensor& g) {
  const Tensor classes(targets.classes);
  const Tensor ignored = eq(classes, static_cast<double>(targets.ignore_index)).unsqueeze(-1);
  const int64_t count = x.size(-1);
  const Tensor is_target = eq(one_hot(where(ignored.squeeze(-1), 0.0, classes), count), 1.0);
  const Tensor w = targets.class_weight.defined() ? Tensor(targets.class_weight) : ones({count}, x.dtype());
  const Tensor log_p = log_softmax(x, -1), p = exp(log_p);
  const Tensor w_target = sum(where(is_target, w, 0.0), -1, keepdim);
  const Tensor beyond = where(is_target, expm1(log_p), p);  // p - [c = t], p near 1 included
  Tensor d = (1.0 - targets.smoothing) * w_target * beyond;
  if (targets.smoothing > 0.0) d = d + targets.smoothing / static_cast<double>(count) * (p * sum(w) - w);
  return where(ignored, 0.0, g.unsqueeze(-1) * d);  // also if g is infinite: the mean over no row
}

}  // namespace

RowLosses cross_entropy_rows(const Tensor& logits, const CrossEntropyTargets& targets) {
  const Tensor x = logits.reshape({targets.classes.numel(), logits.size(-1)}).contiguous();
  const core::CrossEntropyTargets flat{
      core::contiguous(core::reshape(targets.classes.array(), {targets.classes.numel()})),
      targets.class_weight.defined() ? core::contiguous(targets.class_weight.array()) : core::Array(),
      targets.ignore_index, targets.smoothing};
  const core::CrossEntropy rows = core::cross_entropy(x.array(), flat);
  const Tensor loss =
      op("cross_entropy", rows.loss,
         edge(x, keep(x, flat.classes, flat.class_weight, rows.highest, rows.beside),
              [ignore = flat.ignore_index, smoothing = flat.smoothing](auto& g, auto& x, auto& classes, auto& weight,
                                                                       auto& highest, auto& beside) {
                const core::CrossEntropyTargets targets{classes.array(), weight.array(), ignore, smoothing};
                if (!grad_enabled())
                  return Tensor(core::cross_entropy_grad(x.array(), targets, {{}, highest.array(), beside.array(), 0},
                                                         g.array()));
                return plain_gradient(x, targets, g);
              }));
  return {loss.reshape(targets.classes.shape()), rows.weight};
}

}  // namespace heed
