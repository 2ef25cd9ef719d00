#include <heed/autograd/tensor.h>

#include <heed/autograd/hooks.h>
#include <heed/autograd/leaf.h>
#include <heed/autograd/node.h>
#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/ops.h>

namespace heed {

namespace {

thread_local bool recording = true;

Leaf& leaf_of(const char* op, const Tensor& x) {
  check<AutogradError>(x.node() && x.node()->is_leaf(), op, ": ", x.shape(),
                       x.node() ? " came from an op" : " does not require grad",
                       ": only a leaf, made by parameter(), can do this");
  return static_cast<Leaf&>(*x.node());
}

}  // namespace

bool grad_enabled() { return recording; }
NoGrad::NoGrad(bool record) : before_(recording) { recording = record; }
NoGrad::~NoGrad() { recording = before_; }

Tensor parameter(const Tensor& x) {
  check<DtypeError>(is_floating(x.dtype()), "parameter: ", x.shape(), " of ", x.dtype(),
                    ": only float32 and float64 have gradients");
  auto* const leaf = new Leaf;
  std::shared_ptr<Node> node = make_handle(leaf);
  leaf->self = node;
  return Tensor(x.array(), std::move(node));
}

bool Tensor::requires_grad() const { return node_ && node_->requires_grad(); }

Tensor& Tensor::requires_grad(bool wanted) {
  if (!node_ && wanted) {
    *this = parameter(*this);
  } else if (node_) {
    leaf_of("requires_grad", *this).wants_grad = wanted;
  }
  return *this;
}

bool Tensor::is_leaf() const { return !node_ || node_->is_leaf(); }

Tensor Tensor::grad() const {
  if (!node_) return Tensor();
  if (node_->is_leaf()) {
    const Leaf& leaf = static_cast<const Leaf&>(*node_);
    if (!leaf.looked_at) leaf.looked_at = true;
    return leaf.grad;
  }
  return node_->hooks ? node_->hooks->grad : Tensor();
}

void Tensor::set_grad(const Tensor& g) {
  check<ShapeError>(!g.defined() || g.shape() == shape(), "set_grad: ", g.shape(), " for a tensor ", shape(),
                    ": must have the same shape");
  check<DtypeError>(!g.defined() || g.dtype() == dtype(), "set_grad: ", g.dtype(), " for a tensor of ", dtype(),
                    ": must have the same dtype: convert it with to(Dtype)");
  leaf_of("set_grad", *this).grad = g.detach();
}

namespace {

// In-place changes would invalidate a history, so they are for tensors that have none.
void check_in_place(const char* op, const Tensor& x, const Tensor& source = Tensor()) {
  for (int i = 0; i < x.dim(); ++i)
    check<ShapeError>(x.shape()[i] <= 1 || x.array().strides()[i] != 0, op, ": ", x.shape(), ": axis ", i,
                      " repeats its elements (expand): writing one would change all: clone() it first");
  check<AutogradError>(!grad_enabled() || !x.requires_grad(), op, ": ", x.shape(),
                       " requires grad: changing it in place would break its history: do it under NoGrad");
  check<AutogradError>(!grad_enabled() || !source.requires_grad(), op, ": source ", source.shape(),
                       " requires grad: its history would be lost: detach() it, or do it under NoGrad");
}

}  // namespace

Tensor& Tensor::copy_(const Tensor& source) {
  const core::OpName at("copy_");
  check_in_place("copy_", *this, source);
  core::copy_into(array_, source.array());
  array_.storage().bump_version();
  return *this;
}

Tensor& Tensor::fill_(double value) {
  const core::OpName at("fill_");
  check_in_place("fill_", *this);
  core::check_defined(array_);
  core::check_holds("fill_", array_, value);
  core::copy_into(array_, core::full({}, value, dtype()));
  array_.storage().bump_version();
  return *this;
}

Tensor& Tensor::add_(const Tensor& other, double alpha) {
  check_in_place("add_", *this, other);
  core::add_into(array_, other.array(), alpha);
  array_.storage().bump_version();
  return *this;
}

Tensor& Tensor::mul_(double factor) {
  const core::OpName at("mul_");
  check_in_place("mul_", *this);
  core::check_defined(array_);
  core::check_holds("mul_", array_, factor);
  core::zip_into(core::Binary::mul, array_, core::full({}, factor, dtype()));
  array_.storage().bump_version();
  return *this;
}

}  // namespace heed
