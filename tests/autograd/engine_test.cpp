// The engine: what arrives where, how often, and what is left afterwards.
#include <cmath>
#include <fstream>
#include <functional>

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/core/ops.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/layouts.h"
#include "support/sanitizer.h"

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
  CHECK(contains(text, "exp: what it saved for backward is gone"));
  CHECK(contains(text, "retain_graph"));

  const Tensor z = square(x), other = z * 2.0;
  other.backward();
  CHECK(contains(message_of<AutogradError>([&] { z.backward(); }), "square: what it saved"));
  CHECK(contains(message_of<AutogradError>([&] { (void)grad(z, {x}); }), "square: what it saved"));
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
  y.register_hook([&](const Tensor& g) { seen.push_back(g.item()); return Tensor(); });
  y.register_hook([](const Tensor& g) { return g * 10.0; });
  y.register_hook([&](const Tensor& g) { seen.push_back(g.item()); return Tensor(); });
  x.register_hook([&](const Tensor& g) { seen.push_back(g.item()); return g + 1.0; });
  (y + y).backward();
  CHECK(seen == Numbers{2, 20, 120});  // once, with the sum of both uses
  CHECK(x.grad().item() == 121);
}

TEST_CASE("detach cuts history and keeps the numbers") {
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
  } catch (int) {
  }
  CHECK(grad_enabled());
}

TEST_CASE("a saved value that was changed in place is found") {
  const Tensor x = number(3);
  Tensor w = parameter(tensor({1, 2}, Dtype::f64));
  const Tensor y = sum(w * x);
  {
    const NoGrad off;
    w.add_(ones({2}, Dtype::f64));
  }
  const std::string text = message_of<AutogradError>([&] { y.backward(); });
  CHECK(contains(text, "mul: a value (2,) saved for backward was modified in place afterwards (version 1, expected 0)"));

  // An output that its own rule needs is watched, too; through any view of it.
  const Tensor e = exp(x.reshape({1, 1}));
  Tensor seen_through = e.detach().reshape({1});
  seen_through.mul_(2);
  CHECK(contains(message_of<AutogradError>([&] { e.backward(); }), "exp: a value (1, 1) saved"));

  // What no rule needs may change.
  Tensor a = parameter(tensor({1, 2}, Dtype::f64));
  const Tensor s = sum(a + 1.0);
  {
    const NoGrad off;
    a.fill_(7);
  }
  s.backward();
  CHECK(grad_of(a) == Numbers{1, 1});
}

TEST_CASE("a gradient that was used is watched when another pass adds to it") {
  const Tensor x = number(3), w = number(2);
  square(x).backward();
  const Tensor y = x.grad() * w;
  square(x).backward();
  CHECK(contains(message_of<AutogradError>([&] { y.backward(); }), "mul: a value () saved"));
}

TEST_CASE("a rule that leaves history is found when it is recorded") {
  const Tensor x = number(3);
  const auto once = [](const Tensor& a) {
    return op("once", core::map(core::Unary::square, a.array()),
              edge(a, [s = saved(a)](const Tensor& g) { return (g * s() * 2.0).detach(); }));
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
    return op("hypot", y, edge(a, [a = saved(a)](const Tensor& g, const Tensor& h) { return g * a() / h; }),
              edge(b, [b = saved(b)](const Tensor& g, const Tensor& h) { return g * b() / h; }));
  };
  gradcheck([&](const std::vector<Tensor>& in) { return hypot(in[0], in[1]); },
            {test::spread({2, 3}, 1, 2), test::spread({3}, 1, 2, 1)});  // the engine sums over the broadcast axis

  const auto joint = [](const Tensor& a, const Tensor& b) {
    return op("product", core::zip(core::Binary::mul, a.array(), b.array()), {a, b},
              [a = saved(a), b = saved(b)](const Tensor& g, const Tensor&) { return std::vector<Tensor>{g * b(), g * a()}; });
  };
  gradcheck([&](const std::vector<Tensor>& in) { return joint(in[0], in[1]); },
            {test::spread({2, 3}, 1, 2), test::spread({2, 1}, 1, 2, 1)});

  const auto short_of_one = [](const Tensor& a, const Tensor& b) {
    return op("short", core::zip(core::Binary::mul, a.array(), b.array()), {a, b},
              [](const Tensor& g, const Tensor&) { return std::vector<Tensor>{g}; });
  };
  CHECK(contains(message_of<AutogradError>([&] { short_of_one(number(1), number(2)).backward(); }),
                 "short: its rule gave 1 gradients for 2 inputs"));
}

TEST_CASE("an empty Tensor from a rule means zero") {
  const Tensor x = number(3), y = number(4);
  const auto first_only = [](const Tensor& a, const Tensor& b) {
    return op("first", core::clone(a.array()), edge(a, [](const Tensor& g) { return g; }),
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
      sum(op("custom", core::clone(x.array()), edge(x, [g](const Tensor&) { return g; }))).backward();
    });
  };
  CHECK(gives(ones({2, 3}, Dtype::f64)) == "no error");
  CHECK(gives(ones({4, 2, 3}, Dtype::f64)) == "no error");  // summed, as after broadcasting
  CHECK(contains(gives(ones({2, 3})), "custom: rule gave a gradient of float32 for an input of float64"));
  CHECK(contains(gives(ones({2, 4}, Dtype::f64)), "custom: rule gave a gradient (2, 4) for an input (2, 3)"));
  CHECK(contains(gives(ones({3}, Dtype::f64)), "custom: rule gave a gradient (3,) for an input (2, 3)"));
}

TEST_CASE("grad() answers for inner tensors, and gives nothing for those that did not matter") {
  const Tensor x = number(2), unused = number(1);
  const Tensor y = square(x), z = y * x;  // x³
  const std::vector<Tensor> g = grad(z, {y, x, unused, z});
  CHECK(g[0].item() == 2);    // ∂z/∂y with x held
  CHECK(g[1].item() == 12);   // 3x²: all ways
  CHECK_FALSE(g[2].defined());
  CHECK(g[3].item() == 1);
  CHECK_FALSE(x.grad().defined());  // leaves are not touched

  const Tensor fresh = square(x) * 3.0;
  CHECK(grad(fresh, {x, x})[1].item() == 12);  // asked twice, answered twice
  CHECK(contains(message_of<AutogradError>([&] { (void)grad(square(x), {scalar(1.0)}); }), "grad: input () does not require grad"));
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
  CHECK(contains(message_of<AutogradError>([&] { square(x).backward(); }), "backward: (3,) is not one number"));
  CHECK(contains(message_of<ShapeError>([&] { square(x).backward(tensor({1, 2}, Dtype::f64)); }), "backward: output (3,), seed (2,)"));
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

TEST_CASE("a chain of a million nodes is differentiated and freed") {
  const int64_t before = core::memory_stats().in_use;
  {
    const Tensor x = number(1);
    Tensor y = x;
    for (int i = 0; i < 1000000; ++i) y = y + 1.0;
    y.backward();
    CHECK(x.grad().item() == 1);
    Tensor z = x;
    for (int i = 0; i < 1000000; ++i) z = z * 1.0;  // dropped without a backward
  }
  CHECK(core::memory_stats().in_use == before);
}

TEST_CASE("a wide graph is differentiated and freed") {
  const int64_t before = core::memory_stats().in_use;
  {
    const Tensor w = parameter(ones({3}, Dtype::f64));
    Tensor total = scalar(0.0, Dtype::f64);
    for (int i = 0; i < 1000; ++i) total = total + sum(w * static_cast<double>(i));
    total.backward();
    CHECK(grad_of(w) == Numbers(3, 499500.0));
  }
  CHECK(core::memory_stats().in_use == before);
}

TEST_CASE("backward frees what rules saved as soon as it was used, and the rest with the graph") {
  const auto token = std::make_shared<int>(0);
  const auto watch = [token](const Tensor& a) {
    return op("watch", core::clone(a.array()), edge(a, [token](const Tensor& g) { return g; }));
  };
  const int64_t before = core::memory_stats().in_use;
  const long idle = token.use_count();
  {
    const Tensor x = number(1), y = watch(watch(x));
    CHECK(token.use_count() == idle + 2);
    y.backward({.retain_graph = true});
    CHECK(token.use_count() == idle + 2);
    y.backward();
    CHECK(token.use_count() == idle);  // y still lives, its rules do not
    const Tensor dropped = watch(x);
    (void)grad(watch(x), {x}, {.create_graph = true});
  }
  CHECK(token.use_count() == idle);
  CHECK(core::memory_stats().in_use == before);
}

TEST_CASE("an error in the middle of backward leaves nothing behind") {
  const int64_t before = core::memory_stats().in_use;
  {
    const Tensor x = number(2);
    const Tensor bad = op("bad", core::clone(x.array()), edge(x, [](const Tensor&) -> Tensor { throw std::runtime_error("no"); }));
    CHECK_THROWS_AS(exp(bad * 2.0).backward(), std::runtime_error);
    CHECK(running_rule == nullptr);
    CHECK(grad_enabled());
    square(x).backward();
    CHECK(x.grad().item() == 4);
  }
  CHECK(core::memory_stats().in_use == before);
}

TEST_CASE("memory in a training step is that of one graph") {
  const Tensor w = parameter(ones({1000}, Dtype::f32));
  const auto step = [&] { mean(square(tanh(w * 2.0))).backward(); };
  step();
  const int64_t after_one = core::memory_stats().in_use;
  for (int i = 0; i < 20; ++i) step();
  CHECK(core::memory_stats().in_use == after_one);
}

TEST_CASE("a first gradient is moved into its leaf only if nobody else can see it") {
  const Tensor x = parameter(ones({3}, Dtype::f64)), y = parameter(ones({3}, Dtype::f64));
  Tensor seed = tensor({1, 2, 3}, Dtype::f64);
  (x + y).backward(seed);
  CHECK_FALSE(x.grad().array().storage() == seed.array().storage());
  CHECK_FALSE(x.grad().array().storage() == y.grad().array().storage());
  seed.fill_(0);
  CHECK(grad_of(x) == Numbers{1, 2, 3});

  const Tensor z = parameter(ones({2, 3}, Dtype::f64));
  sum(z).backward();  // arrives as one number, repeated
  CHECK(z.grad().is_contiguous());
  CHECK(grad_of(z) == Numbers(6, 1.0));

  const void* made = nullptr;
  const Tensor v = parameter(ones({3}, Dtype::f64));
  op("watch", core::clone(v.array()), edge(v, [&](const Tensor& g) {
       Tensor fresh = g * 2.0;
       made = fresh.array().storage().bytes();
       return fresh;
     })).backward(seed);
  CHECK(v.grad().array().storage().bytes() == made);
}

TEST_CASE("set_grad") {
  Tensor x = parameter(ones({2, 3}, Dtype::f64));
  x.set_grad(scalar(1.0, Dtype::f64).expand({2, 3}));
  sum(x * 2.0).backward();
  CHECK(grad_of(x) == Numbers(6, 3.0));
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
  CHECK(contains(message_of<ShapeError>([&] { x.set_grad(ones({3}, Dtype::f64)); }), "set_grad: (3,) for a tensor (2, 3)"));
  CHECK(contains(message_of<DtypeError>([&] { x.set_grad(ones({2, 3})); }), "set_grad: float32 for a tensor of float64"));
  Tensor y = x * 2.0;
  CHECK(contains(message_of<AutogradError>([&] { y.set_grad(x); }), "set_grad: (2, 3) came from an op"));
  CHECK(contains(message_of<AutogradError>([&] { x.detach().set_grad(x); }), "set_grad: (2, 3) wants no gradient"));
}

TEST_CASE("requires_grad() is a property of the leaf, seen through every handle") {
  Tensor x = ones({2}, Dtype::f64);
  CHECK_FALSE(x.requires_grad());
  CHECK(x.is_leaf());
  x.requires_grad(false);
  CHECK_FALSE(x.requires_grad());
  x.requires_grad(true);
  Tensor twin = x;
  twin.requires_grad(false);
  CHECK_FALSE(x.requires_grad());
  CHECK_FALSE((x * 2.0).requires_grad());
  x.requires_grad(true);
  const Tensor y = sum(twin * 3.0);
  CHECK(y.requires_grad());
  y.backward();
  CHECK(grad_of(x) == Numbers{3, 3});
  Tensor inner = x * 2.0;
  CHECK(contains(message_of<AutogradError>([&] { inner.requires_grad(false); }), "requires_grad: (2,) came from an op"));
  CHECK(contains(message_of<DtypeError>([] { tensor_i64({1}).requires_grad(true); }), "parameter: (1,) of int64"));
}

TEST_CASE("a leaf that is frozen after the forward pass gets no gradient") {
  Tensor x = number(2), w = number(3);
  const Tensor y = x * w;
  w.requires_grad(false);
  y.backward();
  CHECK(x.grad().item() == 3);
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("in-place changes are for tensors without history") {
  Tensor p = parameter(tensor({1, 2}, Dtype::f64)), plain = zeros({2}, Dtype::f64);
  const char* const names[] = {"copy_", "fill_", "add_", "mul_"};
  const std::function<void(Tensor&)> changes[] = {
      [&](Tensor& t) { t.copy_(ones({2}, Dtype::f64)); }, [](Tensor& t) { t.fill_(1); },
      [](Tensor& t) { t.add_(ones({2}, Dtype::f64), 2.0); }, [](Tensor& t) { t.mul_(3); }};
  for (size_t i = 0; i < 4; ++i) {
    INFO(names[i]);
    CHECK(contains(message_of<AutogradError>([&] { changes[i](p); }), std::string(names[i]) + ": (2,) requires grad"));
    Tensor wide = zeros({1, 2}, Dtype::f64).expand({3, 2});
    CHECK(contains(message_of<ShapeError>([&] { changes[i](wide); }), std::string(names[i]) + ": (3, 2): axis 0 repeats"));
    const uint32_t version = plain.array().storage().version();
    changes[i](plain);
    CHECK(plain.array().storage().version() == version + 1);
  }
  CHECK(plain.to_vector() == Numbers{9, 9});
  CHECK(contains(message_of<AutogradError>([&] { plain.copy_(p); }), "copy_: source (2,) requires grad"));
  CHECK(contains(message_of<AutogradError>([&] { plain.add_(p); }), "add_: source (2,) requires grad"));
  const NoGrad off;
  for (const auto& change : changes) change(p);
  CHECK(p.to_vector() == Numbers{9, 9});
  CHECK(p.zero_().to_vector() == Numbers{0, 0});
}

TEST_CASE("in-place changes read overlapping views before they write") {
  Tensor x = arange(0, 6, 1, Dtype::f64);
  x.slice(0, 1, 6).copy_(x.slice(0, 0, 5));
  CHECK(x.to_vector() == Numbers{0, 0, 1, 2, 3, 4});
  Tensor m = arange(0, 4, 1, Dtype::f64).reshape({2, 2});
  m.add_(m.transpose(0, 1));
  CHECK(m.to_vector() == Numbers{0, 3, 3, 6});
  Tensor y = arange(0, 5, 1, Dtype::f64);
  y.slice(0, 1, 5).add_(y.slice(0, 0, 4), 2.0);
  CHECK(y.to_vector() == Numbers{0, 1, 4, 7, 10});
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

TEST_CASE("ten thousand training steps take no more memory than a hundred", "[slow]") {
  const auto resident = [] {  // pages
    std::ifstream statm("/proc/self/statm");
    int64_t total = 0, rss = 0;
    statm >> total >> rss;
    return rss;
  };
  const Tensor x = test::spread({32, 16}, -1, 1, 0, Dtype::f32), y = test::spread({32, 1}, -1, 1, 1, Dtype::f32);
  Tensor w1 = parameter(test::spread({16, 16}, -0.5, 0.5, 0, Dtype::f32)), w2 = parameter(test::spread({16, 1}, -0.5, 0.5, 0, Dtype::f32));
  const auto step = [&] {
    w1.zero_grad();
    w2.zero_grad();
    mean(square(matmul(tanh(matmul(x, w1)), w2) - y)).backward();
    const NoGrad off;
    w1.add_(w1.grad(), -0.01);
    w2.add_(w2.grad(), -0.01);
  };
  for (int i = 0; i < 100; ++i) step();
  const int64_t pages = resident(), in_use = core::memory_stats().in_use, reserved = core::memory_stats().reserved;
  for (int i = 0; i < 10000; ++i) step();
  CHECK(core::memory_stats().in_use == in_use);
  CHECK(core::memory_stats().reserved == reserved);
  if (pages > 0 && !test::address_sanitizer && !test::thread_sanitizer)
    CHECK(static_cast<double>(resident()) <= 1.01 * static_cast<double>(pages) + 8);
}
