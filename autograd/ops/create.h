// New tensors. zeros({2, 3}) takes a shape, tensor({2, 3}) takes values.
#pragma once

#include <heed/autograd/tensor.h>
#include <heed/core/random.h>

namespace heed {

Tensor zeros(const Shape& shape, Dtype dtype = Dtype::f32);
Tensor ones(const Shape& shape, Dtype dtype = Dtype::f32);
Tensor full(const Shape& shape, double value, Dtype dtype = Dtype::f32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor scalar(double value, Dtype dtype = Dtype::f32);                       // shape ()
Tensor tensor(const std::vector<double>& values, Dtype dtype = Dtype::f32);  // shape (n,)
Tensor tensor(const std::vector<double>& values, const Shape& shape, Dtype dtype = Dtype::f32);
Tensor tensor_i64(const std::vector<int64_t>& values);  // tokens
Tensor tensor_i64(const std::vector<int64_t>& values, const Shape& shape);

Tensor arange(Whole n, Dtype dtype = Dtype::i64);  // 0 … n-1
Tensor arange(double begin, double end, double step, Dtype dtype = Dtype::f32);
Tensor linspace(double begin, double end, Whole n, Dtype dtype = Dtype::f32);  // end included
Tensor eye(Whole n, Dtype dtype = Dtype::f32);

/// Boolean (queries, keys): the last query sees every key, each earlier query one key fewer. With as many queries as
/// keys, query i sees keys j <= i; with fewer, the queries are the newest positions, as when a cache holds the others.
Tensor causal_mask(int64_t queries, int64_t keys);
Tensor causal_mask(int64_t n);  // (n, n)

// Random tensors, from `generator` or the default one (manual_seed).
Tensor rand(const Shape& shape, Dtype dtype = Dtype::f32);  // uniform on [0, 1)
Tensor rand(const Shape& shape, Generator& generator, Dtype dtype = Dtype::f32);
Tensor randn(const Shape& shape, Dtype dtype = Dtype::f32);  // standard normal
Tensor randn(const Shape& shape, Generator& generator, Dtype dtype = Dtype::f32);
Tensor randint(Whole low, Whole high, const Shape& shape);  // i64, low … high-1
Tensor randint(Whole low, Whole high, const Shape& shape, Generator& generator);
Tensor randperm(Whole n);  // i64
Tensor randperm(Whole n, Generator& generator);
Tensor bernoulli(const Shape& shape, double p, Dtype dtype = Dtype::f32);  // 1 with probability p

/// Zero above (tril) or below (triu) the given diagonal of the last two axes.
Tensor tril(const Tensor& x, Whole diagonal = 0);
Tensor triu(const Tensor& x, Whole diagonal = 0);

}  // namespace heed
