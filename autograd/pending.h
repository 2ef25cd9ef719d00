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

  /// Whether a gradient passed to this input reaches a leaf, or a tensor that grad() requests.
  bool wants(const Input& to) const;
  /// Adds a gradient from the rule of `from` to what waits at `to`, summed over axes that were broadcast. An
  /// empty Tensor is zero. Error if it does not fit the input.
  void give(const char* from, const Input& to, Tensor g);
  /// What waits at `to`, if nothing else refers to it: to be added to in place and given again (part.h). Else empty.
  Tensor take(const Input& to);

  struct Arrival {
    std::shared_ptr<Node> node;
    Tensor g;
  };
  bool empty() const { return sums_.empty(); }
  /// Removes and returns the newest node and its gradient, which is complete: a node's id exceeds those of its inputs,
  /// so every node that could add to it has been processed.
  Arrival newest();

 private:
  bool may_change(const Tensor& sum) const;

  const Pass& pass_;
  core::PooledMap<uint64_t, Arrival, std::greater<>> sums_;  // by id, newest first
};

}  // namespace heed
