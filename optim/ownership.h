// Which optimizer owns a parameter? An optimizer that steps tensors no model uses any more, and a parameter that gets
// gradients but no steps, are mistakes whose only symptom is a loss that does not fall. What an
// optimizer can tell, each time it steps:
//
//   - a parameter that only this optimizer still holds was probably replaced in its module, by to(), clone() or an
//     assignment; certainly so if backward() reached a newer one of its shape that no optimizer steps;
//   - a tensor that repeatedly gets gradients that no code reads, that no optimizer owns and no visit()
//     names, is a member that a visit() forgot.
//
// Inputs whose gradients are read, parts of a model that are not trained and tensors that no longer exist are not
// reported. Modules are asked which tensors they name only when there is such a tensor.
#pragma once

#include <vector>

#include <heed/autograd/leaf.h>

namespace heed::optim {

class Ownership {
 public:
  explicit Ownership(const char* optimizer) : optimizer_(optimizer) {}
  ~Ownership();
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  /// Registers p as owned by the optimizer. Throws AutogradError if p is not a parameter, or is given twice.
  void take(const Tensor& p);

  /// Before a step. Throws AutogradError if a parameter was certainly replaced; else warns on stderr,
  /// once per tensor.
  void check();

 private:
  struct Owned {
    Leaf* leaf;
    Shape shape;
    bool warned = false;
  };
  using Leaves = std::vector<std::shared_ptr<Leaf>>;

  std::string describe(const Owned& owned) const;
  void check_replaced(const Leaves& unowned);
  void check_forgotten(const Leaves& unowned);

  const char* optimizer_;
  std::vector<Owned> params_;
  const uint64_t made_ = Leaf().id;  // older leaves are not inputs of a step
};

}  // namespace heed::optim
