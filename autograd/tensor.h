// Tensor: an array that records how it was computed.
//
// It is two handles: the elements (core::Array) and, if a gradient is required, the Node (node.h): which op
// made it from which inputs, or, for a parameter, a leaf, which also stores its grad. Copying a Tensor copies the handles: both copies
// share the same elements and the same history. clone() copies the elements.
//
// Mathematics is free functions, softmax(x, -1); geometry is methods, x.transpose(0, 1). Axes may
// count from the end. Reading one tensor on several threads is safe; changing it is not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <heed/core/arguments.h>
#include <heed/core/array.h>

namespace heed {

class Tensor;
struct Node;
class HookHandle;  // hooks.h

/// Ops are recorded, except while a NoGrad lives on this thread:  { NoGrad guard; … }
class NoGrad {
 public:
  explicit NoGrad(bool record = false);
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;

 private:
  bool before_;
};
struct EnableGrad : NoGrad {
  EnableGrad() : NoGrad(true) {}
};  // the opposite, inside a NoGrad
bool grad_enabled();

struct BackwardOptions {
  bool retain_graph = false;  // keep what the rules use, for another pass
};

class Tensor {
 public:
  Tensor() {}  // no elements; as the result of a derivative rule it means zero
  explicit Tensor(core::Array array, std::shared_ptr<Node> node = nullptr)
      : array_(std::move(array)), node_(std::move(node)) {}

  // Assigning to a temporary such as x[0], a slice or grad() would have no effect, so it does not compile.
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;
  void operator=(const Tensor&) && = delete;  // to write elements: x[0].copy_(y); a gradient: x.set_grad(y)
  ~Tensor() = default;

  bool defined() const { return array_.defined(); }
  const Shape& shape() const { return array_.shape(); }
  int64_t size(Axis axis) const { return array_.size(axis); }
  int dim() const { return array_.rank(); }
  int64_t numel() const { return array_.numel(); }
  Dtype dtype() const { return array_.dtype(); }
  bool is_contiguous() const { return array_.is_contiguous(); }
  double item() const { return core::item(array_); }  // the only element; else ShapeError
  std::vector<double> to_vector() const { return core::to_vector(array_); }
  /// The first element; DtypeError unless T is the element type. The rest follow if is_contiguous().
  template <ElementType T> const T* data() const { return array_.data<T>(); }

  // Gradients.
  bool requires_grad() const;
  Tensor& requires_grad(bool wanted);  // leaves only; affects all tensors that share this one's node
  bool is_leaf() const;
  Tensor grad() const;  // what backward() has summed so far; empty before
  void set_grad(const Tensor& g);
  void zero_grad() { set_grad(Tensor()); }
  /// Adds d this / d leaf to the grad of every leaf in its history. A tensor of more than one element
  /// needs `seed`, the gradient of a loss with respect to it. AutogradError if there is no history.
  void backward(const BackwardOptions& = {}) const;
  void backward(const Tensor& seed, const BackwardOptions& = {}) const;
  Tensor detach() const { return Tensor(array_); }  // same elements, no history
  void retain_grad() const;                         // keep the gradient of a tensor that is not a leaf too
  /// `hook` sees each gradient that arrives here, and may return a replacement of the same shape and
  /// dtype. It stays until handle.remove(): in a loop hooks pile up, and one that captures the tensor keeps it alive.
  HookHandle register_hook(std::function<Tensor(const Tensor&)> hook) const;

  // Geometry, differentiable (views.cpp): views of the same elements if they can be.
  Tensor transpose(Axis axis0, Axis axis1) const;
  Tensor permute(const Shape& axes) const;
  Tensor reshape(const Shape& shape) const;  // one size may be -1; copies if it must
  Tensor flatten(Axis first = 0, Axis last = -1) const;
  Tensor expand(const Shape& shape) const;  // repeats axes of size 1
  Tensor sum_to(const Shape& shape) const;  // its inverse: sums over the axes that were repeated
  Tensor squeeze(Axis axis) const;
  Tensor unsqueeze(Axis axis) const;
  Tensor select(Axis axis, Whole index) const;
  Tensor slice(Axis axis, Whole begin, Whole end, Whole step = 1) const;
  Tensor diagonal() const;
  Tensor operator[](Whole index) const { return select(0, index); }
  std::vector<Tensor> split(Whole size, Axis axis = 0) const;
  std::vector<Tensor> chunk(Whole chunks, Axis axis = 0) const;
  Tensor contiguous() const;
  Tensor clone() const;
  Tensor to(Dtype dtype) const;

  // Changes in place: only under NoGrad, or for a tensor without history (tensor.cpp).
  Tensor& copy_(const Tensor& source);
  Tensor& fill_(double value);
  Tensor& zero_() { return fill_(0.0); }
  Tensor& add_(const Tensor& other, double alpha = 1.0);  // this += alpha other
  Tensor& mul_(double factor);
  void array_changed() { array_.storage().bump_version(); }  // after writing to array() directly

  const core::Array& array() const { return array_; }
  const std::shared_ptr<Node>& node() const { return node_; }

 private:
  core::Array array_;
  std::shared_ptr<Node> node_;
};

/// A leaf that requires grad: the elements of x, no history.
Tensor parameter(const Tensor& x);

std::ostream& operator<<(std::ostream& out, const Tensor& x);  // as PyTorch prints it
std::string to_string(const Tensor& x);

}  // namespace heed
