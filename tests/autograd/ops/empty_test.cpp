// Every op on tensors without elements: value, backward and recorded gradient, with PyTorch's shapes.
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/ops/fused_attention.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;

namespace {

using Tensors = std::vector<Tensor>;

struct Case {
  std::string name;
  std::vector<Shape> inputs;
  std::function<Tensor(const Tensors&)> f;
  Shape shape;                               // of the value
  std::optional<double> all = std::nullopt;  // what each of its elements is
};

template <class F> Case unary(const char* name, F f) {
  return {name, {{0, 3}}, [f](const Tensors& x) { return f(x[0]); }, {0, 3}};
}

template <class F> Case binary(const char* name, F f) {
  return {name, {{0, 3}, {3}}, [f](const Tensors& x) { return f(x[0], x[1]); }, {0, 3}};
}

using T = const Tensor&;

std::vector<Case> cases() {
  const Tensor none = tensor_i64({});
  const auto ids = [](const Shape& shape) { return tensor_i64({}, shape); };
  const auto one = [](auto f) { return [f](const Tensors& x) { return f(x[0]); }; };
  std::vector<Case> all = {
      binary("add", [](T a, T b) { return a + b; }),
      binary("sub", [](T a, T b) { return a - b; }),
      binary("mul", [](T a, T b) { return a * b; }),
      binary("div", [](T a, T b) { return a / b; }),
      binary("maximum", [](T a, T b) { return maximum(a, b); }),
      binary("minimum", [](T a, T b) { return minimum(a, b); }),
      binary("pow", [](T a, T b) { return pow(a, b); }),
      binary("logaddexp", [](T a, T b) { return logaddexp(a, b); }),
      binary("where", [](T a, T b) { return where(a > 0.0, a, b); }),
      unary("add a number", [](T x) { return x + 1.0; }),
      unary("mul a number", [](T x) { return x * 2.0; }),
      unary("div by a number", [](T x) { return x / 2.0; }),
      unary("number - x", [](T x) { return 1.0 - x; }),
      unary("number / x", [](T x) { return 1.0 / x; }),
      unary("pow a number", [](T x) { return pow(x, 3.0); }),
      unary("clamp", [](T x) { return clamp(x, -1, 1); }),
      unary("leaky_relu", [](T x) { return leaky_relu(x); }),
      unary("elu", [](T x) { return elu(x); }),
      unary("masked_fill", [](T x) { return masked_fill(x, x > 0.0, 1.0); }),
      unary("dropout", [](T x) { return dropout(x, 0.5); }),
      unary("softmax", [](T x) { return softmax(x, -1); }),
      unary("softmax along the batch", [](T x) { return softmax(x, 0); }),
      unary("log_softmax", [](T x) { return log_softmax(x, -1); }),
      unary("log_softmax along the batch", [](T x) { return log_softmax(x, 0); }),
      unary("layer_norm", [](T x) { return layer_norm(x); }),
      unary("rms_norm", [](T x) { return rms_norm(x); }),
      unary("cumsum", [](T x) { return cumsum(x, 0); }),
      unary("cumsum of rows", [](T x) { return cumsum(x, 1); }),
      unary("sort", [](T x) { return sort(x, 1).values; }),
      unary("sort along the batch", [](T x) { return sort(x, 0).values; }),
      unary("clone", [](T x) { return x.clone(); }),
      unary("contiguous", [](T x) { return x.transpose(0, 1).transpose(0, 1).contiguous(); }),
      {"sum", {{0, 3}}, one([](T x) { return sum(x); }), {}, 0.0},
      {"sum of no rows", {{0, 3}}, one([](T x) { return sum(x, 0); }), {3}, 0.0},
      {"sum of rows", {{0, 3}}, one([](T x) { return sum(x, 1, true); }), {0, 1}},
      {"mean", {{0, 3}}, one([](T x) { return mean(x); }), {}, NAN},
      {"mean of no rows", {{0, 3}}, one([](T x) { return mean(x, 0); }), {3}, NAN},
      {"mean of rows", {{0, 3}}, one([](T x) { return mean(x, 1); }), {0}},
      {"var", {{0, 3}}, one([](T x) { return var(x); }), {}, NAN},
      {"var of rows", {{0, 3}}, one([](T x) { return var(x, 1); }), {0}},
      {"norm", {{0, 3}}, one([](T x) { return norm(x); }), {}, 0.0},
      {"norm of no rows", {{0, 3}}, one([](T x) { return norm(x, 0); }), {3}, 0.0},
      {"amax of rows", {{0, 3}}, one([](T x) { return amax(x, 1); }), {0}},
      {"amin of rows", {{0, 3}}, one([](T x) { return amin(x, 1); }), {0}},
      {"max of rows", {{0, 3}}, one([](T x) { return max(x, 1).values; }), {0}},
      {"min of rows", {{0, 3}}, one([](T x) { return min(x, 1, true).values; }), {0, 1}},
      {"topk of rows", {{0, 3}}, one([](T x) { return topk(x, 2).values; }), {0, 2}},
      {"topk of nothing", {{2, 3}}, one([](T x) { return topk(x, 0).values; }), {2, 0}},
      {"prod of no rows", {{0, 3}}, one([](T x) { return prod(x, 0); }), {3}, 1.0},
      {"prod of rows", {{0, 3}}, one([](T x) { return prod(x, 1); }), {0}},
      {"logsumexp of no rows", {{0, 3}}, one([](T x) { return logsumexp(x, 0); }), {3}, -INFINITY},
      {"logsumexp of rows", {{0, 3}}, one([](T x) { return logsumexp(x, 1); }), {0}},
      {"softmax of zero width", {{3, 0}}, one([](T x) { return softmax(x, -1); }), {3, 0}},
      {"log_softmax of zero width", {{3, 0}}, one([](T x) { return log_softmax(x, -1); }), {3, 0}},
      {"layer_norm of zero width", {{3, 0}}, one([](T x) { return layer_norm(x); }), {3, 0}},
      {"rms_norm of zero width", {{3, 0}}, one([](T x) { return rms_norm(x); }), {3, 0}},
      {"layer_norm with weights",
       {{0, 3}, {3}, {3}},
       [](const Tensors& x) { return layer_norm(x[0], x[1], x[2]); },
       {0, 3}},
      {"rms_norm with weights", {{0, 3}, {3}}, [](const Tensors& x) { return rms_norm(x[0], x[1]); }, {0, 3}},
      {"matmul, no rows", {{0, 3}, {3, 4}}, [](const Tensors& x) { return matmul(x[0], x[1]); }, {0, 4}},
      {"matmul, no columns", {{2, 3}, {3, 0}}, [](const Tensors& x) { return matmul(x[0], x[1]); }, {2, 0}},
      {"matmul, no depth", {{2, 0}, {0, 3}}, [](const Tensors& x) { return matmul(x[0], x[1]); }, {2, 3}, 0.0},
      {"matmul of vectors", {{0}, {0}}, [](const Tensors& x) { return matmul(x[0], x[1]); }, {}, 0.0},
      {"matmul, a batch of none", {{0, 2, 3}, {3, 4}}, [](const Tensors& x) { return matmul(x[0], x[1]); }, {0, 2, 4}},
      {"matmul, batches of none",
       {{0, 2, 3}, {0, 3, 4}},
       [](const Tensors& x) { return matmul(x[0], x[1]); },
       {0, 2, 4}},
      {"linear", {{0, 3}, {4, 3}, {4}}, [](const Tensors& x) { return linear(x[0], x[1], x[2]); }, {0, 4}},
      {"linear of no inputs", {{2, 0}, {4, 0}, {4}}, [](const Tensors& x) { return linear(x[0], x[1], x[2]); }, {2, 4}},
      {"linear to no outputs",
       {{2, 3}, {0, 3}, {0}},
       [](const Tensors& x) { return linear(x[0], x[1], x[2]); },
       {2, 0}},
      {"linear of sequences", {{0, 5, 3}, {4, 3}}, [](const Tensors& x) { return linear(x[0], x[1]); }, {0, 5, 4}},
      {"einsum", {{0, 3}, {3, 4}}, [](const Tensors& x) { return einsum("ij,jk->ik", {x[0], x[1]}); }, {0, 4}},
      {"einsum over nothing",
       {{2, 0}, {0, 4}},
       [](const Tensors& x) { return einsum("ij,jk->ik", {x[0], x[1]}); },
       {2, 4},
       0.0},
      {"einsum to a number", {{0, 3}}, [](const Tensors& x) { return einsum("ij->", {x[0]}); }, {}, 0.0},
      {"gather", {{0, 3}}, one([=](T x) { return gather(x, 1, ids({0, 2})); }), {0, 2}},
      {"gather nothing", {{2, 3}}, one([=](T x) { return gather(x, 1, ids({2, 0})); }), {2, 0}},
      {"scatter_add",
       {{2, 3}, {2, 0}},
       [=](const Tensors& x) { return scatter_add(x[0], 1, ids({2, 0}), x[1]); },
       {2, 3}},
      {"index_select", {{2, 3}}, one([=](T x) { return index_select(x, 0, none); }), {0, 3}},
      {"embedding", {{5, 3}}, one([=](T x) { return embedding(x, ids({0, 4})); }), {0, 4, 3}},
      {"embedding of no width", {{5, 0}}, one([](T x) { return embedding(x, tensor_i64({1, 2})); }), {2, 0}},
      {"cat", {{0, 3}, {2, 3}}, [](const Tensors& x) { return cat({x[0], x[1]}, 0); }, {2, 3}},
      {"cat of nothing", {{0, 3}, {0, 3}}, [](const Tensors& x) { return cat({x[0], x[1]}, 0); }, {0, 3}},
      {"stack", {{0, 3}, {0, 3}}, [](const Tensors& x) { return stack({x[0], x[1]}, 1); }, {0, 2, 3}},
      {"unbind", {{0, 3}}, one([](T x) { return unbind(x, 1)[2]; }), {0}},
      {"tril", {{0, 3}}, one([](T x) { return tril(x); }), {0, 3}},
      {"triu", {{3, 0}}, one([](T x) { return triu(x); }), {3, 0}},
      {"reshape", {{0, 6}}, one([](T x) { return x.reshape({2, 0, 3}); }), {2, 0, 3}},
      {"flatten", {{0, 2, 3}}, one([](T x) { return x.flatten(1); }), {0, 6}},
      {"flatten all", {{0, 2, 3}}, one([](T x) { return x.flatten(); }), {0}},
      {"transpose", {{0, 3}}, one([](T x) { return x.transpose(0, 1); }), {3, 0}},
      {"permute", {{0, 2, 3}}, one([](T x) { return x.permute({2, 0, 1}); }), {3, 0, 2}},
      {"expand", {{0, 1}}, one([](T x) { return x.expand({0, 4}); }), {0, 4}},
      {"expand to nothing", {{1, 3}}, one([](T x) { return x.expand({0, 3}); }), {0, 3}},
      {"sum_to", {{0, 3}}, one([](T x) { return x.sum_to({1, 3}); }), {1, 3}, 0.0},
      {"squeeze", {{0, 1}}, one([](T x) { return x.squeeze(1); }), {0}},
      {"unsqueeze", {{0}}, one([](T x) { return x.unsqueeze(0); }), {1, 0}},
      {"select", {{0, 3}}, one([](T x) { return x.select(1, 2); }), {0}},
      {"slice", {{0, 3}}, one([](T x) { return x.slice(1, 1, 3); }), {0, 2}},
      {"slice of nothing", {{4, 3}}, one([](T x) { return x.slice(0, 2, 2); }), {0, 3}},
      {"diagonal", {{0, 3}}, one([](T x) { return x.diagonal(); }), {0}},
      {"split", {{0, 4}}, one([](T x) { return x.split(2, 1)[1]; }), {0, 2}},
      {"chunk", {{0, 4}}, one([](T x) { return x.chunk(2, 1)[1]; }), {0, 2}},
      {"chunk of nothing", {{0, 4}}, one([](T x) { return x.chunk(2, 0)[0]; }), {0, 4}},
      {"to f64", {{0, 3}}, one([](T x) { return x.to(Dtype::f64); }), {0, 3}},
  };
  for (const auto& [name, f] : std::initializer_list<std::pair<const char*, Tensor (*)(T)>>{
           {"neg", operator-}, {"square", square}, {"sqrt", sqrt}, {"rsqrt", rsqrt}, {"reciprocal", reciprocal}, {"exp", exp},
           {"expm1", expm1}, {"log", log}, {"log1p", log1p}, {"sin", sin}, {"cos", cos}, {"erf", erf}, {"abs", abs},
           {"sign", sign}, {"floor", floor}, {"ceil", ceil}, {"round", round}, {"relu", relu}, {"sigmoid", sigmoid},
           {"tanh", tanh}, {"gelu", gelu}, {"gelu_tanh", gelu_tanh}, {"silu", silu}, {"softplus", softplus}})
    all.push_back(unary(name, f));
  // Attention: no sequence, no query, no key, each with every mask.
  struct Sizes {
    const char* name;
    int64_t B, h, g, n, m, d, p;
  };
  for (const Sizes& s : {Sizes{"no head", 2, 0, 0, 3, 3, 4, 5},
                         {"no sequence", 0, 2, 2, 3, 3, 4, 5},
                         {"no query", 2, 2, 2, 0, 3, 4, 5},
                         {"no key", 2, 2, 2, 3, 0, 4, 5},
                         {"neither", 2, 2, 2, 0, 0, 4, 5},
                         {"grouped, no sequence", 0, 4, 2, 3, 3, 4, 5},
                         {"grouped, no key", 2, 4, 2, 3, 0, 4, 5},
                         {"no value", 2, 2, 2, 3, 3, 4, 0},
                         {"no width", 2, 2, 2, 3, 3, 0, 5},
                         {"neither width nor value", 2, 2, 2, 3, 3, 0, 0}})
    for (const bool causal : {false, true})
      for (const bool masked : {false, true}) {
        const Tensor mask = masked ? ones({s.B, 1, s.n, s.m}).to(Dtype::boolean) : Tensor();
        all.push_back({std::string("fused attention: ") + s.name,
                       {{s.B, s.h, s.n, s.d}, {s.B, s.g, s.m, s.d}, {s.B, s.g, s.m, s.p}},
                       [=](const Tensors& x) {
                         return fused_attention(x[0], x[1], x[2], {.scale = 0.5, .causal = causal}, mask);
                       },
                       {s.B, s.h, s.n, s.p},
                       s.m == 0 ? std::optional(0.0) : std::nullopt});
      }
  for (const int64_t B : {0, 2})
    all.push_back({"fused self-attention",
                   {{B, B ? 0 : 3, 12}},
                   one([](T x) { return fused_self_attention(x, 2, {.scale = 1.0}); }),
                   {B, B ? 0 : 3, 4}});
  return all;
}

void check_case(const Case& c, Dtype dtype) {
  Tensors inputs;
  for (const Shape& shape : c.inputs) inputs.push_back(parameter(rand(shape, dtype) + 0.5));
  const Tensor y = c.f(inputs);
  REQUIRE(y.shape() == c.shape);
  if (c.all)
    for (const double v : y.to_vector()) CHECK((v == *c.all || (std::isnan(v) && std::isnan(*c.all))));
  const Tensors recorded = grad(y, inputs, {.seed = ones_like(y), .create_graph = true});
  y.backward(ones_like(y), {.retain_graph = true});
  for (size_t i = 0; i < inputs.size(); ++i) {
    REQUIRE(recorded[i].defined());
    CHECK(recorded[i].shape() == inputs[i].shape());
    REQUIRE(inputs[i].grad().defined());
    CHECK(inputs[i].grad().shape() == inputs[i].shape());
    const std::vector<double> a = recorded[i].to_vector(), b = inputs[i].grad().to_vector();
    for (size_t j = 0; j < a.size(); ++j) CHECK((a[j] == Approx(b[j]) || (std::isnan(a[j]) && std::isnan(b[j]))));
    const Tensors again = grad(
        recorded[i], inputs, {.seed = ones_like(recorded[i]), .retain_graph = true});  // second order goes through, too
    for (size_t j = 0; j < inputs.size(); ++j)
      if (again[j].defined()) CHECK(again[j].shape() == inputs[j].shape());
  }
}

}  // namespace

TEST_CASE("every op takes tensors without elements: value, backward, recorded gradient") {
  manual_seed(0);
  for (const Case& c : cases())
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      INFO(c.name << " in " << dtype);
      std::string error;
      try {
        check_case(c, dtype);
      } catch (const Error& e) { error = e.what(); }
      CHECK(error == "");
    }
}

TEST_CASE("the largest of nothing is refused by name") {
  const Tensor x = zeros({0, 3});
  for (const auto& [name, message] : {std::pair{"amax", test::message_of<ShapeError>([&] { amax(x, 0); })},
                                      {"amin", test::message_of<ShapeError>([&] { amin(x); })},
                                      {"max", test::message_of<ShapeError>([&] { max(x, 0); })},
                                      {"min", test::message_of<ShapeError>([&] { min(x, 0); })},
                                      {"argmax", test::message_of<ShapeError>([&] { argmax(x, 0); })}}) {
    INFO(message);
    CHECK(test::contains(message, name));
    CHECK(test::contains(message, "(0, 3)"));
  }
}

TEST_CASE("a scalar has no axis: each op says so in its own name") {
  const Tensor x = scalar(2.0);
  CHECK(test::message_of<IndexError>([&] { max(x, 0); }) ==
        "max: (): a scalar has no axis 0: reshape({1}) gives it an axis 0");
  CHECK(test::message_of<IndexError>([&] { min(x, -1); }) ==
        "min: (): a scalar has no axis -1: reshape({1}) gives it an axis 0");
  CHECK(test::message_of<IndexError>([&] { cumsum(x, 0); }) ==
        "cumsum: (): a scalar has no axis 0: reshape({1}) gives it an axis 0");
  CHECK(test::message_of<IndexError>([&] { logsumexp(x, 0); }).starts_with("logsumexp: (): a scalar"));
  CHECK(test::message_of<ShapeError>([&] { softmax(x, -1); }).starts_with("softmax: shape (): has no axis"));
}
