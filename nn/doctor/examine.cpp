#include <heed/nn/doctor/examine.h>

#include <algorithm>
#include <cmath>

#include <heed/autograd/anomaly.h>
#include <heed/autograd/graph.h>
#include <heed/core/error.h>
#include <heed/nn/doctor/checks.h>
#include <heed/nn/doctor/heads.h>

namespace heed::nn {

namespace {

double root_mean_square(const Tensor& x) {
  if (!x.defined() || x.numel() == 0) return std::numeric_limits<double>::quiet_NaN();
  double total = 0.0;
  for (const double value : x.to_vector()) total += value * value;
  return std::sqrt(total / static_cast<double>(x.numel()));
}

// The leaves of a loss that neither the model names nor the optimizer has; e.before keeps them alive.
void note_leaves(const Examination& e, const Tensor& loss, const OpWatch& watch, Reached& reached) {
  std::set<const Node*> known;
  for (const NamedTensor& p : e.given.model.named_parameters()) known.insert(p.tensor.node().get());
  if (e.given.optimizer)
    for (const Tensor& p : e.given.optimizer->parameters) known.insert(p.node().get());
  for (const LeafOf& leaf : leaves(loss)) {
    if (!reached.leaves.insert(leaf.node.get()).second || known.count(leaf.node.get()) > 0) continue;
    const auto user = watch.leaf_users.find(leaf.node.get());
    const bool in_module = user != watch.leaf_users.end() && !user->second.empty();
    reached.unnamed.emplace_back(leaf.node.get(), cat(leaf.shape, in_module ? " in " + user->second : ""));
  }
}

// Which op makes the first NaN or infinity of a batch?
void find_anomaly(const Examination& e, size_t batch) {
  std::string what = cat("the loss of batch ", batch, " is not finite");
  std::string advice = "look at its inputs, and at divisions, logarithms and roots";
  try {
    e.before.rewind();
    const DetectAnomaly guard;
    e.loss(batch);
  } catch (const Error& error) { advice = error.what(); }
  e.add(Severity::fault, "not finite", "", what, advice);
}

// Forward and back, once for each batch. False if a loss is not finite or has no history.
bool observe(const Examination& e, OpWatch& watch, HeadMeasures& heads, Reached& reached) {
  double total = 0.0;
  for (size_t i = 0; i < e.batches(); ++i) {
    e.before.rewind();
    watch.begin_call();
    const AttentionTrace trace;
    const Tensor loss = e.loss(i);
    heads.add(trace);
    total += loss.item();
    if (!std::isfinite(loss.item())) {
      e.report.loss = total;
      find_anomaly(e, i);
      return false;
    }
    if (!loss.requires_grad()) {
      e.add(Severity::fault, "parameter without gradient", "", "the loss has no history, so nothing can be learnt",
            "look for detach() and NoGrad around the model, and for a model that is frozen as a whole");
      return false;
    }
    e.before.take_over(loss);
    note_leaves(e, loss, watch, reached);
    loss.backward();
    if (i == 0) {
      e.report.gradients = watch.gradients;
      for (const NamedTensor& p : e.given.model.named_parameters())
        e.report.parameters.push_back({.name = p.name,
                                       .shape = p.tensor.shape(),
                                       .value = root_mean_square(p.tensor),
                                       .gradient = root_mean_square(gradient_of(p.tensor))});
    }
  }
  e.report.loss = total / static_cast<double>(e.batches());
  return true;
}

}  // namespace

Tensor Examination::loss(size_t batch) const {
  Tensor loss = given.loss(batch);
  check<ShapeError>(loss.numel() == 1, "examine: the loss of batch ", batch, ", ", loss.shape(),
                    ": is not one value: reduce it, as in mean(loss)");
  return loss;
}

double Examination::mean_loss() const {
  const NoGrad no_history;
  given.model.eval();
  before.rewind();
  double total = 0.0;
  for (size_t i = 0; i < batches(); ++i) total += loss(i).item();
  given.model.train();
  return total / static_cast<double>(batches());
}

Report examine(const Examined& examined, const ExamineOptions& options) {
  check(examined.batches > 0, "examine: no batches: there is nothing to examine: pass at least one");
  check(options.max_batches > 0 && options.range_steps >= 0, "examine: max_batches ", options.max_batches,
        ", range_steps ", options.range_steps, ": must be at least 1 and 0");
  Report report;
  report.batches = std::min(options.max_batches, static_cast<int64_t>(examined.batches));
  Snapshot before(examined.model, examined.optimizer);
  const EnableGrad with_history;
  const Examination e{examined, options, before, report};
  check_data(e);
  check_training_mode(e);
  examined.model.train();
  {
    OpWatch watch;
    HeadMeasures heads;
    Reached reached;
    if (!observe(e, watch, heads, reached)) return report;
    check_parameters(e, watch, reached);
    check_signals(e, watch);
    heads.judge(e);
    check_start(e, watch);
  }
  before.clear_gradients();
  check_evaluation(e);
  check_causal(e);
  try_rates(e);
  return report;
}

}  // namespace heed::nn
