#include <heed/autograd/anomaly.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <heed/autograd/node.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

// The contents of an array, summarised.
struct Contents {
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;  // of the finite ones
  int64_t finite = 0, nan = 0, infinite = 0;
};

Contents contents_of(const core::Array& x) {
  Contents c;
  for (double value : core::to_vector(x)) {
    if (std::isnan(value)) ++c.nan;
    else if (std::isinf(value)) ++c.infinite;
    else {
      ++c.finite;
      c.lowest = std::min(c.lowest, value);
      c.highest = std::max(c.highest, value);
    }
  }
  return c;
}

// "(2, 3) in -1 … 4 has 2 NaN and 1 infinite"
std::string describe(const core::Array& x) {
  const Contents c = contents_of(x);
  std::string text = cat(x.shape());
  if (x.dtype() == Dtype::boolean) return text + " of bool";
  if (c.finite > 0) text += cat(" in ", c.lowest, " … ", c.highest);
  if (c.nan > 0) text += cat(" has ", c.nan, " NaN");
  if (c.infinite > 0) text += cat(c.nan > 0 ? " and " : " has ", c.infinite, " infinite");
  return text;
}

std::string describe(const std::vector<Tensor>& inputs) {
  std::string text = inputs.size() > 1 ? "inputs " : "input ";
  for (size_t i = 0; i < inputs.size(); ++i) text += (i ? ", " : "") + describe(inputs[i].array());
  return inputs.empty() ? "no inputs" : text;
}

}  // namespace

DetectAnomaly::DetectAnomaly() : before_(std::exchange(observer, this)) {}
DetectAnomaly::~DetectAnomaly() { observer = before_; }

void DetectAnomaly::input(const Tensor& x) {
  if (before_) before_->input(x);
  if (x.defined()) inputs_.push_back(x.detach());
}

void DetectAnomaly::output(const char* op, const core::Array& y) {
  if (before_) before_->output(op, y);
  const std::vector<Tensor> inputs = std::exchange(inputs_, {});
  if (running_rule || core::all_finite(y)) return;  // inside a rule, only its gradients are checked
  const Contents made = contents_of(y);
  bool nan_came_in = false, infinity_came_in = false;
  for (const Tensor& x : inputs) {
    const Contents c = contents_of(x.array());
    nan_came_in |= c.nan > 0;
    infinity_came_in |= c.infinite > 0;
  }
  if (made.nan == 0 && infinity_came_in) return;
  fail<AutogradError>(op, ": ", describe(inputs), ": its output ", describe(y),
                      nan_came_in ? ": its input already had NaN: check the data, or what was computed before the guard"
                                  : ": this is the first op that is not finite: keep its inputs in range");
}

void DetectAnomaly::gradient(const char* op, const Tensor& g, bool into) {
  if (before_) before_->gradient(op, g, into);
  if (into) {
    arrived_ = g.detach();
    return;
  }
  if (core::all_finite(g.array())) return;
  const Tensor given = std::exchange(arrived_, Tensor());
  fail<AutogradError>(op, ": ", given.defined() ? "the gradient that arrived " + describe(given.array()) : "the seed",
                      ": the gradient that its rule passes on ", describe(g.array()),
                      ": keep its input away from where it has no derivative, as in sqrt(x + 1e-12)");
}

}  // namespace heed
