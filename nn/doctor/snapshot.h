// Snapshot: all that training changes, to be put back.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <heed/core/random.h>
#include <heed/nn/doctor/examine.h>

namespace heed::nn {

/// Keeps the values of a model and its optimizer, gradients, training flags and generators, and puts all of them back
/// at its end. While it lives the default generator of this thread is a copy, and gradients are empty.
class Snapshot {
 public:
  Snapshot(Module& model, const std::optional<ExaminedOptimizer>& optimizer);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  /// The same for leaves that only the loss knows: before its backward().
  void take_over(const Tensor& loss);
  void clear_gradients();
  void rewind();              // generators
  void restore_values();      // parameters, buffers and the optimizer
  void restore_modes();       // training flags
  bool all_training() const;  // when it was made

 private:
  void keep_values(const Tensor& x);
  void keep_gradient(const std::shared_ptr<Node>& node);

  struct KeptGradient {
    std::shared_ptr<Node> leaf;
    Tensor grad;
  };
  std::vector<std::pair<Tensor, Tensor>> values_;  // a tensor, and a copy of its elements
  std::vector<KeptGradient> gradients_;
  std::set<const Node*> leaves_;
  std::vector<std::pair<Module*, bool>> modes_;
  std::vector<std::pair<Generator*, Generator>> generators_;
  Generator own_, first_;
  GeneratorGuard guard_;
  Resumable* optimizer_ = nullptr;
  ResumeState state_;
  std::function<void()> put_state_back_;  // prepared at the start, so that it cannot fail at the end
};

}  // namespace heed::nn
