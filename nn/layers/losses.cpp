#include <heed/nn/layers/losses.h>

#include <heed/autograd/ops.h>
#include <heed/autograd/ops/cross_entropy.h>
#include <heed/core/number.h>
#include <heed/nn/layers/loss_checks.h>

namespace heed::nn {

namespace {

Tensor reduce(const char* op, const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::mean: return mean(losses);
    case Reduction::sum: return sum(losses);
    case Reduction::batchmean:
      check<ShapeError>(losses.dim() > 0, op,
                        ": losses (): batchmean divides by the size of the "
                        "first axis, and there is none: use mean or sum");
      return sum(losses) / static_cast<double>(losses.size(0));
    case Reduction::none: break;
  }
  return losses;
}

}  // namespace

Tensor mse_loss(const Tensor& prediction, const Tensor& target, const LossOptions& o) {
  check_alike("mse_loss", "prediction", prediction, "target", target);
  return reduce("mse_loss", square(prediction - target), o.reduction);
}

Tensor l1_loss(const Tensor& prediction, const Tensor& target, const LossOptions& o) {
  check_alike("l1_loss", "prediction", prediction, "target", target);
  return reduce("l1_loss", abs(prediction - target), o.reduction);
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, const HuberOptions& o) {
  check_alike("huber_loss", "prediction", prediction, "target", target);
  check(o.delta > 0.0, "huber_loss: delta = ", o.delta, ": must be positive");
  core::check_holds("huber_loss", prediction.array(), o.delta);
  const Tensor distance = abs(prediction - target);
  const Tensor inner = minimum(distance, o.delta);
  return reduce("huber_loss", inner * (distance - 0.5 * inner), o.reduction);
}

Tensor hinge_loss(const Tensor& score, const Tensor& label, const LossOptions& o) {
  check_alike("hinge_loss", "score", score, "label", label);
  check(!any(eq(label, 0.0)) || any(label < 0.0), "hinge_loss: labels ", label.shape(),
        ": are 0 and 1: a margin needs -1 and 1: pass 2.0 * label - 1.0");
  return reduce("hinge_loss", relu(1.0 - label * score), o.reduction);
}

Tensor bce_with_logits(const Tensor& x, const Tensor& t, const BceOptions& o) {
  check_alike("bce_with_logits", "logits", x, "targets", t);
  if (o.pos_weight) {
    check<DtypeError>(o.pos_weight->dtype() == x.dtype(), "bce_with_logits: logits ", x.dtype(), ", pos_weight ",
                      o.pos_weight->dtype(), ": dtypes differ: convert pos_weight ",
                      "with to(Dtype::", short_name(x.dtype()), ")");
    check<ShapeError>(core::broadcasts_to(o.pos_weight->shape(), x.shape()), "bce_with_logits: logits ", x.shape(),
                      ", pos_weight ", o.pos_weight->shape(),
                      ": does not broadcast to the logits: pass one factor per element of the last axis");
  }
  // -log σ(x) = softplus(-x) and -log(1 - σ(x)) = softplus(x), where softplus(x) = max(x, 0) + softplus(-|x|):
  // no term is negative, so that nothing cancels.
  const Tensor positive = x > 0.0, tail = softplus(where(positive, -x, x));
  const Tensor weighted = o.pos_weight ? t * *o.pos_weight : t;
  const Tensor linear = where(positive, (1.0 - t) * x, -weighted * x);
  return reduce("bce_with_logits", linear + (o.pos_weight ? (1.0 - t + weighted) * tail : tail), o.reduction);
}

Tensor kl_div(const Tensor& log_probs, const Tensor& target, const KlDivOptions& o) {
  check_alike("kl_div", "log_probs", log_probs, "target", target);
  const Tensor p = o.log_target ? exp(target) : target;
  const Tensor absent = eq(p, 0.0);  // 0 log 0 = 0
  const Tensor log_p = o.log_target ? where(absent, 0.0, target) : log(where(absent, 1.0, target));
  return reduce("kl_div", p * (log_p - where(absent, 0.0, log_probs)), o.reduction);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& o) {
  check_classes("cross_entropy", "logits", logits, target, o.weight);
  check(o.label_smoothing >= 0.0 && o.label_smoothing <= 1.0, "cross_entropy: label_smoothing = ", o.label_smoothing,
        ": must lie in 0 … 1");
  static LogitsWatch watch;
  watch.look(logits);
  const RowLosses rows = cross_entropy_rows(logits, {.classes = target,
                                                     .class_weight = o.weight ? o.weight->to(logits.dtype()) : Tensor(),
                                                     .ignore_index = o.ignore_index,
                                                     .smoothing = o.label_smoothing});
  return o.reduction == Reduction::mean ? sum(rows.loss) / rows.weight
                                        : reduce("cross_entropy", rows.loss, o.reduction);
}

Tensor nll_loss(const Tensor& log_probs, const Tensor& target, const NllOptions& o) {
  check_classes("nll_loss", "log_probs", log_probs, target, o.weight);
  const Tensor ignored = eq(target, static_cast<double>(o.ignore_index));
  const Tensor classes = where(ignored, 0.0, target);
  const int64_t count = log_probs.size(-1);
  const Tensor numbers = classes.contiguous();
  for (int64_t row = 0; row < numbers.numel(); ++row)
    check<IndexError>(numbers.data<int64_t>()[row] >= 0 && numbers.data<int64_t>()[row] < count, "nll_loss: target ",
                      numbers.data<int64_t>()[row], " in row ", row, ": there are ", count,
                      " classes: a target lies in 0 … ", count - 1, ", or is ignore_index = ", o.ignore_index);
  Tensor weight = full(target.shape(), 1.0, log_probs.dtype());
  if (o.weight)
    weight = index_select(o.weight->detach().to(log_probs.dtype()), 0, classes.flatten()).reshape(target.shape());
  weight = where(ignored, 0.0, weight);
  const Tensor picked = gather(log_probs, -1, classes.unsqueeze(-1)).squeeze(-1);
  const Tensor losses = where(ignored, 0.0, -picked * weight);
  return o.reduction == Reduction::mean ? sum(losses) / sum(weight) : reduce("nll_loss", losses, o.reduction);
}

}  // namespace heed::nn
