#include <heed/autograd/gradcheck.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

// A copy of x in memory of its own, with the same strides unless these repeat elements. The gaps
// between the elements of a view are NaN, so that reading them does not go unnoticed.
core::Array copy_of(const core::Array& x) {
  int64_t extent = x.offset() + 1;
  bool repeats = x.numel() == 0;
  for (int i = 0; i < x.rank(); ++i) {
    extent += (x.shape()[i] - 1) * x.strides()[i];
    repeats |= x.shape()[i] > 1 && x.strides()[i] == 0;
  }
  if (repeats) return core::clone(x);
  const core::Array all = core::full({extent}, std::numeric_limits<double>::quiet_NaN(), Dtype::f64);
  const core::Array copy(all.storage(), x.shape(), x.strides(), x.offset(), Dtype::f64);
  core::copy_into(copy, x);
  return copy;
}

std::vector<Tensor> copies(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> out;
  for (const Tensor& x : inputs) out.push_back(Tensor(copy_of(x.array())));
  return out;
}

// ⟨a, b⟩, and Σ|aᵢ bᵢ|, to which its rounding error is proportional.
struct Product {
  double value, size;
};

Product dot(const Tensor& a, const Tensor& b) {
  const Tensor terms = a.detach() * b.detach();
  return {sum(terms).item(), sum(abs(terms)).item()};
}

struct Slope {
  double value = 0, error = std::numeric_limits<double>::infinity();
};

// Slope of φ at 0 by central differences at steps h, h/4, h/16, …; their errors are series in h²,
// so Neville's scheme extrapolates them to h = 0. Differences of neighbours in its table estimate the error.
template <class Phi> Slope slope_at_zero(const Phi& phi, const GradcheckOptions& options) {
  constexpr int levels = 7;
  std::array<double, levels> row{}, above{};
  Slope best;
  double h = options.step;
  for (int k = 0; k < levels; ++k, h /= 4) {
    const Product up = phi(h), down = phi(-h);
    const double rounding = std::numeric_limits<double>::epsilon() * (up.size + down.size) / h;
    above = row;
    row[0] = (up.value - down.value) / (2 * h);
    double factor = 16;
    for (size_t j = 1; j <= size_t(k); ++j, factor *= 16) {
      row[j] = row[j - 1] + (row[j - 1] - above[j - 1]) / (factor - 1);
      const double error = std::max(std::abs(row[j] - row[j - 1]), std::abs(row[j] - above[j - 1])) + rounding;
      if (error < best.error) best = {row[j], error};
    }
    if (best.error <= 0.1 * (options.atol + options.rtol * std::abs(best.value))) break;
  }
  return best;
}

std::string place_of(int64_t flat, const Shape& shape) {
  std::string text = ")";
  for (int i = shape.rank() - 1; i >= 0; --i) {
    text = std::to_string(flat % shape[i]) + (i + 1 < shape.rank() ? ", " : "") + text;
    flat /= shape[i];
  }
  return "(" + text;
}

// All digits: two values that differ in the eighth must not look alike.
std::string digits(double value) {
  std::array<char, 32> text;
  return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
}

struct Check {
  const Function& f;
  const std::vector<Tensor>& inputs;
  const GradcheckOptions& options;
  const char* order;  // of the derivative under test, for messages
  size_t given;       // the first `given` inputs are the caller's, the others are arriving gradients
  Generator random;

  std::string name_of(size_t i) const {
    if (i >= given) return cat("arriving gradient ", inputs[i].shape());
    return cat(i < options.names.size() ? options.names[i] : cat("input ", i), " ", inputs[i].shape());
  }

  Tensor value(const std::vector<Tensor>& at) const {
    const NoGrad plain;
    return f(at);
  }

  // The function must give the same value on every call, recorded or not.
  void check_repeatable(const Tensor& recorded, const Tensor& w) const {
    check<AutogradError>(core::all_finite(recorded.array()), "gradcheck: ", order, ": the output ", recorded.shape(),
                         " has NaN or infinity in it: choose inputs at which the function is finite");
    const Tensor once = value(copies(inputs)), again = value(copies(inputs));
    check<AutogradError>(once.to_vector() == again.to_vector(), "gradcheck: ", order, ": the output ", once.shape(),
                         " differs from call to call: it must not be random: seed the generator "
                         "inside the function");
    const Product a = dot(once, w), b = dot(recorded, w);
    check<AutogradError>(std::abs(a.value - b.value) <= 1e-10 * a.size, "gradcheck: ", order, ": ⟨w, output⟩ is ",
                         digits(a.value), " under NoGrad and ", digits(b.value),
                         " when recorded: both must be equal: "
                         "correct the fused form of an op in f, or its formula");
  }

  void compare(size_t i, const std::string& direction, const Tensor& g, const Tensor& v, const Tensor& w) const {
    const double rule = g.defined() ? dot(g, v).value : 0.0;
    const Slope slope = slope_at_zero(
        [&](double t) {
          std::vector<Tensor> moved = inputs;
          moved[i] = Tensor(copy_of(inputs[i].array()));
          core::copy_into(moved[i].array(), (inputs[i].detach() + v * t).array());
          return dot(value(moved), w);
        },
        options);
    const double allowed = options.atol + options.rtol * std::abs(slope.value);
    check<AutogradError>(slope.error <= 1000 * allowed, "gradcheck: ", order, ", ", name_of(i), " along ", direction,
                         ": differences do not settle (", digits(slope.value), " ± ", digits(slope.error),
                         "): the function is not smooth here: choose inputs away from kinks and poles");
    check<AutogradError>(std::abs(rule - slope.value) <= allowed + 2 * slope.error, "gradcheck: ", order, ", ",
                         name_of(i), " along ", direction, ": the rule gives ", digits(rule), ", differences give ",
                         digits(slope.value), " ± ", digits(slope.error),
                         order[0] == 'f'
                             ? ": correct the rule (or the value) of an op in f"
                             : ": the derivative is right, its own derivative is not: a rule probably uses a value "
                               "without its history: use keep(x), not keep(x.array()) or x.detach(), and call core:: "
                               "in a rule only if grad_enabled() is false");
  }

  void run() {
    std::vector<Tensor> leaves;
    for (const Tensor& x : copies(inputs)) leaves.push_back(parameter(x));
    const Tensor y = f(leaves);
    check<AutogradError>(y.defined(), "gradcheck: ", order,
                         ": the function returned an empty Tensor: it must return values");
    check<DtypeError>(y.dtype() == Dtype::f64, "gradcheck: ", order, ": the function returned ", y.dtype(),
                      ": differences need float64: use it throughout the function");
    // In the second order: the first derivative is constant.
    if (!y.requires_grad() && given < inputs.size()) return;
    check<AutogradError>(y.requires_grad(), "gradcheck: ", order, ": the output ", y.shape(),
                         " has no history: some op on the way to it has no derivative rule");
    const Tensor w0 = randn(y.shape(), random, Dtype::f64);
    check_repeatable(y, w0);
    {
      const std::vector<Tensor> grads = gradients(y, leaves, w0);
      for (size_t i = 0; i < inputs.size(); ++i) coordinates(i, grads[i], w0);
    }
    for (int k = 0; k < options.directions; ++k) {
      const Tensor w = randn(y.shape(), random, Dtype::f64);
      const std::vector<Tensor> grads = gradients(y, leaves, w);
      for (size_t i = 0; i < inputs.size(); ++i)
        compare(i, cat("random direction ", k), grads[i], randn(inputs[i].shape(), random, Dtype::f64), w);
    }
    if (options.order > 1) next_order(y.shape());
  }

  std::vector<Tensor> gradients(const Tensor& y, const std::vector<Tensor>& leaves, const Tensor& w) const {
    const std::vector<Tensor> grads = grad(y, leaves, {.seed = w, .retain_graph = true});
    for (size_t i = 0; i < grads.size(); ++i)
      check<AutogradError>(!grads[i].defined() || grads[i].shape() == inputs[i].shape(), "gradcheck: ", order, ", ",
                           name_of(i), ": its gradient is ", grads[i].shape(), ": must have the input's shape");
    return grads;
  }

  void coordinates(size_t i, const Tensor& g, const Tensor& w) const {
    const Shape& shape = inputs[i].shape();
    const int64_t n = inputs[i].numel();
    if (n > options.coordinates) return;
    for (int64_t j = 0; j < n; ++j) {
      std::vector<double> v(static_cast<size_t>(n), 0.0);
      v[size_t(j)] = 1.0;
      compare(i, "coordinate " + place_of(j, shape), g, tensor(v, shape, Dtype::f64), w);
    }
  }

  // x, w -> Σᵢ ⟨uᵢ, gᵢ(x, w)⟩: recorded for its own derivative, plain for its value.
  void next_order(const Shape& output) {
    std::vector<Tensor> u, all = inputs;
    for (const Tensor& x : inputs) u.push_back(randn(x.shape(), random, Dtype::f64));
    all.push_back(randn(output, random, Dtype::f64));
    const Function first = [this, u](const std::vector<Tensor>& in) {
      const bool record = grad_enabled();
      const EnableGrad on;
      std::vector<Tensor> x(in.begin(), in.end() - 1);
      if (!record)
        for (Tensor& leaf : x) leaf = parameter(leaf);
      const Tensor y = f(x);
      Tensor total = scalar(0.0, Dtype::f64);
      if (!y.requires_grad()) return total;
      const std::vector<Tensor> g = grad(y, x, {.seed = in.back(), .create_graph = record});
      for (size_t i = 0; i < g.size(); ++i)
        if (g[i].defined()) total = total + sum(g[i] * u[i]);
      return total;
    };
    GradcheckOptions rest = options;
    rest.order = options.order - 1;
    const char* const next = order[0] == 'f' ? "second order" : "higher order";
    Check{first, all, rest, next, given, random}.run();
  }
};

}  // namespace

void gradcheck(const std::function<Tensor(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
               const GradcheckOptions& options) {
  check<AutogradError>(!inputs.empty(),
                       "gradcheck: no inputs: there is nothing to differentiate by: pass at least one");
  for (size_t i = 0; i < inputs.size(); ++i)
    check<DtypeError>(inputs[i].dtype() == Dtype::f64, "gradcheck: input ", i, " ", inputs[i].shape(), " of ",
                      inputs[i].dtype(), ": differences need float64: convert it with to(Dtype::f64)");
  Check{f, inputs, options, "first order", inputs.size(), Generator(options.seed)}.run();
}

void gradcheck(const std::function<Tensor(const Tensor&)>& f, const Tensor& x, const GradcheckOptions& options) {
  gradcheck([&f](const std::vector<Tensor>& in) { return f(in[0]); }, std::vector<Tensor>{x}, options);
}

}  // namespace heed
