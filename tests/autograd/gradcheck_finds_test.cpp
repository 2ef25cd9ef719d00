// gradcheck must find what is wrong, and say where.
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/core/ops/ops.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/layouts.h"

using namespace heed;
using test::contains;

namespace {

const Tensor x = test::spread({2, 3}, 0.5, 2.0);

std::string complaint(const std::function<Tensor(const Tensor&)>& f, const Tensor& at = x,
                      const GradcheckOptions& options = {}) {
  const std::string text = test::message_of<AutogradError>([&] { gradcheck(f, at, options); });
  if (text != "no error") CHECK(test::follows_grammar(text));
  return text;
}

// x², with a derivative of the caller's.
template <class T, class F> Tensor squared(const Tensor& a, const Keep<T>& kept, F rule) {
  return op("squared", core::map(core::Unary::square, a.array()), edge(a, kept, rule));
}

}  // namespace

TEST_CASE("gradcheck accepts a right rule, to third order") {
  CHECK(complaint([](const Tensor& a) { return squared(a, keep(a), [](auto& g, auto& s) { return g * s * 2.0; }); }) ==
        "no error");
  CHECK(complaint([](const Tensor& a) { return exp(sin(a)); }, x, {.order = 3}) == "no error");
}

TEST_CASE("gradcheck names the input, the coordinate and both values of a wrong rule") {
  const std::string text =
      complaint([](const Tensor& a) { return squared(a, keep(a), [](auto& g, auto& s) { return g * s * 2.001; }); });
  CHECK(contains(text, "gradcheck: first order, input 0 (2, 3) along coordinate (0, 0): the rule gives "));
  CHECK(contains(text, ", differences give "));

  const std::string second = test::message_of<AutogradError>([] {
    gradcheck(
        [](const std::vector<Tensor>& in) {
          return op("mul", core::zip(core::Binary::mul, in[0].array(), in[1].array()),
                    edge(in[0], keep(in[1]), [](auto& g, auto& b) { return g * b; }),
                    edge(in[1], keep(in[0]), [](auto& g, auto& a) { return g * (a + 1e-5); }));
        },
        {x, x});
  });
  CHECK(contains(second, "first order, input 1 (2, 3) along coordinate (0, 0)"));
}

TEST_CASE("gradcheck calls inputs by the names that it is given") {
  const auto wrong = [](const Tensor& a) { return squared(a, keep(a), [](auto& g, auto& s) { return g * s; }); };
  CHECK(contains(complaint(wrong, x, {.names = {"parameter weight"}}), "first order, parameter weight (2, 3) along "));
}

TEST_CASE("gradcheck looks at large inputs through random directions") {
  const std::string text =
      complaint([](const Tensor& a) { return squared(a, keep(a), [](auto& g, auto& s) { return g * s; }); },
                test::spread({20, 20}, 1, 2), {.coordinates = 10});
  CHECK(contains(text, "input 0 (20, 20) along random direction 0"));
}

TEST_CASE("gradcheck finds a rule that is wrong in second order only") {
  // The saved factor is cut from its history: right once, 0 instead of 2 the second time.
  const auto cut = [](const Tensor& a) {
    return squared(a, keep(a.detach()), [](auto& g, auto& s) { return g * s * 2.0; });
  };
  const auto of_array = [](const Tensor& a) {
    return squared(a, keep(a.array()), [](auto& g, auto& s) { return g * s * 2.0; });
  };
  for (const auto& f : {std::function<Tensor(const Tensor&)>(cut), std::function<Tensor(const Tensor&)>(of_array)}) {
    CHECK(complaint(f, x, {.order = 1}) == "no error");
    const std::string text = complaint(f);
    CHECK(contains(text, "gradcheck: second order, input 0 (2, 3) along coordinate"));
    CHECK(contains(text, "uses a value without its history: use keep(x), not keep(x.array()) or x.detach()"));
  }
}

TEST_CASE("gradcheck finds a fused form that differs from its formula") {
  const auto split = [](const Tensor& a) {
    return squared(a, keep(a), [](auto& g, auto& s) { return grad_enabled() ? g * s * 2.0 : g * s * 2.00001; });
  };
  CHECK(contains(complaint(split, x, {.order = 1}), "first order, input 0"));
  const auto split_formula = [](const Tensor& a) {
    return squared(a, keep(a), [](auto& g, auto& s) { return grad_enabled() ? g * s * 2.00001 : g * s * 2.0; });
  };
  CHECK(complaint(split_formula, x, {.order = 1}) == "no error");
  CHECK(contains(complaint(split_formula), "under NoGrad and "));
}

TEST_CASE("gradcheck finds memory that is read outside of a view") {
  // Sums the first elements of the storage, wherever x's are.
  const auto greedy = [](const Tensor& a) {
    return Tensor(core::sum(core::Array(a.array().storage(), {12}, {1}, 0, Dtype::f64), {}, false)) + sum(a);
  };
  CHECK(contains(complaint(greedy, test::laid_out(x, test::Layout::sliced)), "has NaN or infinity"));
}

TEST_CASE("gradcheck says why it cannot check") {
  CHECK(contains(complaint([](const Tensor& a) { return a * rand({2, 3}, Dtype::f64); }), "differs from call to call"));
  CHECK(contains(complaint([](const Tensor& a) { return abs(a); }, zeros({2}, Dtype::f64) + 3e-7),
                 "differences do not settle"));
  CHECK(contains(complaint([](const Tensor& a) { return log(a - 5.0); }), "has NaN or infinity"));
  CHECK(contains(complaint([](const Tensor& a) { return a.detach() * 2.0; }), "has no history"));
  CHECK(contains(complaint([](const Tensor&) { return Tensor(); }), "returned an empty Tensor"));
  CHECK(contains(test::message_of<AutogradError>([] { gradcheck([](const std::vector<Tensor>&) { return x; }, {}); }),
                 "no inputs"));

  const auto identity = [](const Tensor& a) { return a * 1.0; };
  CHECK(contains(test::message_of<DtypeError>([&] { gradcheck(identity, x.to(Dtype::f32)); }),
                 "gradcheck: input 0 (2, 3) of float32: differences need float64: convert it with to(Dtype::f64)"));
  CHECK(contains(test::message_of<DtypeError>([] { gradcheck([](const Tensor& a) { return a.to(Dtype::f32); }, x); }),
                 "the function returned float32"));
}

TEST_CASE("a change of dtype is differentiable") {
  // f32 rounds to 24 bits: wide steps, and a tolerance to match.
  const auto there_and_back = [](const Tensor& a) { return square(a.to(Dtype::f32)).to(Dtype::f64); };
  CHECK(complaint(there_and_back, x, {.atol = 1e-4, .rtol = 1e-4, .step = 0.25}) == "no error");
}

TEST_CASE("gradcheck judges large values by their size, small ones too") {
  const Tensor w = test::spread({3}, 0.5, 2.0), b = test::spread({3}, -1.0, 1.0, 1);
  for (const double size : {1e9, 1e-9}) {
    CHECK(complaint([&](const Tensor& a) { return layer_norm(a, w, b, 1e-5) * size; }, x, {.atol = 1e-9 * size}) ==
          "no error");
    const auto recorded_times = [&](double factor) {
      return complaint([=](const Tensor& a) { return square(a) * (grad_enabled() ? size * factor : size); }, x,
                       {.order = 1, .atol = 1e-9 * size});
    };
    CHECK(recorded_times(1 + 1e-14) == "no error");
    CHECK(contains(recorded_times(1 + 1e-8), "when recorded: both must be equal"));
  }
}

TEST_CASE("gradcheck halves its step as often as a steep function asks for") {
  CHECK(complaint([](const Tensor& a) { return sin(a * 60.0); }) == "no error");
  CHECK(complaint([](const Tensor& a) { return exp(a * 12.0); }) == "no error");
}

TEST_CASE("gradcheck extrapolates differences of wide steps to the last digits") {
  // (f(x + h) - f(x - h)) / 2h = 5x⁴ + 10x²h² + h⁴, with h from 256 to 1/16.
  const auto fifth_power = [](double factor) {  // a value of x⁵, a derivative of x⁵·factor
    return complaint([=](const Tensor& a) { return pow(a, 5.0) * factor + pow(a, 5.0).detach() * (1.0 - factor); }, x,
                     {.order = 1, .atol = 0, .rtol = 1e-9, .step = 256});
  };
  CHECK(fifth_power(1.0) == "no error");
  CHECK(contains(fifth_power(1.0 + 1e-8), "the rule gives"));
}
