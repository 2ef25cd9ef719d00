#include <heed/autograd/resumable.h>

#include <cmath>

#include <heed/core/text.h>

namespace heed {

StateReader::StateReader(std::string who, const ResumeState& state) : who_(std::move(who)), state_(state) {
  if (state.kind == who_) return;
  if (state.kind.empty())
    note("does not say what it is a state of: give what state_dict() returned, with its kind, ", who_);
  else note("is the state of another kind: ", readable(state.kind), ", not ", who_);
  if (!state.kind.empty()) refuse();  // its entries are others: which of them differ would tell nothing
}

bool StateReader::has_under(const std::string& prefix) const {
  const auto found = state_.lower_bound(prefix);
  return found != state_.end() && found->first.starts_with(prefix);
}

const Tensor* StateReader::take(const std::string& name) {
  const auto found = state_.find(name);
  if (found != state_.end() && found->second.defined()) {
    taken_.insert(name);
    return &found->second;
  }
  if (first_missing_.empty()) first_missing_ = name;
  note(name, ": missing");
  return nullptr;
}

Tensor StateReader::tensor(const std::string& name, const Shape& shape, Dtype dtype) {
  const Tensor* const x = take(name);
  if (!x) return Tensor();
  if (x->shape() != shape) note(name, ": has shape ", x->shape(), ", must have ", shape);
  else if (x->dtype() != dtype) note(name, ": is ", x->dtype(), ", must be ", dtype);
  else return x->detach().clone();
  return Tensor();
}

double StateReader::number(const std::string& name) {
  const Tensor* const x = take(name);
  if (!x) return 0;
  if (x->numel() == 1) return x->item();
  note(name, ": has shape ", x->shape(), ", must be one value");
  return 0;
}

int64_t StateReader::count(const std::string& name) {
  const double value = number(name);
  if (value >= 0 && value <= 9e15 && value == std::floor(value)) return static_cast<int64_t>(value);
  note(name, ": is ", value, ", must be a whole number >= 0");
  return 0;
}

std::vector<double> StateReader::numbers(const std::string& name, size_t how_many) {
  const Tensor* const x = take(name);
  if (x && x->numel() == static_cast<int64_t>(how_many)) return x->to_vector();
  if (x) note(name, ": has shape ", x->shape(), ", must be ", how_many, how_many == 1 ? " value" : " values");
  return std::vector<double>(how_many);
}

std::vector<double> StateReader::rates(const std::string& name, size_t how_many) {
  std::vector<double> found = numbers(name, how_many);
  for (const double rate : found)
    if (!std::isfinite(rate) || rate < 0) note(name, ": ", rate, " is not a learning rate");
  return found;
}

void StateReader::refuse() const {
  const bool any = !taken_.empty() || first_missing_.empty();
  check(problems_.empty(), who_, ": load_state_dict: the state does not fit, nothing is changed:", problems_.text(),
        any ? "" : "\nnothing is found under its name: are the names without their prefix?");
}

void StateReader::finish() {
  for (const auto& [name, x] : state_) {
    if (taken_.count(name)) continue;
    note(readable(name), ": unexpected");
  }
  refuse();
}

}  // namespace heed
