#include <heed/nn/doctor/op_watch.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <heed/autograd/node.h>
#include <heed/core/ops/ops.h>
#include <heed/nn/attention/distance_kernels.h>

namespace heed::nn {

namespace {

constexpr int64_t enough = int64_t{1} << 22;  // elements of logits that are read

// Only in the forward pass: in a rule, frames belong to nodes.
const Module* module_at_work() {
  return core::current_scope ? static_cast<const Module*>(core::current_scope->module) : nullptr;
}

Guess guess_from(const core::Array& logits) {
  const int64_t classes = logits.shape()[logits.rank() - 1];
  core::Array some = logits;
  if (logits.numel() > enough && logits.rank() > 1)
    some = core::slice(logits, 0, 0, std::max<int64_t>(1, logits.size(0) * enough / logits.numel()));
  const std::vector<double> x = core::to_vector(some);
  Guess guess{.classes = classes, .even = 0.0, .probabilities = classes > 1};
  const auto n = static_cast<size_t>(classes);
  size_t rows = 0;
  for (size_t begin = 0; begin + n <= x.size() && n > 0; begin += n, ++rows) {
    const double* const row = x.data() + begin;
    const auto [low, high] = std::minmax_element(row, row + n);
    double total = 0.0, sum = 0.0;
    for (size_t i = 0; i < n; ++i) total += std::exp(row[i] - *high), sum += row[i];
    guess.even += *high + std::log(total) - sum / static_cast<double>(n);
    if (!(*low >= 0.0 && *high <= 1.0 && std::abs(sum - 1.0) < 1e-3)) guess.probabilities = false;
  }
  guess.even /= static_cast<double>(std::max<size_t>(1, rows));
  return guess;
}

double root_mean_square(const core::Array& x) {
  double total = 0.0;
  for (const double value : core::to_vector(x)) total += value * value;
  return std::sqrt(total / static_cast<double>(std::max<int64_t>(1, x.numel())));
}

}  // namespace

const void* elements_address(const core::Array& x) {
  return x.storage().bytes() + x.offset() * static_cast<int64_t>(size_of(x.dtype()));
}

int64_t Units::dead() const {
  const double most = *std::max_element(largest.begin(), largest.end());
  return std::count_if(largest.begin(), largest.end(), [&](double y) { return y <= 1e-6 * most; });
}

void OpWatch::input(const Tensor& x) {
  if (outer_) outer_->input(x);
  if (running_rule || !x.defined()) return;
  last_input_ = x.array();
  const std::string path = core::scope_path();
  users.emplace(elements_address(x.array()), path);
  if (x.node() && x.is_leaf()) leaf_users.emplace(x.node().get(), path);
}

void OpWatch::output(const char* name, const core::Array& y) {
  if (outer_) outer_->output(name, y);
  if (running_rule) return;
  const std::string op = name;
  const std::optional<core::Array> x = std::exchange(last_input_, std::nullopt);
  if (wants_outputs) {
    double checksum = 0.0, weight = 1.0;
    for (const double value : core::to_vector(y)) checksum += (weight += 1e-3) * value;
    const Module* const module = module_at_work();
    outputs.push_back({op, core::scope_path(), checksum, module && module->training});
  }
  const bool judges = op == "cross_entropy" || op == "log_softmax";
  if (judges && x && x->rank() > 0 && x->numel() > 0) guess = guess_from(*x);
  const Module* const module = module_at_work();
  if (!module) return;
  // (The kernels of distances use relu, too, but not for units.)
  if (y.rank() >= 2 && y.numel() > 0 && !dynamic_cast<const DistanceKernel*>(module)) activation(op, y);
}

void OpWatch::activation(const std::string& op, const core::Array& y) {
  constexpr std::string_view open_ended[] = {"relu", "gelu", "gelu_tanh", "silu"}, bounded[] = {"tanh", "sigmoid"};
  const bool can_die = std::ranges::find(open_ended, op) != std::end(open_ended);
  if (!can_die && std::ranges::find(bounded, op) == std::end(bounded)) return;
  const std::string path = core::scope_path();
  const auto width = static_cast<size_t>(y.shape()[y.rank() - 1]);
  const int64_t turn = turns_[op + ' ' + path]++;
  auto found = std::ranges::find_if(units, [&](const Units& u) {
    return u.path == path && u.op == op && u.turn == turn && u.largest.size() == width;
  });
  if (found == units.end()) {
    units.push_back({.path = path, .op = op, .turn = turn, .largest = std::vector<double>(width)});
    found = units.end() - 1;
  }
  const std::vector<double> values = core::to_vector(y);
  for (size_t i = 0; i < values.size(); ++i) {
    double& most = found->largest[i % width];
    most = std::max(most, std::abs(values[i]));
    if (op == "tanh") found->saturated += std::abs(values[i]) > 0.99;
    if (op == "sigmoid") found->saturated += values[i] < 0.01 || values[i] > 0.99;
  }
  found->rows += y.numel() / static_cast<int64_t>(width);
  found->elements += y.numel();
}

void OpWatch::gradient(const char* op, const Tensor& g, bool into) {
  if (outer_) outer_->gradient(op, g, into);
  if (into && std::string_view(op) == "linear") gradients.push_back({core::scope_path(), root_mean_square(g.array())});
}

}  // namespace heed::nn
