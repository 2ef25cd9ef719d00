// Hooks see gradients, may replace them, and come and go while the engine runs.
#include <cmath>

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>

#include "support/catch.h"
#include "support/errors.h"

using namespace heed;
using test::message_of;

namespace {

using Numbers = std::vector<double>;

Numbers gradient_of(const Tensor& x) {
  Tensor(x).zero_grad();
  sum(x * 1.0).backward();
  return x.grad().to_vector();
}

}  // namespace

TEST_CASE("hooks: a handle removes its hook, once, and may outlive everything") {
  Tensor x = parameter(tensor({1, 2}));
  HookHandle twice = x.register_hook([](const Tensor& g) { return g * 2.0; });
  HookHandle thrice = x.register_hook([](const Tensor& g) { return g * 3.0; });
  CHECK(gradient_of(x) == Numbers{6, 6});
  twice.remove();
  twice.remove();
  CHECK(gradient_of(x) == Numbers{3, 3});
  x = Tensor();
  thrice.remove();
  HookHandle().remove();

  const Tensor y = parameter(ones({1}));
  y.register_hook([](const Tensor& g) { return g * 5.0; });  // without its handle it stays
  CHECK(gradient_of(y) == Numbers{5});
}

TEST_CASE("hooks: one may register others, which are called from the next gradient on") {
  const Tensor x = parameter(tensor({1}));
  int added = 0;
  x.register_hook([&](const Tensor& g) {
    for (int i = 0; i < 8; ++i) {
      x.register_hook([](const Tensor& h) { return h * 2.0; });
      ++added;
    }
    return g * 3.0;
  });
  CHECK(gradient_of(x) == Numbers{3});
  CHECK(added == 8);
  CHECK(gradient_of(x) == Numbers{3 * 256});
}

TEST_CASE("hooks: one may remove itself and those after it") {
  const Tensor x = parameter(tensor({1}));
  HookHandle self, later;
  self = x.register_hook([&](const Tensor& g) {
    self.remove();
    later.remove();
    return g * 3.0;
  });
  later = x.register_hook([](const Tensor& g) { return g * 5.0; });
  CHECK(gradient_of(x) == Numbers{3});
  CHECK(gradient_of(x) == Numbers{1});
}

TEST_CASE("hooks: one that is registered in a loop adds up, as documented") {
  const Tensor w = parameter(tensor({1}));
  for (int step = 0; step < 3; ++step) {
    w.register_hook([](const Tensor& g) { return g * 2.0; });
    CHECK(gradient_of(w) == Numbers{std::pow(2.0, step + 1)});
  }
  for (int step = 0; step < 2; ++step) {
    HookHandle handle = w.register_hook([](const Tensor& g) { return g * 10.0; });
    CHECK(gradient_of(w) == Numbers{80});
    handle.remove();
  }
}

TEST_CASE("hooks: what one gives in place of a gradient is checked") {
  const auto error_of = [](const std::function<Tensor(const Tensor&)>& hook, bool leaf) {
    const Tensor x = parameter(tensor({1, 2}));
    const Tensor y = x * 1.0;
    (leaf ? x : y).register_hook(hook);
    return message_of<Error>([&] { sum(y * 2.0).backward(); });
  };
  for (const bool leaf : {true, false}) {
    const std::string at = leaf ? "leaf" : "mul";
    CHECK(error_of([](const Tensor& g) { return g.to(Dtype::f64); }, leaf) ==
          at + ": a hook gave a gradient of float64 in place of float32: must have the same dtype: "
               "convert it with to(Dtype)");
    CHECK(error_of([](const Tensor&) { return ones({3}); }, leaf) ==
          at + ": a hook gave a gradient (3,) in place of (2,): must have the same shape");
    CHECK(error_of([](const Tensor& g) { return (g > 0.0); }, leaf).find("in place of float32") != std::string::npos);
    CHECK(error_of([](const Tensor&) { return Tensor(); }, leaf) == "no error");
  }
  CHECK(message_of<Error>([] { parameter(ones({2})).register_hook({}); }) ==
        "register_hook: (2,), an empty function: pass one that takes a gradient");
}

TEST_CASE("hooks: a change of the gradient in place is refused, and reaches no other") {
  const Tensor x = parameter(tensor({1, 2})), y = parameter(tensor({3, 4}));
  const Tensor seed = ones({2});
  x.register_hook([](const Tensor& g) {
    Tensor(g).mul_(100.0);
    return Tensor();
  });
  const Tensor z = y + x;  // both gradients are the seed
  CHECK(message_of<AutogradError>([&] { z.backward(seed); }) ==
        "leaf: a hook changed its gradient (2,) in place: return the new gradient instead, as in g * 2.0");
  CHECK(seed.to_vector() == Numbers{1, 1});
}

TEST_CASE("hooks: what one has kept is its own") {
  const Tensor x = parameter(tensor({1, 2})), seed = ones({2});
  Tensor seen;
  const Tensor y = x * 1.0;
  y.register_hook([&](const Tensor& g) {
    seen = g;
    return Tensor();
  });
  y.backward(seed);
  seen.fill_(7);
  CHECK(x.grad().to_vector() == Numbers{1, 1});
  CHECK(seed.to_vector() == Numbers{1, 1});
}

TEST_CASE("hooks: a recorded gradient that is shown to one leads to its history") {
  const Tensor x = parameter(tensor({3}, Dtype::f64));
  x.register_hook([](const Tensor& g) { return g * g; });
  const Tensor g = grad(x * x, {x}, {.create_graph = true})[0];  // (2 x)²
  CHECK(g.to_vector() == Numbers{36});
  CHECK(grad(g, {x})[0].to_vector() == Numbers{24 * 24});  // its hook squares 8 x, too
}
