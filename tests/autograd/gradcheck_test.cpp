// Every differentiable op, with its options, in every layout: first and second derivatives in f64.
// One row per op; a check is a row in one layout.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>

#include "support/catch.h"
#include "support/gradcheck_rows.h"
#include "support/layouts.h"

using namespace heed;
using test::Layout;

namespace {

using test::In, test::Row, test::Case, test::cases_of;

const Shape none{0, 3}, one_number{};
const std::vector<Shape> elementwise{none, one_number};

Row unary(const std::string& name, Tensor (*f)(const Tensor&), double low = -2, double high = 2) {
  return {name, [f](In in) { return f(in[0]); }, {{2, 3}}, low, high, elementwise};
}

Row binary(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&), std::vector<Shape> shapes,
           double low = -2, double high = 2, bool ties = true) {
  return {name, [f](In in) { return f(in[0], in[1]); }, std::move(shapes), low, high, {}, ties};
}

void add_elementwise(std::vector<Row>& rows) {
  using Two = Tensor (*)(const Tensor&, const Tensor&);
  struct Named {
    const char* name;
    Two f;
    double low, high;
    bool ties;
  };
  const Named two[] = {
      {"add", operator+, -2, 2, true},
      {"sub", operator-, -2, 2, true},
      {"mul", operator*, -2, 2, true},
      {"div", operator/, 0.5, 2, true},
      {"maximum", maximum, -2, 2, false},
      {"minimum", minimum, -2, 2, false},
      {"logaddexp", logaddexp, -2, 2, true},
      {"pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); }, 0.3, 2, true},
  };
  for (const Named& op : two) {
    const std::string name = op.name;
    rows.push_back(binary(name + " (2,3) (2,3)", op.f, {{2, 3}, {2, 3}}, op.low, op.high));
    rows.back().more = elementwise;
    rows.push_back(binary(name + " (2,3) (3)", op.f, {{2, 3}, {3}}, op.low, op.high));
    rows.push_back(binary(name + " (2,1) (3)", op.f, {{2, 1}, {3}}, op.low, op.high));
    rows.push_back(binary(name + " (2,1,3) (2,1)", op.f, {{2, 1, 3}, {2, 1}}, op.low, op.high, op.ties));
    rows.push_back(binary(name + " () (2,3)", op.f, {{}, {2, 3}}, op.low, op.high));
  }
  auto with_number = [&](const std::string& name, std::function<Tensor(const Tensor&)> f, double low = -2,
                         double high = 2) {
    rows.push_back({name, [f](In in) { return f(in[0]); }, {{2, 3}}, low, high, elementwise});
  };
  with_number("add number", [](const Tensor& x) { return x + 1.5; });
  with_number("number add", [](const Tensor& x) { return 1.5 + x; });
  with_number("sub number", [](const Tensor& x) { return x - 1.5; });
  with_number("number sub", [](const Tensor& x) { return 1.5 - x; });
  with_number("mul number", [](const Tensor& x) { return x * 1.5; });
  with_number("number mul", [](const Tensor& x) { return 1.5 * x; });
  with_number("div number", [](const Tensor& x) { return x / 1.5; });
  with_number("number div", [](const Tensor& x) { return 1.5 / x; }, 0.5, 2);
  with_number("neg", [](const Tensor& x) { return -x; });
  with_number("maximum number", [](const Tensor& x) { return maximum(x, 0.1); });
  with_number("minimum number", [](const Tensor& x) { return minimum(x, 0.1); });
  with_number("clamp", [](const Tensor& x) { return clamp(x, -1.0, 0.9); });
  for (double p : {0.0, 1.0, 2.0, 3.0, -2.0})
    with_number("pow " + std::to_string(p), [p](const Tensor& x) { return pow(x, p); });
  for (double p : {0.5, 2.5, -1.5})
    with_number("pow " + std::to_string(p), [p](const Tensor& x) { return pow(x, p); }, 0.3, 2);
  with_number("leaky_relu", [](const Tensor& x) { return leaky_relu(x); });
  with_number("leaky_relu 0.3", [](const Tensor& x) { return leaky_relu(x, 0.3); });
  with_number("elu", [](const Tensor& x) { return elu(x); });
  with_number("elu 0.5", [](const Tensor& x) { return elu(x, 0.5); });

  rows.insert(rows.end(), {unary("abs", abs),
                           unary("square", square),
                           unary("sqrt", sqrt, 0.3, 2),
                           unary("rsqrt", rsqrt, 0.3, 2),
                           unary("reciprocal", reciprocal, 0.3, 2),
                           unary("exp", exp),
                           unary("expm1", expm1),
                           unary("log", log, 0.3, 2),
                           unary("log1p", log1p, -0.5, 2),
                           unary("sin", sin),
                           unary("cos", cos),
                           unary("erf", erf),
                           unary("sign", sign),
                           unary("floor", floor),
                           unary("ceil", ceil),
                           unary("round", round),
                           unary("relu", relu),
                           unary("sigmoid", sigmoid),
                           unary("tanh", tanh),
                           unary("gelu", gelu, -4, 4),
                           unary("gelu_tanh", gelu_tanh, -4, 4),
                           unary("silu", silu, -4, 4),
                           unary("softplus", softplus, -4, 4)});

  const Tensor mask = tensor({1, 0, 1, 0, 0, 1}, {2, 3}) > 0.0, row_mask = tensor({1, 0, 1}) > 0.0;
  rows.push_back({"where", [mask](In in) { return where(mask, in[0], square(in[1])); }, {{2, 3}, {2, 3}}});
  rows.push_back({"where row mask", [row_mask](In in) { return where(row_mask, in[0], in[1]); }, {{2, 3}, {2, 1}}});
  rows.push_back({"where mask is larger", [mask](In in) { return where(mask, in[0], in[1]); }, {{3}, {}}});
  rows.push_back({"where number second", [mask](In in) { return where(mask, square(in[0]), 3.0); }, {{2, 3}}});
  rows.push_back({"where number first", [mask](In in) { return where(mask, 3.0, square(in[0])); }, {{2, 3}}});
  rows.push_back(
      {"where sliced mask",
       [mask](In in) { return where(test::laid_out(mask.to(Dtype::f64), Layout::sliced) > 0.0, in[0], -in[0]); },
       {{2, 3}}});
  const double v = test::spread({}, -2, 2, 1).item();
  rows.push_back({"logaddexp of equals", [v](In in) { return logaddexp(in[0] * in[1], in[0] * v); }, {{2, 3}, {}}});
  const Tensor same = test::spread({2, 3}, -2, 2), powers = tensor({2, 3, 4}, Dtype::f64);
  rows.push_back({"pow of 0", [=](In in) { return pow(in[0] - same, powers); }, {{2, 3}}, -2, 2, {}, false});
  rows.push_back({"pow number of 0", [=](In in) { return pow(in[0] - same, 2.0); }, {{2, 3}}, -2, 2, {}, false});
  rows.push_back({"masked_fill", [mask](In in) { return masked_fill(square(in[0]), mask, -1.0); }, {{2, 3}}});
  rows.push_back({"masked_fill -inf, softmax",
                  [row_mask](In in) { return softmax(masked_fill(in[0], row_mask, -INFINITY), -1); },
                  {{2, 3}}});
}

void add_reductions(std::vector<Row>& rows) {
  using Reduce = std::function<Tensor(const Tensor&, const Axes&, bool)>;
  struct Named {
    const char* name;
    Reduce f;
    bool ties;
    bool of_nothing;
  };
  const Named reductions[] = {
      {"sum", [](const Tensor& x, const Axes& a, bool k) { return sum(x, a, k); }, true, true},
      {"mean", [](const Tensor& x, const Axes& a, bool k) { return mean(x, a, k); }, true, false},
      {"var", [](const Tensor& x, const Axes& a, bool k) { return var(x, a, 1.0, k); }, true, false},
      {"var biased", [](const Tensor& x, const Axes& a, bool k) { return var(x, a, 0.0, k); }, true, false},
      {"norm", [](const Tensor& x, const Axes& a, bool k) { return norm(x, a, k); }, true, false},
      {"amax", [](const Tensor& x, const Axes& a, bool k) { return amax(x, a, k); }, false, false},
      {"amin", [](const Tensor& x, const Axes& a, bool k) { return amin(x, a, k); }, false, false},
  };
  const std::pair<const char*, Axes> axes[] = {
      {"all", {}},         {"0", 0}, {"1", 1}, {"-1", -1}, {"0,2", {0, 2}}, {"0,1", {0, 1}}, {"-1,-2", {-1, -2}},
      {"0,1,2", {0, 1, 2}}};
  for (const Named& op : reductions)
    for (const auto& [text, axis] : axes)
      for (bool keep : {false, true}) {
        if (keep && (axis.rank() == 1 || axis.rank() == 3)) continue;
        rows.push_back({std::string(op.name) + " over " + text + (keep ? " keepdim" : ""),
                        [f = op.f, axis = axis, keep](In in) { return f(in[0], axis, keep); },
                        {{2, 3, 2}}});
        rows.back().ties = op.ties || (axis.rank() == 1 && axis[0] != 0) || (axis.rank() == 2 && axis[0] == -1);
        if (op.of_nothing) rows.back().more = {{2, 0, 3}};
      }
  rows.push_back({"sum of one number", [](In in) { return sum(square(in[0])); }, {{}}});
  rows.push_back({"mean of one number", [](In in) { return mean(square(in[0])); }, {{}}});
  rows.push_back({"norm of one number", [](In in) { return norm(in[0]); }, {{}}});
  rows.push_back({"mean over 1 of (0,3)", [](In in) { return mean(in[0], 1); }, {{0, 3}}});

  for (int64_t axis : {0, 1, -1})
    for (bool keep : {false, true}) {
      const std::string where = " " + std::to_string(axis) + (keep ? " keepdim" : "");
      const bool ties = axis != 0;
      rows.push_back(
          {"max" + where, [=](In in) { return max(in[0], axis, keep).values; }, {{2, 3, 2}}, -2, 2, {}, ties});
      rows.push_back(
          {"min" + where, [=](In in) { return min(in[0], axis, keep).values; }, {{2, 3, 2}}, -2, 2, {}, ties});
      rows.push_back(
          {"prod" + where, [=](In in) { return prod(in[0], axis, keep); }, {{2, 3, 2}}, -2, 2, {{2, 0, 3}, {0, 2, 2}}});
      rows.push_back({"logsumexp" + where, [=](In in) { return logsumexp(in[0], axis, keep); }, {{2, 3, 2}}});
    }
  for (int64_t axis : {0, 1, -1})
    rows.push_back({"cumsum " + std::to_string(axis),
                    [=](In in) { return cumsum(square(in[0]), axis); },
                    {{2, 3, 2}},
                    -2,
                    2,
                    {{2, 0, 3}}});
  rows.push_back(
      {"topk 1, whose axis stays", [](In in) { return topk(in[0], 1).values * in[0]; }, {{2, 3}}, -2, 2, {}, false});
  rows.push_back({"topk 2 of 3", [](In in) { return topk(in[0], 2).values; }, {{2, 3}}});
  rows.push_back({"topk smallest", [](In in) { return topk(in[0], 2, 1, false).values; }, {{2, 3, 2}}});
  rows.push_back({"topk axis 0", [](In in) { return topk(in[0], 2, 0).values; }, {{3, 2}}, -2, 2, {}, false});
  rows.push_back({"topk of nothing", [](In in) { return topk(in[0], 0, 1).values; }, {{2, 3}}});

  const Tensor one_zero = tensor({1, 0, 1, 1, 1, 1}, {2, 3}, Dtype::f64),
               two_zeros = tensor({0, 0, 1, 1, 1, 0}, {2, 3}, Dtype::f64);
  rows.push_back({"prod with a zero", [=](In in) { return prod(in[0] * one_zero, 1); }, {{2, 3}}});
  rows.push_back({"prod with two zeros", [=](In in) { return prod(in[0] * two_zeros, -1); }, {{2, 3}}});
  rows.push_back({"prod of zeros and sum", [=](In in) { return prod(in[0] * two_zeros + in[1], 1); }, {{2, 3}, {}}});
}

void add_rows(std::vector<Row>& rows) {
  for (int64_t axis : {0, 1, -1}) {
    const std::string where = " " + std::to_string(axis);
    rows.push_back(
        {"softmax" + where, [=](In in) { return softmax(in[0], axis); }, {{2, 3, 2}}, -2, 2, {{2, 0, 3}, {0, 3}}});
    rows.push_back({"log_softmax" + where,
                    [=](In in) { return log_softmax(in[0], axis); },
                    {{2, 3, 2}},
                    -2,
                    2,
                    {{2, 0, 3}, {0, 3}}});
  }
  rows.push_back({"softmax of (3)", [](In in) { return softmax(in[0], 0); }, {{3}}});
  rows.push_back({"softmax of (2,1)", [](In in) { return softmax(in[0], -1); }, {{2, 1}}});
  rows.push_back({"layer_norm", [](In in) { return layer_norm(in[0]); }, {{2, 2, 3}}, -2, 2, {{0, 3}}});
  rows.push_back({"layer_norm weight", [](In in) { return layer_norm(in[0], in[1]); }, {{2, 2, 4}, {4}}});
  rows.push_back(
      {"layer_norm weight bias", [](In in) { return layer_norm(in[0], in[1], in[2]); }, {{2, 2, 4}, {4}, {4}}});
  rows.push_back({"layer_norm bias", [](In in) { return layer_norm(in[0], {}, in[1]); }, {{3, 4}, {4}}});
  rows.push_back({"layer_norm eps", [](In in) { return layer_norm(in[0], in[1], in[2], 0.1); }, {{3, 4}, {4}, {4}}});
  rows.push_back({"layer_norm of (4)", [](In in) { return layer_norm(in[0], in[1], in[2]); }, {{4}, {4}, {4}}});
  rows.push_back({"layer_norm 70 rows", [](In in) { return layer_norm(in[0], in[1], in[2]); }, {{70, 3}, {3}, {3}}});
  rows.push_back({"layer_norm of no rows", [](In in) { return layer_norm(in[0], in[1], in[2]); }, {{0, 3}, {3}, {3}}});
  rows.push_back({"rms_norm", [](In in) { return rms_norm(in[0]); }, {{2, 2, 3}}, -2, 2, {{0, 3}}});
  rows.push_back({"rms_norm weight", [](In in) { return rms_norm(in[0], in[1]); }, {{2, 2, 4}, {4}}});
  rows.push_back({"rms_norm eps", [](In in) { return rms_norm(in[0], in[1], 0.1); }, {{3, 4}, {4}}});
  rows.push_back({"rms_norm of no rows", [](In in) { return rms_norm(in[0], in[1]); }, {{0, 3}, {3}}});
}

void add_products(std::vector<Row>& rows) {
  const std::pair<Shape, Shape> pairs[] = {{{3}, {3}},
                                           {{2, 3}, {3}},
                                           {{3}, {3, 2}},
                                           {{2, 3}, {3, 2}},
                                           {{1, 3}, {3, 1}},
                                           {{2, 2, 3}, {3, 2}},
                                           {{2, 3}, {2, 3, 2}},
                                           {{2, 2, 3}, {2, 3, 2}},
                                           {{2, 1, 2, 3}, {2, 3, 2}},
                                           {{1, 2, 3}, {2, 3, 1}},
                                           {{2, 2, 3}, {3}},
                                           {{3}, {2, 3, 2}},
                                           {{0, 3}, {3, 2}},
                                           {{2, 0}, {0, 3}},
                                           {{2, 3}, {3, 0}},
                                           {{0, 2, 3}, {3, 2}},
                                           {{2, 2, 0}, {0, 2}}};
  for (const auto& [a, b] : pairs)
    rows.push_back({cat("matmul ", a, " ", b), [](In in) { return matmul(in[0], in[1]); }, {a, b}});
  rows.push_back({"matmul aT b", [](In in) { return matmul(in[0].transpose(0, 1), in[1]); }, {{3, 2}, {3, 2}}});
  rows.push_back({"matmul a bT", [](In in) { return matmul(in[0], in[1].transpose(-1, -2)); }, {{2, 2, 3}, {2, 2, 3}}});
  rows.push_back({"matmul x x", [](In in) { return matmul(in[0], in[0]); }, {{2, 2}}});
  rows.push_back({"matmul heads",
                  [](In in) {  // (batch, sequence, heads, width) as attention has it
                    return matmul(in[0].transpose(1, 2), in[1].transpose(1, 2).transpose(-1, -2));
                  },
                  {{1, 2, 2, 3}, {1, 3, 2, 3}}});
  for (const Shape& x : {Shape{3}, Shape{2, 3}, Shape{2, 2, 3}, Shape{0, 3}}) {
    rows.push_back({cat("linear ", x), [](In in) { return linear(in[0], in[1]); }, {x, {2, 3}}});
    rows.push_back({cat("linear bias ", x), [](In in) { return linear(in[0], in[1], in[2]); }, {x, {2, 3}, {2}}});
  }
  rows.push_back({"linear of no features", [](In in) { return linear(in[0], in[1], in[2]); }, {{2, 0}, {3, 0}, {3}}});
  rows.push_back({"linear to no features", [](In in) { return linear(in[0], in[1], in[2]); }, {{2, 3}, {0, 3}, {0}}});
}

void add_indexing(std::vector<Row>& rows) {
  const Tensor at = tensor_i64({0, 1, 1, 1, 0, 1}, {2, 3}), columns = tensor_i64({2, 2, 0, 1}, {2, 2});
  const Tensor picks = tensor_i64({1, 0, 1}), ids = tensor_i64({2, 0, 2, 1}, {2, 2}), nothing = tensor_i64({}, {0});
  const Tensor turned = tensor_i64({0, 1, 1, 1, 0, 1}, {3, 2}).transpose(0, 1);
  rows.push_back({"gather 0", [=](In in) { return gather(in[0], 0, at); }, {{2, 3}}});
  rows.push_back({"gather -1", [=](In in) { return gather(in[0], -1, columns); }, {{2, 3}}});
  rows.push_back({"gather turned index", [=](In in) { return gather(in[0], 0, turned); }, {{2, 3}}});
  rows.push_back({"gather nothing", [=](In in) { return gather(in[0], 0, tensor_i64({}, {0, 3})); }, {{2, 3}}});
  rows.push_back({"scatter_add 0", [=](In in) { return square(scatter_add(in[0], 0, at, in[1])); }, {{2, 3}, {2, 3}}});
  rows.push_back(
      {"scatter_add -1", [=](In in) { return square(scatter_add(in[0], -1, columns, in[1])); }, {{2, 3}, {2, 2}}});
  rows.push_back({"scatter_add nothing",
                  [=](In in) { return scatter_add(in[0], 0, tensor_i64({}, {0, 3}), in[1]); },
                  {{2, 3}, {0, 3}}});
  rows.push_back({"index_select 0", [=](In in) { return index_select(in[0], 0, picks); }, {{2, 3}}});
  rows.push_back({"index_select 1", [=](In in) { return square(index_select(in[0], 1, picks)); }, {{2, 3, 2}}});
  rows.push_back({"index_select nothing", [=](In in) { return index_select(in[0], 1, nothing); }, {{2, 3}}});
  rows.push_back({"embedding", [=](In in) { return square(embedding(in[0], ids)); }, {{3, 2}}});
  rows.push_back({"embedding nothing", [=](In in) { return embedding(in[0], nothing); }, {{3, 2}}});
  // The padding row is read but gets no gradient: cut it off from the function to see the rest.
  const Tensor keep = tensor({1, 1, 0}, {3, 1}, Dtype::f64);
  rows.push_back({"embedding padding", [=](In in) { return square(embedding(in[0] * keep, ids, 2)); }, {{3, 2}}});
}

void add_views(std::vector<Row>& rows) {
  auto view = [&](const std::string& name, std::function<Tensor(const Tensor&)> f, Shape shape = {2, 3, 2},
                  std::vector<Shape> more = {}) {
    rows.push_back({name, [f](In in) { return square(f(in[0])); }, {shape}, -2, 2, std::move(more)});
  };
  view("transpose 0 -1", [](const Tensor& x) { return x.transpose(0, -1); }, {2, 3, 2}, {{0, 3}});
  view("permute", [](const Tensor& x) { return x.permute({2, 0, 1}); }, {2, 3, 2}, {{2, 0, 3}});
  view("permute negative", [](const Tensor& x) { return x.permute({-1, 0, -2}); });
  view("reshape", [](const Tensor& x) { return x.reshape({3, 4}); });
  view("reshape -1", [](const Tensor& x) { return x.reshape({-1, 2}); }, {2, 3, 2}, {{0, 2}});
  view("reshape of a transpose", [](const Tensor& x) { return x.transpose(0, 1).reshape({4, 3}); });
  view("flatten", [](const Tensor& x) { return x.flatten(); }, {2, 3, 2}, {{0, 3}, {}});
  view("flatten 1", [](const Tensor& x) { return x.flatten(1); });
  view("flatten 0 1", [](const Tensor& x) { return x.flatten(0, -2); });
  view("expand", [](const Tensor& x) { return x.expand({3, 2, 2}); }, {2, 1});
  view("expand -1", [](const Tensor& x) { return x.expand({4, -1}); }, {1, 3});
  view("expand to none", [](const Tensor& x) { return x.expand({0, 3}); }, {1, 3});
  view("squeeze", [](const Tensor& x) { return x.squeeze(1); }, {2, 1, 3});
  view("squeeze of no 1", [](const Tensor& x) { return x.squeeze(0); }, {2, 1, 3});
  view("unsqueeze 0", [](const Tensor& x) { return x.unsqueeze(0); }, {2, 3}, {{}, {0, 3}});
  view("unsqueeze -1", [](const Tensor& x) { return x.unsqueeze(-1); }, {2, 3}, {{}});
  view("select", [](const Tensor& x) { return x.select(1, 2); });
  view("select negative", [](const Tensor& x) { return x.select(-1, -1); });
  view("brackets", [](const Tensor& x) { return x[1]; });
  view("slice", [](const Tensor& x) { return x.slice(1, 1, 3); });
  view("slice with step", [](const Tensor& x) { return x.slice(1, 0, 3, 2); });
  view("slice negative", [](const Tensor& x) { return x.slice(1, -2, -1); });
  view("slice to nothing", [](const Tensor& x) { return x.slice(1, 2, 2); });
  view("diagonal", [](const Tensor& x) { return x.diagonal(); });
  view("diagonal wide", [](const Tensor& x) { return x.diagonal(); }, {2, 4});
  view("split", [](const Tensor& x) {
    const auto s = x.split(2, 1);
    return s[0].select(1, 0) * s[1].select(1, 0);
  });
  view("chunk", [](const Tensor& x) {
    const auto s = x.chunk(2, -1);
    return s[0] * s[1];
  });
  view("contiguous", [](const Tensor& x) { return x.transpose(0, 1).contiguous(); });
  view("clone", [](const Tensor& x) { return x.clone(); }, {2, 3}, {{}, {0, 3}});
  view("to the same dtype", [](const Tensor& x) { return x.to(Dtype::f64); });
  view("tril", [](const Tensor& x) { return tril(x); }, {3, 3});
  view("tril -1 of a batch", [](const Tensor& x) { return tril(x, -1); });
  view("triu", [](const Tensor& x) { return triu(x); }, {3, 3}, {{0, 3}});
  view("triu 1 of a batch", [](const Tensor& x) { return triu(x, 1); });
  view("sum_to", [](const Tensor& x) { return x.sum_to({3, 1}); }, {2, 3, 2});
  view("sum_to a number", [](const Tensor& x) { return x.sum_to({}); }, {2, 3}, {{0, 3}, {}});
  view("sum_to the same", [](const Tensor& x) { return x.sum_to({2, 3}); }, {2, 3});

  rows.push_back({"cat 0", [](In in) { return cat({in[0], in[1]}); }, {{2, 3}, {1, 3}}});
  rows.push_back({"cat -1", [](In in) { return square(cat({in[0], in[1]}, -1)); }, {{2, 3}, {2, 1}}});
  rows.push_back({"cat twice the same", [](In in) { return square(cat({in[0], in[0] * 2.0}, 1)); }, {{2, 3}}});
  rows.push_back({"cat with nothing", [](In in) { return square(cat({in[0], in[1]}, 0)); }, {{2, 3}, {0, 3}}});
  rows.push_back({"stack 0", [](In in) { return square(stack({in[0], in[1]})); }, {{2, 3}, {2, 3}}});
  rows.push_back({"stack 1", [](In in) { return square(stack({in[0], in[1]}, 1)); }, {{2, 3}, {2, 3}}});
  rows.push_back({"stack -1", [](In in) { return square(stack({in[0], in[1]}, -1)); }, {{2, 3}, {2, 3}}});
  rows.push_back({"stack numbers", [](In in) { return square(stack({in[0], in[1]})); }, {{}, {}}});
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  add_elementwise(rows);
  add_reductions(rows);
  add_rows(rows);
  add_products(rows);
  add_indexing(rows);
  add_views(rows);
  return rows;
}

void check_rows(void (*add)(std::vector<Row>&)) {
  std::vector<Row> rows;
  add(rows);
  test::check_rows(rows);
}

}  // namespace

TEST_CASE("derivatives of elementwise ops") { check_rows(add_elementwise); }
TEST_CASE("derivatives of reductions") { check_rows(add_reductions); }
TEST_CASE("derivatives along rows") { check_rows(add_rows); }
TEST_CASE("derivatives of matrix products") { check_rows(add_products); }
TEST_CASE("derivatives of indexing") { check_rows(add_indexing); }
TEST_CASE("derivatives of views and joins") { check_rows(add_views); }

TEST_CASE("every derivative is checked under a name of its own") {
  std::set<std::string> names;
  size_t count = 0;
  for (const Row& row : all_rows())
    for (const Case& c : cases_of(row)) {
      CHECK(names.insert(c.name).second);
      ++count;
    }
  CHECK(count >= 1400);
}

TEST_CASE("names of all derivative checks", "[.list]") {
  for (const Row& row : all_rows())
    for (const Case& c : cases_of(row)) WARN(c.name);
}
