#include <heed/nn/layers/loss_checks.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include <heed/autograd/ops.h>

namespace heed::nn {

namespace {

// Whether `more` is `shape` with an axis of size 1 appended.
bool one_axis_more(const Shape& more, const Shape& shape) {
  Shape longer = shape;
  longer.push_back(1);
  return more == longer;
}

// Whether each row of (…, C) is a single 1 among zeros.
bool looks_one_hot(const Tensor& x) {
  const NoGrad no_history;
  return all(eq(x, 0.0) | eq(x, 1.0)) && all(eq(sum(x, -1), 1.0));
}

// Advice for targets that have all axes of the scores.
std::string instead_of_rows(const Tensor& target) {
  if (looks_one_hot(target)) return "look one-hot: pass argmax(targets, -1)";
  if (is_floating(target.dtype()))
    return "are not class indices: for a distribution over the classes use "
           "kl_div(log_softmax(logits, -1), targets, {.reduction = Reduction::batchmean}), which "
           "has "
           "the same gradient";
  return "have an entry for each class: pass one class index per row";
}

// Whether scores are (N, C, d…) for targets (N, d…), as in PyTorch.
bool classes_second(const Shape& scores, const Shape& target) {
  if (scores.rank() < 3) return false;
  Shape rows = scores;
  rows.erase(1);
  return rows == target;
}

// ", 2, 3": the axes after the second, for a tensor of this rank.
std::string axes_behind(int rank) {
  std::string text;
  for (int i = 2; i < rank; ++i) text += cat(", ", i);
  return text;
}

}  // namespace

const char* short_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32: return "f32";
    case Dtype::f64: return "f64";
    case Dtype::i32: return "i32";
    case Dtype::i64: return "i64";
    case Dtype::boolean: return "boolean";
  }
  return "";
}

void check_alike(const char* op, const char* name, const Tensor& x, const char* target_name, const Tensor& target) {
  check<DtypeError>(is_floating(x.dtype()), op, ": ", name, " ", x.dtype(), " ", x.shape(),
                    ": a loss needs a floating dtype: convert with to(Dtype::f32)");
  check<DtypeError>(x.dtype() == target.dtype(), op, ": ", name, " ", x.dtype(), ", ", target_name, " ", target.dtype(),
                    ": dtypes differ: convert the ", target_name, " with to(Dtype::", short_name(x.dtype()), ")");
  check<ShapeError>(
      x.shape() == target.shape(), op, ": ", name, " ", x.shape(), ", ", target_name, " ", target.shape(),
      ": shapes differ, and a loss broadcasts nothing: ",
      one_axis_more(x.shape(), target.shape())   ? cat("give the ", target_name, " the last axis with unsqueeze(-1)")
      : one_axis_more(target.shape(), x.shape()) ? cat("drop the last axis of the ", target_name, " with squeeze(-1)")
                                                 : std::string("reshape one of them"));
}

void check_classes(const char* op, const char* name, const Tensor& scores, const Tensor& target,
                   const std::optional<Tensor>& weight) {
  const Shape &shape = scores.shape(), &given = target.shape();
  check<DtypeError>(is_floating(scores.dtype()), op, ": ", name, " ", scores.dtype(), " ", shape,
                    ": a loss needs a floating dtype: convert with to(Dtype::f32)");
  check<ShapeError>(shape.rank() > 0, op, ": ", name, " (): there are no classes: ", name, " are (…, C)");
  if (given == shape)
    fail<ShapeError>(op, ": ", name, " ", shape, ", targets ", target.dtype(), " ", given, ": ",
                     instead_of_rows(target));
  check<DtypeError>(target.dtype() == Dtype::i64, op, ": targets ", target.dtype(), " ", given,
                    ": class indices must be int64: convert them with to(Dtype::i64)");
  Shape rows = shape;
  rows.erase(rows.rank() - 1);
  if (given != rows)
    fail<ShapeError>(op, ": ", name, " ", shape, ", targets ", given, ": targets must be ", rows, ", since ", name,
                     " are (…, C), classes last: ",
                     one_axis_more(given, rows)
                         ? cat("drop the last axis of the targets with targets.squeeze(", given.rank() - 1, ")")
                     : classes_second(shape, given) ? cat("move the class axis 1 to the end with ", name, ".permute({0",
                                                          axes_behind(shape.rank()), ", 1})")
                                                    : std::string("pass one class index per row"));
  check<ShapeError>(!weight || weight->shape() == Shape{scores.size(-1)}, op, ": class weights ",
                    weight ? weight->shape() : Shape{}, ", ", scores.size(-1), " classes: pass one weight per class");
}

void LogitsWatch::look(const Tensor& logits) { look(logits, std::cerr); }

void LogitsWatch::look(const Tensor& logits, std::ostream& out) {
  if (looks_left_.load(std::memory_order_relaxed) <= 0) return;
  const int64_t classes = logits.size(-1);
  if (classes < 2 || logits.numel() == 0) return;
  looks_left_.fetch_sub(1);
  const NoGrad no_history;
  const int64_t rows = std::min<int64_t>(logits.numel() / classes, 64);
  const std::vector<double> x = logits.detach().reshape({-1, classes}).slice(0, 0, rows).to_vector();
  bool probabilities = true, logarithms = true, whole = true;
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0.0, sum_of_exp = 0.0;
    for (int64_t c = 0; c < classes; ++c) {
      const double value = x[static_cast<size_t>(row * classes + c)];
      probabilities = probabilities && value >= 0.0 && value <= 1.0;
      logarithms = logarithms && value <= 0.0;
      whole = whole && value == std::floor(value);  // values that were written by hand
      sum += value;
      sum_of_exp += std::exp(value);
    }
    probabilities = probabilities && std::abs(sum - 1.0) < 1e-5;
    logarithms = logarithms && std::abs(sum_of_exp - 1.0) < 1e-5;
  }
  if (whole || (!probabilities && !logarithms)) return;
  looks_left_ = 0;
  if (warned_.exchange(true)) return;
  out << "warning: cross_entropy: logits " << logits.shape() << ": each row "
      << (probabilities ? "sums to 1, as probabilities do: they must be raw scores: leave the softmax out"
                        : "is the logarithm of a distribution: softmax would be applied twice: pass raw "
                          "scores, or use nll_loss")
      << '\n';
}

}  // namespace heed::nn
