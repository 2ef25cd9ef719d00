// Do signals pass, forward and back?
#include <algorithm>
#include <cmath>

#include <heed/core/error.h>
#include <heed/nn/doctor/checks.h>

namespace heed::nn {

namespace {

constexpr int64_t enough_rows = 16;                  // rows on which no unit is judged
constexpr double vanishing = 1e-5, exploding = 1e4;  // gradients near the input, as multiples of those near the loss

void check_units(const Examination& e, const Units& u) {
  const auto all = static_cast<int64_t>(u.largest.size());
  if (u.rows < enough_rows) return;
  const int64_t dead = u.dead();
  if (dead > 1 && 5 * dead >= 4 * all)
    e.add(dead == all ? Severity::fault : Severity::warning, "dead units", u.path,
          cat(u.op, u.turn > 0 ? cat(" ", u.turn + 1) : "", ": ", dead, " of ", all, " units are 0 in each of ", u.rows,
              " rows, so nothing is learnt through them"),
          "make the biases before it larger or its weights smaller, and standardise its inputs");
  if (10 * u.saturated > 9 * u.elements)
    e.add(Severity::warning, "saturated units", u.path,
          cat(u.op, ": ", 100 * u.saturated / u.elements,
              " % of its outputs are within 1 % of a bound, where its slope is near 0"),
          "make the weights before it smaller, or normalise its inputs");
}

double largest(const std::vector<LayerGradient>& layers, size_t begin, size_t end) {
  double most = 0.0;
  for (size_t i = begin; i < end; ++i) most = std::max(most, layers[i].size);
  return most;
}

}  // namespace

void check_signals(const Examination& e, const OpWatch& watch) {
  for (const Units& u : watch.units) check_units(e, u);

  // The largest of a third at each end: a single small gradient, as of queries, is no sign of anything.
  const std::vector<LayerGradient>& back = e.report.gradients;
  if (back.size() < 3) return;
  const size_t third = (back.size() + 2) / 3;
  const double near_loss = largest(back, 0, third), near_input = largest(back, back.size() - third, back.size());
  if (!(near_loss > 0.0) || !std::isfinite(near_loss)) return;
  const std::string figures = cat(" on its way back, from ", three_digits(near_loss), " near the loss to ",
                                  three_digits(near_input), " near the input, over ", back.size(), " linear layers");
  if (near_input > 0.0 && near_input < vanishing * near_loss)
    e.add(Severity::warning, "vanishing gradients", back.back().path, "the gradient vanishes" + figures,
          "use relu or gelu, residual connections, normalisation, or larger initial weights");
  if (!(near_input <= exploding * near_loss))
    e.add(Severity::warning, "exploding gradients", back.back().path, "the gradient explodes" + figures,
          "make the initial weights smaller, or normalise; clipping alone hides it");
}

void check_start(const Examination& e, const OpWatch& watch) {
  if (!watch.guess || watch.guess->classes < 2) return;
  const Guess& guess = *watch.guess;
  const double even = std::log(static_cast<double>(guess.classes));
  const std::string ln = cat("ln ", guess.classes, " = ", three_digits(even));
  if (guess.probabilities)
    e.add(Severity::fault, "softmax twice", "", "the loss is given probabilities, and takes their softmax again",
          "give it the logits, without a softmax before");
  else if (e.options.untrained && e.report.loss < 0.5 * even)
    e.add(Severity::warning, "loss at the start", "",
          cat("before training the loss is ", three_digits(e.report.loss), ", though guessing costs ", ln),
          "look whether the targets are among the inputs, or are nearly all of one class");
  else if (e.options.untrained && guess.even > 1.5 * even)
    e.add(Severity::warning, "loss at the start", "",
          cat("before training the model is sure of wrong answers: even at random it would lose ", ln,
              ", it loses about ", three_digits(guess.even)),
          "make the weights of its last layer smaller");
}

}  // namespace heed::nn
