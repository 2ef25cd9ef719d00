// How losses check their arguments. Not needed to use them.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <optional>

#include <heed/autograd/tensor.h>

namespace heed::nn {

/// "f32" for Dtype::f32, as it is written in code.
const char* short_name(Dtype dtype);

/// Two floating tensors of one dtype and one shape.
void check_alike(const char* op, const char* name, const Tensor& x, const char* target_name, const Tensor& target);

/// scores (…, C) floating, target (…) i64, class weights (C).
void check_classes(const char* op, const char* name, const Tensor& scores, const Tensor& target,
                   const std::optional<Tensor>& weight);

/// Warns once, on stderr, if the logits look like probabilities or their logarithms: each row is
/// a distribution, up to rounding, which logits are only by chance. Only the first rows of the
/// first calls are checked.
class LogitsWatch {
 public:
  void look(const Tensor& logits);
  void look(const Tensor& logits, std::ostream& out);

 private:
  std::atomic<int> looks_left_{8};
  std::atomic<bool> warned_{false};
};

}  // namespace heed::nn
