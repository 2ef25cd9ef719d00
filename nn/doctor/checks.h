// The parts of an examination. Each looks at one kind of fault and adds what it finds to the report.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <heed/nn/doctor/examine.h>
#include <heed/nn/doctor/op_watch.h>
#include <heed/nn/doctor/snapshot.h>

namespace heed::nn {

struct Examination {
  const Examined& given;
  const ExamineOptions& options;
  Snapshot& before;
  Report& report;

  size_t batches() const { return static_cast<size_t>(report.batches); }
  Tensor loss(size_t batch) const;  // one value, else a ShapeError
  double mean_loss() const;         // over the batches, in evaluation, without history
  void add(Severity severity, const char* check, const std::string& path, const std::string& sentence,
           const std::string& advice) const {
    report.findings.push_back({severity, check, path, sentence, advice});
  }
};

/// The gradient of a parameter: not by grad(), which counts as a use of it. Empty for a tensor that an op made.
Tensor gradient_of(const Tensor& p);

// Before the first step: each with the model as it is.
void check_data(const Examination& e);
void check_training_mode(const Examination& e);
void check_evaluation(const Examination& e);
void check_causal(const Examination& e);

// After backward() of all batches: `watch` saw them, `reached` are the leaves of their losses.
struct Reached {
  std::set<const Node*> leaves;
  std::vector<std::pair<const Node*, std::string>> unnamed;  // not named: shapes and users
};
void check_parameters(const Examination& e, const OpWatch& watch, const Reached& reached);
void check_signals(const Examination& e, const OpWatch& watch);
void check_start(const Examination& e, const OpWatch& watch);

/// Takes steps at many learning rates, from the same start.
void try_rates(const Examination& e);

}  // namespace heed::nn
