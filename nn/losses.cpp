#include <heed/nn/losses.h>

#include <heed/autograd/cross_entropy.h>
#include <heed/autograd/ops.h>

namespace heed::nn {

namespace {

Tensor reduce(const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::mean: return mean(losses);
    case Reduction::sum: return sum(losses);
    case Reduction::batchmean: return sum(losses) / static_cast<double>(losses.size(0));
    case Reduction::none: break;
  }
  return losses;
}

void check_same(const char* op, const Tensor& prediction, const Tensor& target) {
  check<ShapeError>(prediction.shape() == target.shape(), op, ": prediction ", prediction.shape(),
                    ", target ", target.shape(),
                    ": shapes differ: reshape one of them, for a loss broadcasts nothing");
}

void check_classes(const char* op, const Tensor& scores, const Tensor& target,
                   const std::optional<Tensor>& weight) {
  check<DtypeError>(target.dtype() == Dtype::i64, op, ": targets ", target.dtype(), " ",
                    target.shape(), ": targets are class numbers: make them int64");
  Shape rows = scores.shape();
  check<ShapeError>(rows.rank() > 0, op, ": logits (): there are no classes: logits are (…, C)");
  rows.erase(rows.rank() - 1);
  check<ShapeError>(target.shape() == rows, op, ": logits ", scores.shape(), ", targets ",
                    target.shape(), ": targets must be ", rows,
                    ", for logits are (…, C), classes last: move a class axis 1 to the "
                    "end with logits.transpose(1, -1)");
  check<ShapeError>(!weight || weight->shape() == Shape{scores.size(-1)}, op, ": class weights ",
                    weight ? weight->shape() : Shape{}, ", ", scores.size(-1),
                    " classes: give one weight a class");
}

}  // namespace

Tensor mse_loss(const Tensor& prediction, const Tensor& target, const LossOptions& o) {
  check_same("mse_loss", prediction, target);
  return reduce(square(prediction - target), o.reduction);
}

Tensor l1_loss(const Tensor& prediction, const Tensor& target, const LossOptions& o) {
  check_same("l1_loss", prediction, target);
  return reduce(abs(prediction - target), o.reduction);
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, const HuberOptions& o) {
  check_same("huber_loss", prediction, target);
  check(o.delta > 0.0, "huber_loss: delta = ", o.delta, ": must be positive");
  const Tensor distance = abs(prediction - target);
  const Tensor inner = minimum(distance, o.delta);
  return reduce(inner * (distance - 0.5 * inner), o.reduction);
}

Tensor hinge_loss(const Tensor& score, const Tensor& label, const LossOptions& o) {
  check_same("hinge_loss", score, label);
  return reduce(relu(1.0 - label * score), o.reduction);
}

Tensor bce_with_logits(const Tensor& x, const Tensor& t, const BceOptions& o) {
  check_same("bce_with_logits", x, t);
  // -log σ(x) = softplus(-x) and -log(1 - σ(x)) = softplus(x), where softplus(x) = max(x, 0) + softplus(-|x|):
  // no term is negative, so that none takes the digits of another.
  const Tensor positive = x > 0.0, tail = softplus(where(positive, -x, x));
  const Tensor weighted = o.pos_weight ? t * *o.pos_weight : t;
  const Tensor linear = where(positive, (1.0 - t) * x, -weighted * x);
  return reduce(linear + (o.pos_weight ? (1.0 - t + weighted) * tail : tail), o.reduction);
}

Tensor kl_div(const Tensor& log_probs, const Tensor& target, const KlDivOptions& o) {
  check_same("kl_div", log_probs, target);
  const Tensor p = o.log_target ? exp(target) : target;
  const Tensor absent = eq(p, 0.0);  // 0 log 0 = 0
  const Tensor log_p = o.log_target ? where(absent, 0.0, target) : log(where(absent, 1.0, target));
  return reduce(p * (log_p - where(absent, 0.0, log_probs)), o.reduction);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& o) {
  check_classes("cross_entropy", logits, target, o.weight);
  check(o.label_smoothing >= 0.0 && o.label_smoothing <= 1.0,
        "cross_entropy: label_smoothing = ", o.label_smoothing, ": must lie in 0 … 1");
  const RowLosses rows = cross_entropy_rows(
      logits, {.classes = target,
               .class_weight = o.weight ? o.weight->to(logits.dtype()) : Tensor(),
               .ignore_index = o.ignore_index,
               .smoothing = o.label_smoothing});
  return o.reduction == Reduction::mean ? sum(rows.loss) / rows.weight
                                        : reduce(rows.loss, o.reduction);
}

Tensor nll_loss(const Tensor& log_probs, const Tensor& target, const NllOptions& o) {
  check_classes("nll_loss", log_probs, target, o.weight);
  const Tensor ignored = eq(target, static_cast<double>(o.ignore_index));
  const Tensor classes = where(ignored, 0.0, target);
  const int64_t count = log_probs.size(-1);
  const std::vector<double> numbers = classes.to_vector();
  for (size_t row = 0; row < numbers.size(); ++row)
    check<IndexError>(numbers[row] >= 0 && numbers[row] < static_cast<double>(count),
                      "nll_loss: target ", numbers[row], " in row ", row, ": there are ", count,
                      " classes: a target lies in 0 … ", count - 1,
                      ", or is ignore_index = ", o.ignore_index);
  Tensor weight = full(target.shape(), 1.0, log_probs.dtype());
  if (o.weight)
    weight = index_select(o.weight->detach().to(log_probs.dtype()), 0, classes.flatten())
                 .reshape(target.shape());
  weight = where(ignored, 0.0, weight);
  const Tensor picked = gather(log_probs, -1, classes.unsqueeze(-1)).squeeze(-1);
  const Tensor losses = where(ignored, 0.0, -picked * weight);
  return o.reduction == Reduction::mean ? sum(losses) / sum(weight) : reduce(losses, o.reduction);
}

}  // namespace heed::nn
