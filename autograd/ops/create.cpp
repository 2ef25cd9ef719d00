#include <heed/autograd/ops/create.h>

#include <algorithm>

#include <heed/autograd/node.h>
#include <heed/core/number.h>
#include <heed/core/op_name.h>
#include <heed/core/ops/causal.h>
#include <heed/core/ops/ops.h>

namespace heed {

Tensor zeros(const Shape& shape, Dtype dtype) {
  const core::OpName at("zeros");
  return full(shape, 0.0, dtype);
}
Tensor ones(const Shape& shape, Dtype dtype) {
  const core::OpName at("ones");
  return full(shape, 1.0, dtype);
}
Tensor full(const Shape& shape, double value, Dtype dtype) { return Tensor(core::full(shape, value, dtype)); }
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype()); }
Tensor scalar(double value, Dtype dtype) {
  core::check_holds("scalar", {}, dtype, value);
  return full({}, value, dtype);
}

Tensor tensor(const std::vector<double>& values, Dtype dtype) {
  return tensor(values, Shape{static_cast<int64_t>(values.size())}, dtype);
}

Tensor tensor(const std::vector<double>& values, const Shape& shape, Dtype dtype) {
  return Tensor(core::from_vector(values, shape, dtype));
}

Tensor tensor_i64(const std::vector<int64_t>& values) {
  return tensor_i64(values, Shape{static_cast<int64_t>(values.size())});
}

Tensor tensor_i64(const std::vector<int64_t>& values, const Shape& shape) {
  check<ShapeError>(static_cast<int64_t>(values.size()) == shape.numel(), "tensor_i64: ", values.size(),
                    " values for shape ", shape, ": needs ", shape.numel());
  const core::Array y(shape, Dtype::i64);
  std::copy(values.begin(), values.end(), y.data<int64_t>());
  return Tensor(y);
}

Tensor arange(Whole n, Dtype dtype) {
  check<ShapeError>(n >= 0, "arange: ", n, " elements: the count must not be negative");
  return arange(0.0, static_cast<double>(n), 1.0, dtype);
}
Tensor arange(double begin, double end, double step, Dtype dtype) {
  return Tensor(core::arange(begin, end, step, dtype));
}
Tensor linspace(double begin, double end, Whole n, Dtype dtype) { return Tensor(core::linspace(begin, end, n, dtype)); }
Tensor eye(Whole n, Dtype dtype) { return Tensor(core::eye(n, n, dtype)); }

Tensor causal_mask(int64_t queries, int64_t keys) { return Tensor(core::causal_mask(queries, keys)); }
Tensor causal_mask(int64_t n) { return causal_mask(n, n); }

Tensor rand(const Shape& shape, Dtype dtype) { return rand(shape, default_generator(), dtype); }
Tensor rand(const Shape& shape, Generator& generator, Dtype dtype) {
  return Tensor(core::rand(shape, dtype, generator));
}
Tensor randn(const Shape& shape, Dtype dtype) { return randn(shape, default_generator(), dtype); }
Tensor randn(const Shape& shape, Generator& generator, Dtype dtype) {
  return Tensor(core::randn(shape, dtype, generator));
}
Tensor randint(Whole low, Whole high, const Shape& shape) { return randint(low, high, shape, default_generator()); }
Tensor randint(Whole low, Whole high, const Shape& shape, Generator& generator) {
  return Tensor(core::randint(low, high, shape, generator));
}
Tensor randperm(Whole n) { return randperm(n, default_generator()); }
Tensor randperm(Whole n, Generator& generator) { return Tensor(core::randperm(n, generator)); }

Tensor bernoulli(const Shape& shape, double p, Dtype dtype) {
  const core::OpName at("bernoulli");
  const core::Array y(shape, dtype);
  core::fill_bernoulli(y, p, default_generator());
  return Tensor(y);
}

Tensor tril(const Tensor& x, Whole diagonal) {
  return op("tril", core::tril(x.array(), diagonal), edge(x, [diagonal](auto& g) { return tril(g, diagonal); }));
}

Tensor triu(const Tensor& x, Whole diagonal) {
  return op("triu", core::triu(x.array(), diagonal), edge(x, [diagonal](auto& g) { return triu(g, diagonal); }));
}

}  // namespace heed
