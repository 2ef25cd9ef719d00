// The ops of autograd/ against PyTorch: values and gradients. ops.safetensors comes from make_ops.py,
// which says what its names mean. A comparison is a case in one layout and one dtype.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/core/files/safetensors.h>
#include <heed/core/kernels/kernels.h>

#include "support/cases.h"
#include "support/catch.h"
#include "support/layouts.h"

using namespace heed;
using test::Layout;

namespace {

using In = const std::vector<Tensor>&;
using Table = std::map<std::string, std::function<Tensor(In)>>;

void add(Table& table, const std::string& name, Tensor (*f)(const Tensor&)) {
  table[name] = [f](In in) { return f(in[0]); };
}

void add_elementwise(Table& t) {
  using Two = Tensor (*)(const Tensor&, const Tensor&);
  const std::pair<const char*, Two> two[] = {
      {"add", operator+ },
       {"sub", operator- },
        {"mul", operator* },
         {"div", operator/ }, {"maximum", maximum}, {"minimum", minimum}, {"logaddexp", logaddexp}, {"pow", pow}};
  for (const auto& [name, f] : two) {
    const auto call = [f = f](In in) { return f(in[0], in[1]); };
    for (const char* shapes : {" (2, 3) (2, 3)", " (2, 3) (3)", " (2, 1) (3)", " () (2, 3)", " (2, 1, 3) (4, 1)", ""})
      t[std::string(name) + shapes] = call;
  }
  const std::pair<const char*, Tensor (*)(const Tensor&)> one[] = {{"neg", operator- },
                                                                    {"abs", abs},
                                                                    {"square", square},
                                                                    {"exp", exp},
                                                                    {"expm1", expm1},
                                                                    {"sin", sin},
                                                                    {"cos", cos},
                                                                    {"erf", erf},
                                                                    {"sign", sign},
                                                                    {"floor", floor},
                                                                    {"ceil", ceil},
                                                                    {"round", round},
                                                                    {"relu", relu},
                                                                    {"sigmoid", sigmoid},
                                                                    {"tanh", tanh},
                                                                    {"gelu", gelu},
                                                                    {"gelu_tanh", gelu_tanh},
                                                                    {"silu", silu},
                                                                    {"softplus", softplus},
                                                                    {"sqrt", sqrt},
                                                                    {"rsqrt", rsqrt},
                                                                    {"reciprocal", reciprocal},
                                                                    {"log", log},
                                                                    {"log1p", log1p}};
  for (const auto& [name, f] : one) add(t, name, f);
  add(t, "leaky_relu", [](const Tensor& x) { return leaky_relu(x); });
  add(t, "leaky_relu 0.3", [](const Tensor& x) { return leaky_relu(x, 0.3); });
  add(t, "elu", [](const Tensor& x) { return elu(x); });
  add(t, "elu 0.5", [](const Tensor& x) { return elu(x, 0.5); });
  add(t, "clamp", [](const Tensor& x) { return clamp(x, -1.0, 0.9); });
  add(t, "clamp of infinite bounds", [](const Tensor& x) { return clamp(x, -INFINITY, INFINITY); });
  add(t, "maximum number", [](const Tensor& x) { return clamp(x, 0.1, INFINITY); });
  add(t, "minimum number", [](const Tensor& x) { return clamp(x, -INFINITY, 0.1); });
  add(t, "add number", [](const Tensor& x) { return x + 1.5; });
  add(t, "number sub", [](const Tensor& x) { return 1.5 - x; });
  add(t, "mul number", [](const Tensor& x) { return x * 1.5; });
  add(t, "div number", [](const Tensor& x) { return x / 1.5; });
  add(t, "number div", [](const Tensor& x) { return 1.5 / x; });
  for (const auto& [name, p] : {std::pair{"pow 0", 0.0},
                                {"pow 1", 1.0},
                                {"pow 2", 2.0},
                                {"pow 3", 3.0},
                                {"pow -2", -2.0},
                                {"pow 0.5", 0.5},
                                {"pow 2.5", 2.5},
                                {"pow -1.5", -1.5}})
    t[name] = [p = p](In in) { return pow(in[0], p); };
  t["where"] = [](In in) {
    return in.size() == 3 ? where(in[0], in[1], in[2]) : where(tensor({1, 0, 1}) > 0.0, in[0], in[1]);
  };
  t["where row"] = [](In in) { return where(in[0], in[1], in[2]); };
  t["masked_fill"] = [](In in) { return masked_fill(in[1], in[0], -1.5); };
  using Relation = Tensor (*)(const Tensor&, const Tensor&);
  const std::pair<const char*, Relation> relations[] = {
      {"eq", eq}, {"ne", ne}, {"lt", operator<}, {"le", operator<= }, {"gt", operator> }, {"ge", operator>= } };
  for (const auto& [name, f] : relations)
    t[name] = [f = f](In in) {  // the regular cases round their inputs first, the edge cases are square
      return in[0].shape() == in[1].shape() ? f(in[0], in[1]) : f(round(in[0]), round(in[1]));
    };
}

void add_reductions(Table& t) {
  const std::pair<const char*, Axes> axes[] = {{"all", {0, 1, 2}}, {"0", 0},        {"1", 1},       {"-1", -1},
                                               {"0,2", {0, 2}},    {"0,1", {0, 1}}, {"1,2", {1, 2}}};
  for (const auto& [text, axis] : axes)
    for (bool keep : {false, true}) {
      const std::string end = std::string(" over ") + text + (keep ? " keepdim" : "");
      const auto put = [&, a = axis](const char* name, auto f) {
        t[name + end] = [=](In in) { return f(in[0], a, keep); };
      };
      put("sum", [](const Tensor& x, const Axes& a, bool k) { return sum(x, a, k); });
      put("mean", [](const Tensor& x, const Axes& a, bool k) { return mean(x, a, k); });
      put("var", [](const Tensor& x, const Axes& a, bool k) { return var(x, a, 1.0, k); });
      put("var biased", [](const Tensor& x, const Axes& a, bool k) { return var(x, a, 0.0, k); });
      put("norm", [](const Tensor& x, const Axes& a, bool k) { return norm(x, a, k); });
      put("amax", [](const Tensor& x, const Axes& a, bool k) { return amax(x, a, k); });
      put("amin", [](const Tensor& x, const Axes& a, bool k) { return amin(x, a, k); });
    }
  for (int64_t axis : {0, 1, -1}) {
    const std::string at = " " + std::to_string(axis);
    for (bool keep : {false, true}) {
      const std::string end = at + (keep ? " keepdim" : "");
      t["max" + end] = [=](In in) { return max(in[0], axis, keep).values; };
      t["min" + end] = [=](In in) { return min(in[0], axis, keep).values; };
      t["argmax" + end] = [=](In in) { return argmax(in[0], axis, keep); };
      t["argmin" + end] = [=](In in) { return argmin(in[0], axis, keep); };
      t["prod" + end] = [=](In in) { return prod(in[0], axis, keep); };
      t["logsumexp" + end] = [=](In in) { return logsumexp(in[0], axis, keep); };
    }
    t["cumsum" + at] = [=](In in) { return cumsum(in[0], axis); };
    t["softmax" + at] = [=](In in) { return softmax(in[0], axis); };
    t["log_softmax" + at] = [=](In in) { return log_softmax(in[0], axis); };
    t["topk" + at] = [=](In in) { return topk(in[0], 2, axis).values; };
    t["topk smallest" + at] = [=](In in) { return topk(in[0], 2, axis, false).values; };
  }
  t["topk indices"] = [](In in) { return topk(in[0], 3, 1).indices; };
  t["prod with zeros"] = [](In in) { return prod(in[0] * tensor({1, 0, 1, 0, 0, 1}, {2, 3}, in[0].dtype()), 1); };
  for (const char* end : {" long", ""}) {
    t[std::string("softmax") + end] = [](In in) { return softmax(in[0], -1); };
    t[std::string("log_softmax") + end] = [](In in) { return log_softmax(in[0], -1); };
  }
  for (const char* name : {"logsumexp", "logsumexp long", "logsumexp of inf", "logsumexp of nothing"})
    t[name] = [](In in) { return logsumexp(in[0], -1); };
  for (const char* name : {"amax", "amax shares"}) t[name] = [](In in) { return amax(in[0], -1); };
  for (const char* name : {"amin", "amin shares"}) t[name] = [](In in) { return amin(in[0], -1); };
  for (const char* name : {"max", "max of equals"}) t[name] = [](In in) { return max(in[0], -1).values; };
  for (const char* name : {"argmax", "argmax of equals", "i64 argmax"})
    t[name] = [](In in) { return argmax(in[0], -1); };
  t["argmin"] = [](In in) { return argmin(in[0], -1); };
  t["maximum of equals"] = [](In in) { return maximum(in[0], in[1]); };
  t["minimum of equals"] = [](In in) { return minimum(in[0], in[1]); };
  t["topk"] = [](In in) { return topk(in[0], 2).values; };
  t["topk smallest"] = [](In in) { return topk(in[0], 2, -1, false).values; };
  for (const char* name : {"sum", "sum of nothing"}) t[name] = [](In in) { return sum(in[0], -1); };
  for (const char* name : {"prod", "prod of nothing"}) t[name] = [](In in) { return prod(in[0], -1); };
  t["mean of nothing"] = [](In in) { return mean(in[0], -1); };
  t["cumsum"] = [](In in) { return cumsum(in[0], -1); };
  t["var of one"] = [](In in) { return var(in[0], -1); };
  t["norm of zeros"] = [](In in) { return norm(in[0], -1); };
}

void add_norms_and_products(Table& t) {
  for (const char* name : {"layer_norm", "layer_norm of equals", "layer_norm of NaN"})
    t[name] = [](In in) { return layer_norm(in[0]); };
  t["layer_norm weight"] = [](In in) { return layer_norm(in[0], in[1]); };
  for (const char* name : {"layer_norm weight bias", "layer_norm long"})
    t[name] = [](In in) { return layer_norm(in[0], in[1], in[2]); };
  t["layer_norm bias"] = [](In in) { return layer_norm(in[0], {}, in[1]); };
  t["layer_norm eps"] = [](In in) { return layer_norm(in[0], in[1], in[2], 0.1); };
  t["rms_norm"] = [](In in) { return rms_norm(in[0], {}, 1e-6); };
  t["rms_norm weight"] = [](In in) { return rms_norm(in[0], in[1], 1e-6); };
  t["rms_norm eps"] = [](In in) { return rms_norm(in[0], in[1], 0.1); };
  for (const char* shapes : {"(3) (3)", "(2, 3) (3)", "(3) (3, 4)", "(2, 3) (3, 4)", "(5, 2, 3) (3, 4)",
                             "(2, 3) (5, 3, 4)", "(5, 2, 3) (5, 3, 4)", "(2, 1, 2, 3) (5, 3, 4)", "(5, 2, 3) (3)",
                             "(3) (5, 3, 4)", "(17, 33) (33, 9)", "(1, 3) (3, 1)", "(0, 3) (3, 4)", "(2, 0) (0, 4)"})
    t[std::string("matmul ") + shapes] = [](In in) { return matmul(in[0], in[1]); };
  for (const char* shape : {"(3)", "(4, 3)", "(2, 4, 3)", "(0, 3)"}) {
    t[std::string("linear ") + shape] = [](In in) { return linear(in[0], in[1]); };
    t[std::string("linear bias ") + shape] = [](In in) { return linear(in[0], in[1], in[2]); };
  }
}

void add_indexing_and_views(Table& t) {
  t["gather 0"] = [](In in) { return gather(in[1], 0, in[0]); };
  t["gather -1"] = [](In in) { return gather(in[1], -1, in[0]); };
  t["scatter_add 0"] = [](In in) { return scatter_add(in[1], 0, in[0], in[2]); };
  t["scatter_add -1"] = [](In in) { return scatter_add(in[1], -1, in[0], in[2]); };
  t["index_select 0"] = [](In in) { return index_select(in[1], 0, in[0]); };
  t["index_select 1"] = [](In in) { return index_select(in[1], 1, in[0]); };
  t["embedding"] = [](In in) { return embedding(in[1], in[0]); };
  t["embedding padding"] = [](In in) { return embedding(in[1], in[0], 2); };
  t["one_hot"] = [](In in) { return one_hot(in[0], 5); };
  add(t, "transpose", [](const Tensor& x) { return x.transpose(0, -1); });
  add(t, "permute", [](const Tensor& x) { return x.permute({2, 0, 1}); });
  add(t, "reshape", [](const Tensor& x) { return x.reshape({-1, 6}); });
  add(t, "reshape of a transpose", [](const Tensor& x) { return x.transpose(0, 1).reshape({6, 4}); });
  add(t, "flatten", [](const Tensor& x) { return x.flatten(); });
  add(t, "flatten 1", [](const Tensor& x) { return x.flatten(1); });
  add(t, "flatten 0 1", [](const Tensor& x) { return x.flatten(0, 1); });
  add(t, "unsqueeze", [](const Tensor& x) { return x.unsqueeze(-1); });
  add(t, "select", [](const Tensor& x) { return x.select(1, -1); });
  add(t, "brackets", [](const Tensor& x) { return x[1]; });
  add(t, "slice", [](const Tensor& x) { return x.slice(1, 1, 3); });
  add(t, "slice step", [](const Tensor& x) { return x.slice(2, 1, 4, 2); });
  add(t, "slice negative", [](const Tensor& x) { return x.slice(1, -2, -1); });
  add(t, "diagonal", [](const Tensor& x) { return x.diagonal(); });
  add(t, "split", [](const Tensor& x) { return x.split(3, 2)[0]; });
  add(t, "chunk", [](const Tensor& x) { return x.chunk(2, 2)[1]; });
  add(t, "tril", [](const Tensor& x) { return tril(x); });
  add(t, "tril -1", [](const Tensor& x) { return tril(x, -1); });
  add(t, "triu", [](const Tensor& x) { return triu(x); });
  add(t, "triu 1", [](const Tensor& x) { return triu(x, 1); });
  add(t, "clone", [](const Tensor& x) { return x.clone(); });
  add(t, "expand", [](const Tensor& x) { return x.expand({4, 2, 3}); });
  add(t, "squeeze", [](const Tensor& x) { return x.squeeze(1); });
  add(t, "sum_to", [](const Tensor& x) { return x.sum_to({3, 1}); });
  t["cat 0"] = [](In in) { return cat(in); };
  t["cat -1"] = [](In in) { return cat(in, -1); };
  t["stack 0"] = [](In in) { return stack(in); };
  t["stack 1"] = [](In in) { return stack(in, 1); };
  t["stack -1"] = [](In in) { return stack(in, -1); };
}

void add_other_types(Table& t) {
  for (const char* name : {"i64 add", "i64 add wraps", "i32 add wraps"}) t[name] = [](In in) { return in[0] + in[1]; };
  for (const char* name : {"i64 sub", "i64 sub wraps"}) t[name] = [](In in) { return in[0] - in[1]; };
  for (const char* name : {"i64 mul", "i64 mul wraps", "i32 mul wraps"}) t[name] = [](In in) { return in[0] * in[1]; };
  for (const char* name : {"i64 div", "i64 div by 0", "i32 div", "bool div"})
    t[name] = [](In in) { return in[0] / in[1]; };
  t["i64 div number"] = [](In in) { return in[0] / 4.0; };
  t["i64 div fraction"] = [](In in) { return in[0] / 2.5; };
  t["number div i64"] = [](In in) { return 1.0 / in[0]; };
  for (const char* name : {"i64 floor_divide", "i32 floor_divide", "floor_divide"})
    t[name] = [](In in) { return floor_divide(in[0], in[1]); };
  t["i64 floor_divide number"] = [](In in) { return floor_divide(in[0], 3); };
  t["number floor_divide i64"] = [](In in) { return floor_divide(-7, in[0]); };
  t["i64 pow"] = [](In in) { return pow(in[0], 5.0); };
  t["i64 pow wraps"] = [](In in) { return pow(in[0], 31.0); };
  t["i64 pow i64"] = [](In in) { return pow(in[0], in[1]); };
  for (const char* name : {"i64 sum wraps", "i32 sum"}) t[name] = [](In in) { return sum(in[0]); };
  t["i32 sum over 0"] = [](In in) { return sum(in[0], 0, keepdim); };
  for (const char* name : {"i64 cumsum wraps", "i32 cumsum", "bool cumsum"})
    t[name] = [](In in) { return cumsum(in[0], 0); };
  for (const char* name : {"i64 prod wraps", "i32 prod", "bool prod"}) t[name] = [](In in) { return prod(in[0], 0); };
  using Relation = Tensor (*)(const Tensor&, double);
  const std::pair<const char*, Relation> relations[] = {
      {"eq", eq}, {"ne", ne}, {"lt", operator<}, {"le", operator<= }, {"gt", operator> }, {"ge", operator>= } };
  for (const auto& [name, f] : relations) {
    const auto with = [f = f](double number) { return [f, number](In in) { return f(in[0], number); }; };
    const std::string of(name);
    t["i64 " + of + " 2.5"] = with(2.5);
    t["i64 " + of + " -7.0"] = with(-7.0);
    t["i64 " + of + " 1e+30"] = with(1e30);
    t["i64 " + of + " -inf"] = with(-INFINITY);
    t["i64 " + of + " nan"] = with(NAN);
    t["i32 " + of + " 3e9"] = with(3e9);
    t["bool " + of + " 0.5"] = with(0.5);
  }
  t["i64 maximum"] = [](In in) { return maximum(in[0], in[1]); };
  t["i64 minimum"] = [](In in) { return minimum(in[0], in[1]); };
  t["i64 sum"] = [](In in) { return sum(in[0]); };
  t["i64 cumsum"] = [](In in) { return cumsum(in[0], 0); };
  t["i64 lt"] = [](In in) { return in[0] < in[1]; };
  t["bool sum"] = [](In in) { return sum(in[0], 1); };
  t["bool to f64"] = [](In in) { return in[0].to(Dtype::f64); };
  t["f64 to i64"] = [](In in) { return in[0].to(Dtype::i64); };
  t["f64 to bool"] = [](In in) { return in[0].to(Dtype::boolean); };
}

const Table& table() {
  static const Table all = [] {
    Table t;
    add_elementwise(t);
    add_reductions(t);
    add_norms_and_products(t);
    add_indexing_and_views(t);
    add_other_types(t);
    return t;
  }();
  return all;
}

const core::SafeTensors& golden() {
  static const core::SafeTensors file = core::load_safetensors(HEED_TESTS_DIR "/golden/ops.safetensors");
  return file;
}

// "edge/f32/exp" of "edge/f32/exp/out".
std::vector<std::string> cases() {
  std::vector<std::string> found;
  for (const std::string& name : golden().names())
    if (name.ends_with("/out")) found.push_back(name.substr(0, name.size() - 4));
  return found;
}

bool is_edge(const std::string& name) { return name.starts_with("edge/"); }

Tensor stored(const std::string& name, Dtype dtype) {
  const Tensor x(golden().at(name));
  return is_floating(x.dtype()) ? x.to(dtype) : x;
}

// Adds a line for each element that differs by more than allowed.
void differences(const std::string& part, const Tensor& got, const Tensor& wanted, bool narrow, bool signs,
                 std::vector<std::string>& found) {
  if (got.shape() != wanted.shape())
    return found.push_back(part + cat(" has shape ", got.shape(), " for ", wanted.shape()));
  const std::vector<double> a = got.to_vector(), b = wanted.to_vector();
  double largest = 0;
  for (double v : b)
    if (std::isfinite(v) && std::abs(v) < 1e4) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < b.size(); ++i) {
    const double allowed = (narrow ? 1e-5 : 1e-12) * std::abs(b[i]) + (narrow ? 1e-6 : 1e-13) * largest;
    const bool zeros = a[i] == 0 && b[i] == 0;
    const bool fits = zeros
                          ? !signs || std::signbit(a[i]) == std::signbit(b[i])
                          : (std::isnan(a[i]) && std::isnan(b[i])) || a[i] == b[i] || std::abs(a[i] - b[i]) <= allowed;
    if (!fits)
      found.push_back(part + cat(" ", i, ": ", std::signbit(a[i]) ? "-" : "", std::abs(a[i]), ", PyTorch has ", b[i]));
  }
}

// Whether the layout makes a case of its own.
bool some_input_has(const std::string& name, Layout layout) {
  if (layout == Layout::contiguous) return true;
  for (int i = 0; golden().contains(cat(name, "/in/", i)); ++i)
    if (test::has_layout(Tensor(golden().at(cat(name, "/in/", i))), layout)) return true;
  return false;
}

// A case's differences from PyTorch.
std::vector<std::string> compare(const std::string& name, Dtype dtype, Layout layout) {
  const bool edge = is_edge(name);
  const auto row = table().find(edge ? name.substr(9) : name);
  if (row == table().end()) return {"is not in the table"};
  std::vector<Tensor> in;
  for (int i = 0; golden().contains(name + "/in/" + std::to_string(i)); ++i) {
    const Tensor x = test::laid_out(stored(name + "/in/" + std::to_string(i), dtype), layout);
    in.push_back(is_floating(x.dtype()) && golden().contains(name + "/seed") ? parameter(x) : x);
  }
  const Tensor y = row->second(in);
  const bool narrow = dtype == Dtype::f32;
  std::vector<std::string> found;
  const Tensor out(golden().at(name + "/out"));
  differences("value", y, out, narrow, edge, found);
  if (std::none_of(in.begin(), in.end(), [](const Tensor& x) { return is_floating(x.dtype()); }) &&
      y.dtype() != out.dtype())
    found.push_back(cat("is ", y.dtype(), ", PyTorch's ", out.dtype()));
  if (!golden().contains(name + "/seed")) return found;
  y.backward(stored(name + "/seed", dtype));
  for (size_t i = 0; i < in.size(); ++i) {
    if (!in[i].requires_grad()) continue;
    const std::string number = std::to_string(i);
    differences("gradient " + number, in[i].grad().defined() ? in[i].grad() : zeros_like(in[i]),
                Tensor(golden().at(name + "/grad/" + number)), narrow, false, found);
  }
  return found;
}

// Where heed means to differ: part and element, as in "gradient 0 2".
struct Deviation {
  const char* name;
  std::vector<const char*> places;
  const char* reason;
};
const std::vector<Deviation> deviations{
    {"abs", {"gradient 0 2"}, "of NaN; NaN is never hidden"},
    {"elu", {"gradient 0 2"}, "of NaN; PyTorch's f32 hides it, its f64 does not"},
    {"elu 0.5", {"gradient 0 2"}, "as elu"},
    {"gelu", {"value 0", "value 27"}, "of inf and 1e300 as f32; PyTorch's f32 has NaN, its f64 does not"},
    {"layer_norm of equals", {"gradient 0 6", "gradient 0 7", "gradient 0 8"}, "0; PyTorch has a rounding error"},
    {"logaddexp",
     {"gradient 0 77", "gradient 0 88", "gradient 1 77", "gradient 1 88"},
     "of two equal infinities: half each"},
    {"logsumexp",
     {"gradient 0 3", "gradient 0 4", "gradient 0 5", "gradient 0 6", "gradient 0 7", "gradient 0 8"},
     "of three times 1e4 in f32: a third each to all digits; PyTorch has 0.333326"},
    {"pow 0.5",
     {"value 1", "gradient 0 1", "value 4"},
     "of -inf and -0, as C and IEEE 754; PyTorch takes the root instead"},
    {"relu", {"value 4"}, "of -0: 0"},
    {"sign", {"value 2", "value 4"}, "of NaN and -0: themselves, as in NumPy"},
};

// Of the loops that define the kernels (HEED_ISA=plain): they compute in double.
const std::vector<Deviation> plain_deviations{
    {"gelu_tanh", {"gradient 0 25"}, "of the largest f32, where x² does not overflow"},
};

// Whether "value 2: nan, PyTorch has 0" is at a known position.
bool is_known(const std::string& name, const std::string& line, std::set<std::string>& met) {
  for (const Deviation& d : deviations)
    for (const char* place : d.places)
      if (name == d.name && line.starts_with(std::string(place) + ":")) return met.insert(name + " " + place), true;
  for (const Deviation& d : plain_deviations)
    for (const char* place : d.places)
      if (std::string(core::kernels().isa) == "plain" && name == d.name && line.starts_with(std::string(place) + ":"))
        return true;
  return false;
}

}  // namespace

TEST_CASE("golden: ops equal PyTorch's, in both types and any layout") {
  int count = 0;
  for (const std::string& name : cases()) {
    if (is_edge(name)) continue;
    for (Dtype dtype : {Dtype::f32, Dtype::f64})
      for (Layout layout : {Layout::contiguous, Layout::permuted, Layout::sliced}) {
        if (!some_input_has(name, layout)) continue;
        INFO(name << ", " << dtype << ", " << test::name_of(layout));
        test::note_case("golden", cat("ops/", name, ", ", dtype, ", ", test::name_of(layout)));
        CHECK(compare(name, dtype, layout).empty());
        ++count;
      }
  }
  CHECK(count >= 2000);
}

TEST_CASE("golden: ops treat inf, NaN, signed zeros and denormals as PyTorch does") {
  int count = 0;
  std::set<std::string> met;
  for (const std::string& name : cases()) {
    if (!is_edge(name)) continue;
    INFO(name);
    test::note_case("golden", "ops/" + name);
    for (const std::string& line :
         compare(name, name.starts_with("edge/f32/") ? Dtype::f32 : Dtype::f64, Layout::contiguous)) {
      INFO(line);
      CHECK(is_known(name.substr(9), line, met));
    }
    ++count;
  }
  for (const Deviation& d : deviations)
    for (const char* place : d.places) {
      INFO(d.name << " " << place << " (" << d.reason << ") is no deviation any more");
      CHECK(met.count(std::string(d.name) + " " + place) == 1);
    }
  CHECK(count >= 120);
}

TEST_CASE("golden: every op in the table was asked") {
  std::set<std::string> asked;
  for (const std::string& name : cases()) asked.insert(is_edge(name) ? name.substr(9) : name);
  for (const auto& [name, f] : table()) {
    INFO(name);
    CHECK(asked.count(name) == 1);
  }
  CHECK(golden().metadata().at("torch").substr(0, 2) == "2.");
}
