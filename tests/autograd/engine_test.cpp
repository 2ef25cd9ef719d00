// The engine: what arrives where, and how often. (What is left afterwards: engine_memory_test.cpp.)
#include <cmath>
#include <string>
#include <vector>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/joint.h>
#include <heed/autograd/ops.h>
#include <heed/autograd/part.h>
#include <heed/core/ops/ops.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/layouts.h"

using namespace heed;
using test::contains, test::message_of;

namespace {

using Numbers = std::vector<double>;

Tensor number(double value) { return parameter(scalar(value, Dtype::f64)); }

Numbers grad_of(const Tensor& x) { return x.grad().to_vector(); }

}  // namespace

TEST_CASE("gradients of shared nodes sum") {
  const Tensor x = number(2);
  const Tensor y = x * 3.0;
  (y * 2.0 + y * 5.0).backward();
  CHECK(x.grad().item() == 21);
}

TEST_CASE("micrograd's expression") {
  // The example of github.com/karpathy/micrograd's README.
  const Tensor a = number(-4), b = number(2);
  Tensor c = a + b;
  Tensor d = a * b + pow(b, 3.0);
  c = c + (c + 1.0);
  c = c + (1.0 + c + (-a));
  d = d + (d * 2.0 + relu(b + a));
  d = d + (3.0 * d + relu(b - a));
  const Tensor e = c - d;
  const Tensor f = pow(e, 2.0);
  Tensor g = f / 2.0;
  g = g + 10.0 / f;
  g.backward();
  CHECK(g.item() == Approx(24.7041).margin(5e-5));
  CHECK(a.grad().item() == Approx(138.8338).margin(5e-5));
  CHECK(b.grad().item() == Approx(645.5773).margin(5e-5));
}

TEST_CASE("leaves sum the gradients of several passes until they are zeroed") {
  Tensor x = number(3);
  square(x).backward();
  square(x).backward();
  CHECK(x.grad().item() == 12);
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
  square(x).backward();
  CHECK(x.grad().item() == 6);
}

TEST_CASE("a graph is used once unless it is kept") {
  const Tensor x = number(3), y = exp(square(x));
  y.backward({.retain_graph = true});
  const double once = x.grad().item();
  y.backward();
  CHECK(x.grad().item() == 2 * once);
  const std::string text = message_of<AutogradError>([&] { y.backward(); });
  CHECK(contains(text, "exp: what it kept for backward is gone"));
  CHECK(contains(text, "retain_graph"));

  const Tensor z = square(x), other = z * 2.0;
  other.backward();
  CHECK(contains(message_of<AutogradError>([&] { z.backward(); }), "square: what it kept"));
  CHECK(contains(message_of<AutogradError>([&] { (void)grad(z, {x}); }), "square: what it kept"));
}

TEST_CASE("backward in parts equals backward at once") {
  const Tensor x = parameter(test::spread({2, 3}, -1, 1));
  const Tensor y = tanh(x), middle = parameter(y.detach());
  sum(square(middle)).backward();
  y.backward(middle.grad());
  const Numbers parts = grad_of(x);
  CHECK(parts == grad(sum(square(tanh(x))), {x})[0].to_vector());
}

TEST_CASE("retain_grad keeps the gradient of an inner tensor") {
  const Tensor x = number(3), y = square(x), z = y * 2.0;
  CHECK_FALSE(y.is_leaf());
  y.retain_grad();
  x.retain_grad();  // a leaf does anyway
  z.backward({.retain_graph = true});
  CHECK(y.grad().item() == 2);
  z.backward();
  CHECK(y.grad().item() == 4);
  CHECK_FALSE(z.grad().defined());
}

TEST_CASE("hooks see gradients and may change them") {
  const Tensor x = number(3), y = square(x);
  Numbers seen;
  y.register_hook([&](const Tensor& g) {
    seen.push_back(g.item());
    return Tensor();
  });
  y.register_hook([](const Tensor& g) { return g * 10.0; });
  y.register_hook([&](const Tensor& g) {
    seen.push_back(g.item());
    return Tensor();
  });
  x.register_hook([&](const Tensor& g) {
    seen.push_back(g.item());
    return g + 1.0;
  });
  (y + y).backward();
  CHECK(seen == Numbers{2, 20, 120});  // once, with the sum of both uses
  CHECK(x.grad().item() == 121);
}

TEST_CASE("detach cuts history and keeps the elements") {
  const Tensor x = number(3), y = square(x);
  CHECK_FALSE(y.detach().requires_grad());
  CHECK(y.detach().array().storage() == y.array().storage());
  (y.detach() * x).backward();
  CHECK(x.grad().item() == 9);
}

TEST_CASE("NoGrad and EnableGrad switch recording, nested, on this thread") {
  const Tensor x = number(3);
  CHECK(grad_enabled());
  {
    const NoGrad off;
    CHECK_FALSE(square(x).requires_grad());
    {
      const EnableGrad on;
      CHECK(square(x).requires_grad());
      {
        const NoGrad again;
        CHECK_FALSE(square(x).requires_grad());
      }
      CHECK(grad_enabled());
    }
    CHECK_FALSE(grad_enabled());
  }
  CHECK(square(x).requires_grad());
  try {
    const NoGrad off;
    throw 1;
  } catch (int) {}
  CHECK(grad_enabled());
}

TEST_CASE("a rule that leaves history is found when it is recorded") {
  const Tensor x = number(3);
  const auto once = [](const Tensor& a) {
    return op("once", core::map(core::Unary::square, a.array()),
              edge(a, keep(a), [](auto& g, auto& s) { return (g * s * 2.0).detach(); }));
  };
  once(x).backward();
  CHECK(x.grad().item() == 6);
  CHECK(grad(once(x), {x})[0].item() == 6);
  const std::string text = message_of<AutogradError>([&] { (void)grad(once(x), {x}, {.create_graph = true}); });
  CHECK(contains(text, "once: can be differentiated once only"));
}

TEST_CASE("users' ops: edges, and one joint rule") {
  const auto hypot = [](const Tensor& a, const Tensor& b) {  // √(a² + b²)
    core::Array y = core::map(core::Unary::sqrt, core::zip(core::Binary::add, core::map(core::Unary::square, a.array()),
                                                           core::map(core::Unary::square, b.array())));
    return op("hypot", y, edge(a, keep(a), [](auto& g, auto& h, auto& a) { return g * a / h; }),
              edge(b, keep(b), [](auto& g, auto& h, auto& b) { return g * b / h; }));
  };
  gradcheck([&](const std::vector<Tensor>& in) { return hypot(in[0], in[1]); },
            {test::spread({2, 3}, 1, 2), test::spread({3}, 1, 2, 1)});  // the engine sums over the broadcast axis

  const auto joint = [](const Tensor& a, const Tensor& b) {
    return op("product", core::zip(core::Binary::mul, a.array(), b.array()), {a, b}, keep(a, b),
              [](auto& g, auto& a, auto& b) { return std::vector<Tensor>{g * b, g * a}; });
  };
  gradcheck([&](const std::vector<Tensor>& in) { return joint(in[0], in[1]); },
            {test::spread({2, 3}, 1, 2), test::spread({2, 1}, 1, 2, 1)});

  const auto short_of_one = [](const Tensor& a, const Tensor& b) {
    return op("short", core::zip(core::Binary::mul, a.array(), b.array()), {a, b},
              [](auto& g) { return std::vector<Tensor>{g}; });
  };
  CHECK(contains(message_of<AutogradError>([&] { short_of_one(number(1), number(2)).backward(); }),
                 "short: its rule returned 1 gradients for 2 inputs"));
}

TEST_CASE("an empty Tensor from a rule means zero") {
  const Tensor x = number(3), y = number(4);
  const auto first_only = [](const Tensor& a, const Tensor& b) {
    return op("first", core::clone(a.array()), edge(a, [](auto& g) { return g; }),
              edge(b, [](const Tensor&) { return Tensor(); }));
  };
  first_only(x, y).backward();
  CHECK(x.grad().item() == 1);
  CHECK_FALSE(y.grad().defined());
}

TEST_CASE("a rule's gradient must fit its input") {
  const Tensor x = parameter(ones({2, 3}, Dtype::f64));
  const auto gives = [&](const Tensor& g) {
    return message_of<Error>([&] {
      sum(op("custom", core::clone(x.array()), edge(x, keep(g), [](auto&, auto& g) { return g; }))).backward();
    });
  };
  CHECK(gives(ones({2, 3}, Dtype::f64)) == "no error");
  CHECK(gives(ones({4, 2, 3}, Dtype::f64)) == "no error");  // summed, as after broadcasting
  CHECK(contains(gives(ones({2, 3})), "custom: its rule returned a gradient of float32 for an input of float64"));
  CHECK(contains(gives(ones({2, 4}, Dtype::f64)), "custom: its rule returned a gradient (2, 4) for an input (2, 3)"));
  CHECK(contains(gives(ones({3}, Dtype::f64)), "custom: its rule returned a gradient (3,) for an input (2, 3)"));
}

TEST_CASE("grad() answers for inner tensors, and gives nothing for those that did not matter") {
  const Tensor x = number(2), unused = number(1);
  const Tensor y = square(x), z = y * x;  // x³
  const std::vector<Tensor> g = grad(z, {y, x, unused, z});
  CHECK(g[0].item() == 2);   // ∂z/∂y with x held
  CHECK(g[1].item() == 12);  // 3x²: all ways
  CHECK_FALSE(g[2].defined());
  CHECK(g[3].item() == 1);
  CHECK_FALSE(x.grad().defined());  // leaves are not touched

  const Tensor fresh = square(x) * 3.0;
  CHECK(grad(fresh, {x, x})[1].item() == 12);  // asked twice, answered twice
  CHECK(contains(message_of<AutogradError>([&] { (void)grad(square(x), {scalar(1.0)}); }),
                 "grad: input () does not require grad"));
}

TEST_CASE("grad() below an inner tensor does not use up what lies beyond") {
  const Tensor x = number(2), y = exp(x), z = square(y);
  const Tensor g = grad(z, {y})[0];
  CHECK(g.item() == Approx(2 * std::exp(2.0)));
  y.backward();  // exp's own values are still there
  CHECK(x.grad().item() == Approx(std::exp(2.0)));
}

TEST_CASE("the seed weighs the outputs") {
  const Tensor x = parameter(tensor({1, 2, 3}, Dtype::f64));
  square(x).backward(tensor({1, 0, -1}, Dtype::f64));
  CHECK(grad_of(x) == Numbers{2, 0, -6});
  CHECK(contains(message_of<AutogradError>([&] { square(x).backward(); }),
                 "backward: (3,) does not have exactly one element"));
  CHECK(contains(message_of<ShapeError>([&] { square(x).backward(tensor({1, 2}, Dtype::f64)); }),
                 "backward: output (3,), seed (2,)"));
  CHECK(contains(message_of<AutogradError>([&] { x.detach().backward(); }), "backward: (3,) has no history"));
}

TEST_CASE("the Hessian of xᵀAx is A + Aᵀ") {
  const int64_t n = 4;
  const Tensor a = test::spread({n, n}, -1, 1);
  const Tensor x = parameter(test::spread({n}, -1, 1, 1));
  const Tensor y = matmul(matmul(x, a), x);
  const Tensor g = grad(y, {x}, {.create_graph = true})[0];
  const Tensor expected = a + a.transpose(0, 1);
  for (int64_t i = 0; i < n; ++i) {
    const Numbers row = grad(g[i], {x}, {.retain_graph = true})[0].to_vector(), want = expected[i].to_vector();
    for (size_t j = 0; j < row.size(); ++j) CHECK(row[j] == Approx(want[j]).epsilon(1e-14));
  }
}

TEST_CASE("derivatives of derivatives of derivatives") {
  const Tensor x = number(0.7);
  Tensor y = sin(x);
  const double expected[] = {std::cos(0.7), -std::sin(0.7), -std::cos(0.7), std::sin(0.7), std::cos(0.7)};
  for (double value : expected) {
    y = grad(y, {x}, {.create_graph = true})[0];
    CHECK(y.item() == Approx(value).epsilon(1e-14));
  }
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("a gradient's norm can be a loss") {
  const Tensor x = parameter(test::spread({3}, 0.5, 1.5)), w = parameter(test::spread({3}, 0.5, 1.5, 1));
  const Tensor g = grad(sum(w * square(x)), {x}, {.create_graph = true})[0];  // 2wx
  sum(square(g)).backward();                                                  // Σ 4w²x²
  const Numbers wv = w.to_vector(), xv = x.to_vector();
  for (size_t i = 0; i < 3; ++i) {
    CHECK(grad_of(x)[i] == Approx(8 * wv[i] * wv[i] * xv[i]));
    CHECK(grad_of(w)[i] == Approx(8 * wv[i] * xv[i] * xv[i]));
  }
}

TEST_CASE("backward leaves no history in the leaves' gradients") {
  const Tensor x = number(2), seed = number(1);
  square(x).backward(seed * 3.0);
  CHECK(x.grad().item() == 12);
  CHECK_FALSE(x.grad().requires_grad());
  CHECK_FALSE(seed.grad().defined());
}

TEST_CASE("the gradient of the branch that where() did not take is zero, whatever that branch did") {
  const Tensor x = parameter(tensor({0, 4}, Dtype::f64));
  const Tensor positive = x > 0.0;
  sum(where(positive, 1.0 / where(positive, x, 1.0), 0.0)).backward();
  CHECK(grad_of(x) == Numbers{0, -1.0 / 16});
  const Tensor a = parameter(tensor({NAN, 1}, Dtype::f64)), b = parameter(tensor({2, NAN}, Dtype::f64));
  const Tensor y = where(tensor({0, 1}) > 0.0, a, b);
  CHECK(y.to_vector() == Numbers{2, 1});
  sum(square(y)).backward();
  CHECK(grad_of(a) == Numbers{0, 2});
  CHECK(grad_of(b) == Numbers{4, 0});
}

TEST_CASE("parts of a tensor add their gradients where they came from, and nowhere else") {
  const Numbers ramp = {1, 2, 3, 4, 5, 6};
  const auto fresh = [&] { return parameter(Tensor(core::from_vector(ramp, {3, 2}, Dtype::f64))); };
  const Tensor ids = tensor_i64({2, 0, 2}, {3});

  Tensor x = fresh();  // every kind of part, one after the other and overlapping
  (sum(x[0] * 1.0) + sum(x[2] * 10.0) + sum(x.slice(0, 1, 3) * 100.0) + sum(x.slice(1, 0, 2, 2) * 1000.0) +
   sum(x.diagonal() * 1e4) + sum(embedding(x, ids) * 1e5))
      .backward();
  CHECK(grad_of(x) == Numbers{111001, 100001, 1100, 10100, 201110, 200110});

  // The rule may not write elements that another gradient shares: here the sum gives both of its terms one gradient.
  x = fresh();
  const Tensor w = parameter(ones({3, 2}, Dtype::f64));
  const Tensor part = x[1];  // older than the sum: its gradient arrives later
  (sum((x + w) * 2.0) + sum(part * 5.0)).backward();
  CHECK(grad_of(x) == Numbers{2, 2, 7, 7, 2, 2});
  CHECK(grad_of(w) == Numbers(6, 2.0));

  // Nor where a gradient's history is wanted.
  x = fresh();
  const Tensor g = grad(sum(x[0] * x[0] * x[0]) + sum(x[0] * x[1] * x[1]), {x}, {.create_graph = true})[0];
  CHECK(g.to_vector() == Numbers{3 + 9, 12 + 16, 6, 16, 0, 0});
  sum(g).backward();
  CHECK(grad_of(x) == Numbers{6 * 1 + 2 * 3, 6 * 2 + 2 * 4, 2 * 3 + 2 * 1, 2 * 4 + 2 * 2, 0, 0});
}

TEST_CASE("a rule that adds in place and gives zero leaves what has arrived") {
  const Tensor x = number(2);
  const Tensor nothing = op("nothing", core::full({}, 0.0, Dtype::f64), part(x, [](const Tensor&, const SoFar& so_far) {
                              CHECK(so_far.sum.item() == 3);
                              return Tensor();
                            }));
  (nothing + x * 3.0).backward();  // the newer product's gradient arrives first
  CHECK(x.grad().item() == 3);
}

TEST_CASE("a padding row gets no gradient") {
  const Tensor table = parameter(test::spread({3, 2}, 1, 2));
  const Tensor ids = tensor_i64({2, 0, 2, 1});
  sum(embedding(table, ids, 2)).backward();
  CHECK(grad_of(table) == Numbers{1, 1, 1, 1, 0, 0});
}

TEST_CASE("a parameter that is used a thousand times gets the sum") {
  const Tensor w = number(1.0005);
  Tensor y = scalar(1.0, Dtype::f64);
  for (int i = 0; i < 1000; ++i) y = y * w;
  y.backward();
  CHECK(w.grad().item() == Approx(1000 * std::pow(1.0005, 999)).epsilon(1e-12));
}

TEST_CASE("⟨w, Jv⟩ is the same from both sides") {
  const auto f = [](const Tensor& x) { return softmax(matmul(tanh(x), x.transpose(0, 1)), -1); };
  const Tensor x = test::spread({4, 4}, -1, 1), v = test::spread({4, 4}, -1, 1, 1), w = test::spread({4, 4}, -1, 1, 2);
  const Tensor p = parameter(x);
  const double backward = sum(grad(f(p), {p}, {.seed = w})[0] * v).item();
  const double h = 1e-4;
  const auto at = [&](double t) { return sum(f(x + v * t) * w).item(); };
  const double forward = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  CHECK(backward == Approx(forward).epsilon(1e-9));

  // And by differentiating twice: the gradient of ⟨u, Jᵀu⟩ over u is Jv (Townsend 2017).
  const Tensor u = parameter(zeros({4, 4}, Dtype::f64));
  const Tensor g = grad(f(p), {p}, {.seed = u, .create_graph = true})[0];
  const Tensor jv = grad(g, {u}, {.seed = v})[0];
  CHECK(sum(jv * w).item() == Approx(backward).epsilon(1e-12));
}

TEST_CASE("a linear model learns the line it was given") {
  const Tensor x = test::spread({64, 2}, -1, 1, 0, Dtype::f32);
  const Tensor truth = tensor({2, -3}, {2, 1});
  Tensor w = parameter(zeros({2, 1})), b = parameter(zeros({1}));
  const Tensor y = matmul(x, truth) + 0.5;
  for (int i = 0; i < 300; ++i) {
    w.zero_grad();
    b.zero_grad();
    mean(square(matmul(x, w) + b - y)).backward();
    const NoGrad off;
    w.add_(w.grad(), -0.5);
    b.add_(b.grad(), -0.5);
  }
  CHECK(w.to_vector()[0] == Approx(2).margin(1e-3));
  CHECK(w.to_vector()[1] == Approx(-3).margin(1e-3));
  CHECK(b.item() == Approx(0.5).margin(1e-3));
}
