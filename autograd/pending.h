// Pending: the gradients that wait at nodes during one pass, and their sums (pass.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <heed/autograd/tensor.h>
#include <heed/core/memory/pool.h>

namespace heed {

struct Input;
struct Pass;

class Pending {
 public:
  explicit Pending(const Pass& pass) : pass_(pass) {}

  /// Whether a gradient that goes to this input leads to a leaf, or to what grad() asks for.
  bool wants(const Input& to) const;
  /// Adds the gradient that the rule of `from` gave to what waits at `to`, summed over axes that were broadcast. An
  /// empty Tensor is zero. Error where it does not fit the input.
  void give(const char* from, const Input& to, Tensor g);
  /// What waits at `to`, if nobody else can see it: to be added to in place and given again (part.h). Else empty.
  Tensor take(const Input& to);

  struct Arrival {
    std::shared_ptr<Node> node;
    Tensor g;
  };
  bool empty() const { return sums_.empty(); }
  /// Takes out the newest node and its gradient, which is complete: a node's id exceeds those of its inputs, so
  /// whatever could add to it has been before.
  Arrival newest();

 private:
  bool may_change(const Tensor& sum) const;

  const Pass& pass_;
  core::PooledMap<uint64_t, Arrival, std::greater<>> sums_;  // by id, newest first
};

}  // namespace heed
