// keep(): what a rule uses of the forward pass is watched, whatever op it belongs to.
#include <functional>

#include <heed/autograd/engine.h>
#include <heed/autograd/joint.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/ops/cross_entropy.h>
#include <heed/autograd/ops/fused_attention.h>
#include <heed/autograd/ops/recurrence.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/layouts.h"

using namespace heed;
using test::contains, test::message_of;

namespace {

using Numbers = std::vector<double>;

Tensor mask_of(const Tensor& x) { return x > 0.5; }

// Builds a loss from a parameter and a second tensor, changes that one in place, calls backward.
struct Case {
  const char* name;
  Tensor x, used;
  std::function<Tensor(const Tensor& x, const Tensor& used)> loss;
  bool watched = true;  // false: no rule uses it
};

std::string change_and_go_back(const Case& c, bool change) {
  const Tensor x = parameter(c.x);
  const Tensor used = c.used.clone();
  const Tensor y = sum(c.loss(x, used));
  if (change) {
    const NoGrad off;
    Tensor(used).copy_(used);  // the same values: what counts is the write
  }
  return message_of<AutogradError>([&] { y.backward(); });
}

}  // namespace

TEST_CASE("keep: a value that a rule uses and that was changed since is an error, in every op") {
  const Tensor x = test::spread({2, 3}, 0.5, 2.0), positive = test::spread({2, 3}, 1.0, 2.0, 1);
  const Tensor mask = tensor({1, 0, 1, 0, 1, 1}, {2, 3}, Dtype::f64) > 0.5;
  const Tensor classes = tensor_i64({0, 2}), ids = tensor_i64({1, 0, 1});
  const Tensor heads = test::spread({1, 2, 2, 4}, -1, 1), seen = mask_of(tensor({1, 0, 1, 1}, {2, 2}, Dtype::f64));
  const Tensor packed = test::spread({1, 2, 12}, -1, 1);
  const Tensor gates = test::spread({2, 4, 9}, -1, 1), state = test::spread({2, 3}, -1, 1),
               weight = test::spread({9, 3}, -1, 1);
  const Case cases[] = {
      {"mul", x, positive, [](auto& a, auto& b) { return a * b; }},
      {"div", x, positive, [](auto& a, auto& b) { return a / b; }},
      {"div", x, positive, [](auto& a, auto& b) { return b / a; }, false},  // -g y / a: the numerator is not used
      {"add", x, positive, [](auto& a, auto& b) { return a + b; }, false},
      {"pow", x, positive, [](auto& a, auto& b) { return pow(a, b); }},
      {"maximum", x, positive, [](auto& a, auto& b) { return maximum(a, b); }},
      {"logaddexp", x, positive, [](auto& a, auto& b) { return logaddexp(a, b); }},
      {"where", x, mask, [](auto& a, auto& m) { return where(m, a, 0.0); }},
      {"where", x, mask, [](auto& a, auto& m) { return where(m, 0.0, a); }},
      {"where", x, mask, [](auto& a, auto& m) { return masked_fill(a, m, -1.0); }},
      {"where", x, positive, [mask](auto& a, auto& b) { return where(mask, a, b); }, false},
      {"matmul", x, test::spread({3, 2}, 1, 2), [](auto& a, auto& b) { return matmul(a, b); }},
      {"linear", x, test::spread({4, 3}, 1, 2), [](auto& a, auto& b) { return linear(a, b, Tensor()); }},
      {"gather", x, tensor_i64({0, 1}, {2, 1}), [](auto& a, auto& i) { return gather(a, 1, i); }},
      {"scatter_add", x, tensor_i64({0, 1, 0, 1, 1, 0}, {2, 3}),
       [](auto& a, auto& i) { return scatter_add(zeros({2, 3}, Dtype::f64), 1, i, a); }},
      {"index_select", x, ids, [](auto& a, auto& i) { return index_select(a, 0, i); }},
      {"embedding", x, ids, [](auto& a, auto& i) { return embedding(a, i); }},
      {"cross_entropy", x, classes, [](auto& a, auto& t) { return cross_entropy_rows(a, {.classes = t}).loss; }},
      {"cross_entropy", x, tensor({1, 2, 3}, Dtype::f64),
       [classes](auto& a, auto& w) { return cross_entropy_rows(a, {.classes = classes, .class_weight = w}).loss; }},
      {"attention", heads, seen, [](auto& q, auto& m) { return fused_attention(q, q, q, {.scale = 0.5}, m); }},
      {"attention", heads, heads, [](auto& q, auto& v) { return fused_attention(q, q, v, {.scale = 0.5}); }},
      {"attention", packed, seen, [](auto& q, auto& m) { return fused_self_attention(q, 2, {.scale = 0.5}, m); }},
      {"layer_norm", x, tensor({1, 2, 3}, Dtype::f64),
       [](auto& a, auto& w) { return layer_norm(a, w, Tensor(), 1e-5); }},
      {"layer_norm", x, tensor({1, 2, 3}, Dtype::f64),
       [](auto& a, auto& b) { return layer_norm(a, Tensor(), b, 1e-5); }, false},
      {"rms_norm", x, tensor({1, 2, 3}, Dtype::f64), [](auto& a, auto& w) { return rms_norm(a, w, 1e-5); }},
      {"recurrence", gates, weight,
       [state](auto& p, auto& w) { return recurrence(p, {state}, w, Tensor(), {.kind = core::CellKind::gru}); }},
      {"cat", x, positive, [](auto& a, auto& b) { return cat({a, b}, 0); }, false},
      {"slice", x, positive, [](auto& a, auto& b) { return a.slice(1, 0, 1) + b.slice(1, 0, 1); }, false},
  };
  for (const Case& c : cases) {
    INFO(c.name << (c.watched ? "" : ", not used"));
    CHECK(change_and_go_back(c, false) == "no error");
    const std::string text = change_and_go_back(c, true);
    if (!c.watched) {
      CHECK(text == "no error");
      continue;
    }
    CHECK(contains(text, std::string(c.name) + ": a value "));
    CHECK(contains(text, " kept for backward was modified in place afterwards"));
    CHECK(test::follows_grammar(text));
  }
}

TEST_CASE("keep: gradients of gradients watch as well") {
  const Tensor table = parameter(test::spread({3, 2}, 1, 2)), x = parameter(test::spread({3, 2}, 1, 2));
  for (const bool rows : {false, true}) {
    const Tensor ids = tensor_i64({2, 0});
    const Tensor picked = rows ? embedding(table, ids) : index_select(x, 0, ids);
    const Tensor& of = rows ? table : x;
    const Tensor g = grad(sum(square(picked)), {of}, {.create_graph = true})[0];
    Tensor(ids).copy_(ids);
    CHECK(contains(message_of<AutogradError>([&] { sum(square(g)).backward(); }), "modified in place afterwards"));
  }
}

TEST_CASE("keep: two batches in one target buffer are found, not mixed up") {
  const Tensor w = parameter(zeros({2, 2})), batch = eye(2);
  Tensor target = zeros({2}, Dtype::i64), total;
  for (int b = 0; b < 2; ++b) {
    target.fill_(b);
    const Tensor loss = sum(cross_entropy_rows(linear(batch, w, Tensor()), {.classes = target}).loss);
    total = total.defined() ? total + loss : loss;
  }
  CHECK(
      contains(message_of<AutogradError>([&] { total.backward(); }), "cross_entropy: a value (2,) kept for backward"));
}

TEST_CASE("keep: an output is kept only by a rule that takes it") {
  const auto back_after_change = [](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor x = parameter(tensor({1, 2}));
    Tensor y = f(x);
    const Tensor loss = sum(y);
    {
      const NoGrad off;
      y.mul_(2);
    }
    return message_of<AutogradError>([&] { loss.backward(); });
  };
  const Tensor b = tensor({3, 4});
  CHECK(back_after_change([](auto& x) { return cat({x, x}, 0); }) == "no error");
  CHECK(back_after_change([&](auto& x) { return x / b; }) == "no error");
  CHECK(back_after_change([&](auto& x) { return pow(x, b); }) == "no error");
  CHECK(back_after_change([](auto& x) { return layer_norm(x, Tensor(), Tensor(), 1e-5); }) == "no error");
  CHECK(contains(back_after_change([&](auto& x) { return b / x; }), "div: a value (2,) kept for backward"));
  CHECK(contains(back_after_change([](auto& x) { return exp(x); }), "exp: a value (2,) kept for backward"));
}

TEST_CASE("keep: what changed behind the version's back cannot lead out of range") {
  const Tensor x = parameter(zeros({2, 3})), table = parameter(ones({3, 2}));
  const Tensor classes = tensor_i64({0, 1}), ids = tensor_i64({0, 1});
  const Tensor loss = sum(cross_entropy_rows(x, {.classes = classes}).loss), rows = sum(embedding(table, ids));
  const_cast<int64_t*>(classes.data<int64_t>())[1] = int64_t{1} << 40;
  const_cast<int64_t*>(ids.data<int64_t>())[1] = int64_t{1} << 40;
  CHECK(contains(message_of<IndexError>([&] { loss.backward(); }), "cross_entropy: target 1099511627776"));
  CHECK(contains(message_of<IndexError>([&] { rows.backward(); }), "1099511627776"));
}

TEST_CASE("keep: a rule that captures a Tensor, an Array or a reference does not compile") {
  const Tensor x = ones({2});
  const core::Array array = x.array();
  double number = 2.0;
  const Shape shape{2, 3};
  const auto by_value = [x](const Tensor& g) { return g * x; };
  const auto of_array = [array](const Tensor& g) { return g * Tensor(array); };
  const auto by_reference = [&x](const Tensor& g) { return g * x; };
  const auto of_number = [&number](const Tensor& g) { return g * number; };
  const std::function<Tensor(const Tensor&)> erased = by_value;
  const auto options = [number, shape](const Tensor& g) { return (g * number).reshape(shape); };
  const auto nothing = [](const Tensor& g) { return g; };
  CHECK_FALSE(detail::captures_options_only<decltype(by_value)>);
  CHECK_FALSE(detail::captures_options_only<decltype(of_array)>);
  CHECK_FALSE(detail::captures_options_only<decltype(by_reference)>);
  CHECK_FALSE(detail::captures_options_only<decltype(of_number)>);
  CHECK_FALSE(detail::captures_options_only<std::remove_const_t<decltype(erased)>>);
  CHECK(detail::captures_options_only<decltype(options)>);
  CHECK(detail::captures_options_only<decltype(nothing)>);

  CHECK_FALSE(detail::is_plain<core::AttentionInputs>);  // its arrays would hide
  CHECK_FALSE(detail::is_plain<std::vector<core::AttentionInputs>>);
  CHECK(detail::is_plain<AttentionRule>);
  CHECK_FALSE(detail::is_plain<const double*>);
  CHECK(detail::is_plain<std::vector<int64_t>>);
  CHECK(detail::is_plain<DropoutMask>);
}

TEST_CASE("keep: a rule takes g, the output if it needs it, and each kept value: others do not compile") {
  const auto g_only = [](auto& g) { return g; };
  const auto two = [](auto& g, auto& a) { return g * a; };
  const auto of_list = [](const Tensor& g, const std::vector<Tensor>& list) { return g * list[0]; };
  const auto none = [] { return Tensor(); };
  CHECK(Rule<decltype(g_only)>::fits);
  CHECK(Rule<decltype(two)>::fits);  // with the output
  CHECK(Rule<decltype(two), Tensor>::fits);
  CHECK(Rule<decltype(of_list), std::vector<Tensor>>::fits);
  CHECK_FALSE(Rule<decltype(g_only), Tensor>::fits);
  CHECK_FALSE(Rule<decltype(two), Tensor, Tensor, Tensor>::fits);
  CHECK_FALSE(Rule<decltype(of_list), Tensor>::fits);
  CHECK_FALSE(Rule<decltype(none)>::fits);
}

TEST_CASE("keep: nothing is kept where no gradient is wanted") {
  const auto token = std::make_shared<int>(0);
  const auto watch = [&](const Tensor& a) {
    return op("watch", core::clone(a.array()),
              edge(a, keep(Unwatched<std::shared_ptr<int>>{token}), [](auto& g, auto&) { return g; }));
  };
  const Tensor constant = watch(ones({2}));
  CHECK(token.use_count() == 1);
  const Tensor recorded = watch(parameter(ones({2})));
  CHECK(token.use_count() == 2);
  const NoGrad off;
  const Tensor unrecorded = watch(parameter(ones({2})));
  CHECK(token.use_count() == 2);
}

TEST_CASE("keep: lists and options reach the rule, in order") {
  const Tensor x = parameter(test::spread({2}, 1, 2));
  const std::vector<Tensor> factors{tensor({2, 3}, Dtype::f64), tensor({5, 7}, Dtype::f64)};
  const std::vector<int64_t> powers{1, 2};
  const Tensor y = op("scaled", core::clone(x.array()), {x}, keep(factors, powers, std::string("name")),
                      [](auto& g, auto& factors, auto& powers, auto& name) {
                        CHECK(name == "name");
                        return std::vector<Tensor>{g * factors[0] * pow(factors[1], static_cast<double>(powers[1]))};
                      });
  sum(y).backward();
  CHECK(x.grad().to_vector() == Numbers{50, 147});
  const Tensor again = op("scaled", core::clone(x.array()), {x}, keep(factors),
                          [](auto& g, auto& f) { return std::vector<Tensor>{g * f[1]}; });
  Tensor(factors[1]).fill_(1);
  CHECK(contains(message_of<AutogradError>([&] { sum(again).backward(); }), "scaled: a value (2,) kept for backward"));
}
