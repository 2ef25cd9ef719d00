// Whose parameter is it? An optimizer that steps what no model uses any more, and a parameter that gets
// gradients but no steps, are mistakes that show in nothing but a loss that does not fall. What an
// optimizer can tell, each time it steps:
//
//   - a parameter that only this optimizer still holds was replaced in its module, by to(), clone() or an
//     assignment; so it is surely where backward() reached one of its shape that is newer and that nobody steps;
//   - a tensor that gets gradients again and again, that no optimizer has, no visit() names and nobody looks
//     at, is a member that a visit() forgot.
//
// Inputs whose gradients are read, parts of a model that are left untrained and tensors that are gone are not
// reported. Modules are asked which tensors they name only when there is something to ask about.
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

  /// The optimizer, which holds p, has it from now on. Throws AutogradError for what is no parameter, or given twice.
  void take(const Tensor& p);

  /// Before a step. Throws AutogradError where it would surely step what was replaced; else warns on stderr,
  /// once of each tensor.
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
  const uint64_t made_ = Leaf().id;  // what is older is no input of a step
};

}  // namespace heed::optim
