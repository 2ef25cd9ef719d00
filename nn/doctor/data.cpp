// The data: are they there, do they differ, are the tests new?
#include <cmath>
#include <set>
#include <string>

#include <heed/autograd/ops.h>
#include <heed/core/error.h>
#include <heed/core/ops/ops.h>
#include <heed/nn/doctor/checks.h>

namespace heed::nn {

namespace {

// Each example's elements, as bytes.
std::vector<std::string> examples_of(const Tensor& x) {
  std::vector<std::string> rows;
  if (!x.defined() || x.dim() == 0 || x.numel() == 0) return rows;
  const std::vector<double> values = x.to_vector();
  const size_t width = values.size() / static_cast<size_t>(x.size(0));
  for (size_t begin = 0; begin < values.size(); begin += width)
    rows.emplace_back(reinterpret_cast<const char*>(&values[begin]), width * sizeof(double));
  return rows;
}

void check_finite(const Examination& e, const Tensor& x, const char* what, size_t batch) {
  if (!x.defined() || !is_floating(x.dtype()) || core::all_finite(x.array())) return;
  int64_t wrong = 0;
  for (const double value : x.to_vector()) wrong += !std::isfinite(value);
  e.add(Severity::fault, "not finite", "",
        cat("the ", what, " of batch ", batch, " ", x.shape(), " hold ", wrong, " NaN or infinite values"),
        "clean or leave out these examples: one NaN spreads to all parameters in one step");
}

}  // namespace

void check_data(const Examination& e) {
  std::set<std::string> inputs, targets;
  size_t examples = 0;
  for (size_t i = 0; i < e.given.data.size(); ++i) {
    const Batch& b = e.given.data[i];
    if (i < e.batches()) {
      check_finite(e, b.inputs, "inputs", i);
      check_finite(e, b.targets, "targets", i);
    }
    for (std::string& row : examples_of(b.inputs)) inputs.insert(std::move(row)), ++examples;
    for (std::string& row : examples_of(b.targets)) targets.insert(std::move(row));
  }
  const auto constant = [&](const std::set<std::string>& rows, const char* what) {
    if (examples < 8 || rows.size() != 1) return;
    e.add(Severity::warning, "constant data", "", cat("all ", examples, " examples have the same ", what),
          "look at how batches are made: there is nothing to be learnt from these");
  };
  constant(inputs, "inputs");
  constant(targets, "targets");
  size_t tested = 0, known = 0;
  for (const Batch& b : e.options.held_out)
    for (const std::string& row : examples_of(b.inputs)) ++tested, known += inputs.count(row);
  if (known > 0)
    e.add(Severity::warning, "overlap", "", cat(known, " of ", tested, " held-out examples are trained on as well"),
          "remove them from one of the two: a test on what was trained says nothing about new examples");
}

}  // namespace heed::nn
