// A range test of the learning rate (Smith 2017), from the same start for each rate: what is the loss after a few steps?
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <heed/autograd/leaf.h>
#include <heed/core/error.h>
#include <heed/nn/doctor/checks.h>

namespace heed::nn {

namespace {

constexpr int lowest = -4, highest = 8;  // half decades below and above the rate that is judged
constexpr double infinite = std::numeric_limits<double>::infinity();

double norm(const std::vector<double>& x) {
  double total = 0.0;
  for (const double value : x) total += value * value;
  return std::sqrt(total);
}

struct Trial {
  const Examination& e;
  std::vector<NamedTensor> parameters;
  std::vector<std::vector<double>> start;  // their values
  std::set<std::string> moved;             // those that had a gradient other than 0

  explicit Trial(const Examination& e_) : e(e_), parameters(e.given.model.named_parameters()) {
    for (const NamedTensor& p : parameters) start.push_back(p.tensor.to_vector());
  }

  // The loss after these steps at `factor` times the rates; infinite where a loss or a gradient is not finite.
  double run(double factor, int64_t steps, bool measures) {
    const ExaminedOptimizer& optimizer = *e.given.optimizer;
    e.before.restore_values();
    e.before.rewind();
    std::vector<double> rates = optimizer.rates;
    for (double& rate : rates) rate *= factor;
    optimizer.use(rates);
    try {
      for (int64_t step = 0; step < steps; ++step) {
        const Tensor loss = e.loss(static_cast<size_t>(step) % e.batches());
        if (!std::isfinite(loss.item())) return infinite;
        e.before.take_over(loss);
        e.before.clear_gradients();
        loss.backward();
        if (measures) note_gradients();
        if (e.options.before_step) e.options.before_step();
        take_unowned_leaves();  // the optimizer would warn of them; this examination says it in its own words
        optimizer.step();
        if (measures && step == 0) note_updates();
      }
      const double loss = e.mean_loss();
      return std::isfinite(loss) ? loss : infinite;
    } catch (const Error&) { return infinite; }  // as clip_grad_norm's, of a gradient that is not finite
  }

  void note_gradients() {
    for (const NamedTensor& p : parameters) {
      const Tensor g = gradient_of(p.tensor);
      if (!g.defined() || moved.count(p.name) > 0) continue;
      if (norm(g.to_vector()) > 0.0) moved.insert(p.name);
    }
  }

  void note_updates() {
    for (size_t i = 0; i < parameters.size(); ++i) {
      std::vector<double> change = parameters[i].tensor.to_vector();
      const std::vector<double>& value = start[i];
      for (size_t j = 0; j < change.size(); ++j) change[j] -= value[j];
      e.report.parameters[i].update = norm(change) / norm(value);
    }
  }
};

void check_updates(const Examination& e, const Trial& trial, bool falls) {
  const ParameterMeasure* largest = nullptr;
  for (const ParameterMeasure& p : e.report.parameters) {
    const bool matrix = p.shape.rank() >= 2 && p.value > 0.0;
    if (matrix && std::isfinite(p.update) && (!largest || p.update > largest->update)) largest = &p;
    if (trial.moved.count(p.name) == 0 && std::isfinite(p.gradient))
      e.add(Severity::warning, "zero gradient", p.name,
            cat("its gradient was 0 in each of ", e.options.range_steps, " steps"),
            "nothing of the loss passes through it: look for dead units, masks and factors of 0");
  }
  if (largest && largest->update > 1.0)
    e.add(falls ? Severity::note : Severity::warning, "large updates", largest->name,
          cat("one step changes it by ", three_digits(largest->update), " times its norm; about 0.001 is usual"),
          "lower the learning rate, or begin with a warm-up");
}

void judge(const Examination& e, Trial& trial, double start) {
  const std::vector<RateLoss>& rates = e.report.rates;
  const auto best = std::min_element(rates.begin(), rates.end(),
                                     [](const RateLoss& a, const RateLoss& b) { return a.loss < b.loss; });
  const double lr = *e.report.lr;
  const auto own = std::find_if(rates.begin(), rates.end(), [&](const RateLoss& rate) { return rate.lr == lr; });
  const std::string figures = cat(" from ", three_digits(start), " to ", three_digits(own->loss), " in ",
                                  e.options.range_steps, " steps at ", three_digits(lr));
  const std::string advice = cat("the loss is lowest, ", three_digits(best->loss), ", at ", three_digits(best->lr));
  if (own->loss > start + 0.5 * std::abs(start)) {
    // It may recover, as where the first step overshoots.
    const bool recovers = trial.run(lr / e.given.optimizer->rates.front(), 5 * e.options.range_steps, false) < start;
    e.add(recovers ? Severity::note : Severity::fault, "learning rate too high", "",
          cat("the loss rises", figures, recovers ? ", and falls later" : ""),
          best->lr < lr ? advice + ": try a rate below" : "try a far lower rate");
  } else if (best->lr > 1000.0 * lr && start - own->loss < 0.003 * (start - best->loss)) {
    e.add(Severity::fault, "learning rate too low", "", "the loss hardly moves," + figures, advice);
  } else if (e.options.untrained && !(best->loss < start - 0.01 * std::abs(start))) {
    e.add(Severity::warning, "no rate helps", "",
          cat("at none of ", rates.size(), " learning rates, ", three_digits(rates.front().lr), " … ",
              three_digits(rates.back().lr), ", does the loss fall by 1 % within ", e.options.range_steps, " steps"),
          "look whether the loss depends on the parameters, and whether the rate is off by more than that");
  }
}

}  // namespace

void try_rates(const Examination& e) {
  if (!e.given.optimizer || e.options.range_steps <= 0) return;
  const double first = e.given.optimizer->rates.front();
  e.report.lr = e.options.lr.value_or(first);
  if (!(*e.report.lr > 0.0) || !(first > 0.0)) return;
  e.report.steps = e.options.range_steps;
  const double start = e.mean_loss();
  Trial trial(e);
  bool finite = true;  // beyond a rate without a finite loss there is none
  for (int half = lowest; half <= highest; ++half) {
    const double factor = half == 0 ? 1.0 : std::pow(10.0, 0.5 * half);
    const double lr = *e.report.lr * factor;
    const double loss = finite || half == 0 ? trial.run(lr / first, e.options.range_steps, half == 0) : infinite;
    finite = finite && loss < infinite;
    e.report.rates.push_back({lr, loss});
  }
  const auto own = static_cast<size_t>(-lowest);
  check_updates(e, trial, e.report.rates[own].loss < start);
  judge(e, trial, start);
  e.before.restore_values();
}

}  // namespace heed::nn
