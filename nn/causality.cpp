#include <heed/nn/causality.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <heed/autograd/observe.h>
#include <heed/autograd/ops.h>
#include <heed/core/scope.h>

namespace heed::nn {

namespace {

// The only axis of this size; -1 if there is none or more than one.
int only_axis(const Shape& shape, int64_t size) {
  int found = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] != size) continue;
    if (found >= 0) return -1;
    found = i;
  }
  return found;
}

// NaN equals NaN here: a model may be wrong in its own way.
double largest_change(const core::Array& a, const core::Array& b) {
  const std::vector<double> before = core::to_vector(a), after = core::to_vector(b);
  double largest = 0.0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i] || (std::isnan(before[i]) && std::isnan(after[i]))) continue;
    const double change = std::abs(before[i] - after[i]);
    largest = std::isnan(change) ? INFINITY : std::max(largest, change);
  }
  return largest;
}

// Watches the ops of a call. Given the record of another run, it compares during the call.
class PastWatch final : public Observer {
 public:
  struct Seen {
    std::string op, path;
    Shape shape;
    core::Array past;  // positions 0 … t, empty if there is no axis of time
  };

  PastWatch(int64_t length, int64_t t, const std::vector<Seen>* other = nullptr)
      : outer_(std::exchange(observer, this)), length_(length), t_(t), other_(other) {}
  ~PastWatch() override { observer = outer_; }
  PastWatch(const PastWatch&) = delete;

  std::vector<Seen> seen;
  std::optional<Seen> first;  // the first that differs from the other run's

  void input(const Tensor& x) override {
    if (outer_) outer_->input(x);
  }
  void gradient(const char* op, const Tensor& g, bool into) override {
    if (outer_) outer_->gradient(op, g, into);
  }
  void output(const char* op, const core::Array& y) override {
    if (outer_) outer_->output(op, y);
    Seen now{op, core::scope_path(), y.shape(), {}};
    if (const int axis = only_axis(y.shape(), length_); axis >= 0)
      now.past = core::clone(core::slice(y, axis, 0, t_ + 1));
    if (other_ && !first) compare(now);
    seen.push_back(std::move(now));
  }

 private:
  void compare(const Seen& now) {
    const size_t i = seen.size();
    // Runs with different ops can no longer be compared.
    if (i >= other_->size() || (*other_)[i].op != now.op || (*other_)[i].shape != now.shape) {
      other_ = nullptr;
      return;
    }
    const core::Array& before = (*other_)[i].past;
    if (before.defined() && largest_change(before, now.past) > 0.0) first = now;
  }

  Observer* outer_;
  int64_t length_, t_;
  const std::vector<Seen>* other_;
};

// x with everything after t replaced.
Tensor with_another_future(const Tensor& x, int64_t axis, int64_t t, Generator& generator) {
  const Tensor past = x.slice(axis, 0, t + 1), future = x.slice(axis, t + 1, x.size(axis));
  Tensor other;
  if (is_floating(x.dtype())) {
    other = randn(future.shape(), generator, x.dtype());
  } else {
    // A different token at each position: shifted by 1 … largest, modulo largest + 1.
    const auto largest = static_cast<int64_t>(amax(x).item());
    const Tensor sum = future + randint(1, largest + 1, future.shape(), generator).to(x.dtype());
    const auto clock = static_cast<double>(largest + 1);
    other = where(sum >= clock, sum - clock, sum);
  }
  return cat({past, other}, axis);
}

}  // namespace

std::optional<CausalityLeak> causality_leak(const std::function<Tensor(const Tensor&)>& model, const Tensor& input,
                                            const CausalityOptions& o) {
  const NoGrad no_history;
  check<ShapeError>(o.axis >= 0 && o.axis < input.dim(), "check_causality: axis ", o.axis, ", input ", input.shape(),
                    ": there is no such axis: give the axis of time");
  check<DtypeError>(input.dtype() != Dtype::boolean, "check_causality: input ", input.dtype(), " ", input.shape(),
                    ": is neither floating nor tokens, so the future cannot be replaced: "
                    "pass one of these");
  const int64_t n = input.size(o.axis);
  check(is_floating(input.dtype()) || (input.numel() > 0 && amax(input).item() >= 1.0), "check_causality: input ",
        input.shape(),
        ": all tokens are 0, so the future cannot be replaced: ", "use tokens from the whole vocabulary");
  const auto run = [&](const Tensor& x) {
    const Tensor y = model(x).detach();
    check<ShapeError>(o.axis < y.dim() && y.size(o.axis) == n, "check_causality: input ", x.shape(), ", output ",
                      y.shape(), ": axis ", o.axis, " differs: a causal model must have one output per position");
    return y.clone();
  };
  const Tensor answer = run(input);
  check(largest_change(run(input).array(), answer.array()) == 0.0, "check_causality: input ", input.shape(),
        ": two calls give different outputs: ", "switch dropout off with eval()");

  Generator generator(o.seed);
  for (int64_t t = 0; t + 1 < n; ++t) {
    const auto past = [&](const Tensor& y) { return y.slice(o.axis, 0, t + 1); };
    const Tensor other = with_another_future(input, o.axis, t, generator);
    const Tensor before = past(answer), after = past(run(other));
    const double change = largest_change(before.array(), after.array());
    if (change == 0.0) continue;

    CausalityLeak leak{0, t + 1, change, "", ""};
    while (largest_change(before.select(o.axis, leak.position).array(), after.select(o.axis, leak.position).array()) ==
           0.0)
      ++leak.position;
    std::vector<PastWatch::Seen> seen;
    {
      PastWatch watch(n, t);
      run(input);
      seen = std::move(watch.seen);
    }
    PastWatch watch(n, t, &seen);
    run(other);
    if (watch.first) leak.op = watch.first->op, leak.path = watch.first->path;
    return leak;
  }
  return std::nullopt;
}

void check_causality(const std::function<Tensor(const Tensor&)>& model, const Tensor& input,
                     const CausalityOptions& options) {
  const std::optional<CausalityLeak> leak = causality_leak(model, input, options);
  if (!leak) return;
  fail<Error>("check_causality: output ", leak->position, " of input ", input.shape(), ": changes, by up to ",
              leak->change, ", with inputs from ", leak->future,
              " on: ", leak->op.empty() ? "no op could be identified" : cat("the future enters at ", leak->op),
              leak->path.empty() ? "" : cat(" in ", leak->path), ": give that layer .causal = true or a mask");
}

}  // namespace heed::nn
