// Weights in 16 or 8 bits, for inference.
//
// Writing text reads all weights of a model for each token, so its speed is that of the memory: weights that take half
// the bytes give nearly twice the tokens. They are widened tile by tile in the product (core/ops/compact_matrix.h, with the
// error of each type); everything else stays f32.
//
//     nn::compact(model, core::CompactType::bf16);
//
// Such a model is for evaluation: no gradient passes a compact weight, and to save the model, or to load other weights,
// is an Error, as its own are gone.
#pragma once

#include <memory>

#include <heed/autograd/tensor.h>
#include <heed/core/ops/compact_matrix.h>

namespace heed::nn {

struct Module;

/// What a layer has in place of its weight, or nothing. Copies share it.
class CompactWeight {
 public:
  CompactWeight() = default;
  explicit CompactWeight(core::CompactMatrix matrix)
      : matrix_(std::make_shared<const core::CompactMatrix>(std::move(matrix))) {}
  explicit operator bool() const { return matrix_ != nullptr; }

  const core::CompactMatrix& matrix() const { return *matrix_; }
  int64_t rows() const { return matrix_->rows(); }
  int64_t columns() const { return matrix_->columns(); }
  Tensor product(const Tensor& x, const Tensor& bias) const;  // x Wᵀ + b; AutogradError if x records history
  Tensor take_rows(const Tensor& ids) const;                  // as embedding()

 private:
  std::shared_ptr<const core::CompactMatrix> matrix_;
};

/// Makes the weights of all Linear and Embedding inside the model compact. Tied weights stay one. Weights that are compact
/// already are made so again, from what they hold now: what an earlier rounding took away stays lost. Throws Error, and
/// changes nothing, if the type cannot hold an element, or a layer has a low-rank adapter.
void compact(Module& model, core::CompactType type);

}  // namespace heed::nn
