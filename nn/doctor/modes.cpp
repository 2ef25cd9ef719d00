// Training and evaluation: are the flags set, does eval() reach all, does the past see the future?
#include <heed/nn/doctor/checks.h>

#include <bit>
#include <utility>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/nn/causality.h>

namespace heed::nn {

void check_training_mode(const Examination& e) {
  if (e.before.all_training()) return;
  const NoGrad no_history;
  e.before.rewind();
  e.before.restore_modes();
  const double now = e.loss(0).item();
  e.before.rewind();
  e.given.model.train();
  if (e.loss(0).item() != now)
    e.add(Severity::warning, "training mode", "",
          "the model, or a part of it, is in evaluation: dropout is off where training would use it",
          "call train() after each evaluation");
}

void check_evaluation(const Examination& e) {
  const NoGrad no_history;
  e.before.rewind();
  e.given.model.eval();
  OpWatch watch;
  watch.wants_outputs = true;
  e.loss(0);
  const std::vector<OpOutput> first = std::exchange(watch.outputs, {});
  e.loss(0);
  e.given.model.train();
  for (size_t i = 0; i < first.size() && i < watch.outputs.size(); ++i) {
    const OpOutput& y = watch.outputs[i];
    if (first[i].op == y.op && std::bit_cast<uint64_t>(first[i].checksum) == std::bit_cast<uint64_t>(y.checksum))
      continue;
    if (y.training)
      e.add(Severity::fault, "evaluation mode", y.path,
            cat("eval() does not reach a module there: it goes on as in training, at random, in ", y.op),
            "name it in visit() as a module");
    else if (!y.path.empty())
      e.add(Severity::fault, "evaluation mode", y.path,
            cat("in evaluation two calls on the same batch differ, first in ", y.op),
            "draw nothing at random unless `training` is set");
    else
      e.add(Severity::note, "evaluation mode", "", cat("the loss itself draws at random, first in ", y.op),
            "judge it with care");
    return;
  }
}

namespace {

std::string after(int64_t position) { return cat("the inputs after position ", position); }

// Targets that are the next inputs: this model must not see them.
bool predicts_next(const Batch& b) {
  const auto tokens = [](const Tensor& x) { return x.defined() && x.dim() == 2 && !is_floating(x.dtype()); };
  if (!tokens(b.inputs) || !tokens(b.targets) || b.inputs.shape() != b.targets.shape()) return false;
  const int64_t n = b.inputs.size(1);
  if (n < 3 || b.inputs.dtype() != b.targets.dtype() || amax(b.inputs).item() < 1.0) return false;
  return all(eq(b.inputs.slice(1, 1, n), b.targets.slice(1, 0, n - 1)));
}

// The loss of the first half, with the second as it is and changed. Targets of -100 do not count.
void compare_halves(const Examination& e, const Batch& b) {
  const int64_t n = b.inputs.size(1), t = n / 2;
  const double words = amax(b.inputs).item() + 1.0;
  const Tensor later = b.inputs.slice(1, t, n) + 1.0;
  const Tensor other = cat({b.inputs.slice(1, 0, t), where(later < words, later, later - words)}, 1);
  const Tensor none = zeros({b.inputs.size(0), n - t}, b.targets.dtype()) - 100.0;
  // The targets of the first half stay, though the last of them is the first input after it.
  const Tensor targets = cat({b.targets.slice(1, 0, t), none}, 1);
  const auto loss = [&](const Tensor& inputs) {
    e.before.rewind();
    return e.given.loss_of({inputs, targets}).item();
  };
  try {
    const double with = loss(b.inputs), changed = loss(other);
    if (with != changed)
      e.add(Severity::fault, "causality", "",
            cat("the loss up to position ", t - 1, " changes, from ", three_digits(with), " to ", three_digits(changed),
                ", with ", after(t - 1), ", which are what it has to predict"),
            "give its attention .causal = true or a mask; check_causality() says where the future comes in");
  } catch (const Error&) {}  // a loss that skips other targets cannot be asked so
}

}  // namespace

void check_causal(const Examination& e) {
  const NoGrad no_history;
  e.given.model.eval();
  e.before.rewind();
  if (e.options.causal) {
    const auto leak = causality_leak(e.options.causal->logits, e.options.causal->tokens);
    if (leak)
      e.add(Severity::fault, "causality", leak->path,
            cat("output ", leak->position, " changes, by up to ", three_digits(leak->change), ", with inputs from ",
                leak->future, " on", leak->op.empty() ? "" : ", first after " + leak->op),
            "give that layer .causal = true or a mask");
  } else if (e.given.loss_of && !e.given.data.empty() && predicts_next(e.given.data[0])) {
    compare_halves(e, e.given.data[0]);
  }
  e.given.model.train();
}

}  // namespace heed::nn
