// grad() walks only between the output and what is asked for.
#include <heed/autograd/engine.h>
#include <heed/autograd/joint.h>
#include <heed/autograd/ops.h>
#include <heed/core/ops/ops.h>

#include "support/catch.h"
#include "support/errors.h"
#include "support/layouts.h"

using namespace heed;
using test::contains, test::message_of;

namespace {

using Numbers = std::vector<double>;

// x, with a rule that counts its runs.
Tensor counted(const Tensor& x, int* runs) {
  return op("counted", core::clone(x.array()), edge(x, [runs](auto& g) {
              ++*runs;
              return g;
            }));
}

}  // namespace

TEST_CASE("boundary: no rule runs whose result is not needed") {
  int asked = 0, unasked = 0;
  const Tensor x = parameter(test::spread({3}, 1, 2)), w = parameter(test::spread({3}, 1, 2, 1));
  const Tensor h = counted(x, &asked) * counted(w, &unasked);
  const Tensor y = sum(h * counted(w, &unasked)) + sum(counted(w * w, &unasked));
  CHECK(grad(y, {x}, {.retain_graph = true})[0].to_vector() == (w * w).to_vector());
  CHECK(asked == 1);
  CHECK(unasked == 0);
  (void)grad(y, {x, w}, {.retain_graph = true});
  CHECK(asked == 2);
  CHECK(unasked == 3);
  CHECK(grad(y, {h}, {.retain_graph = true})[0].to_vector() == w.to_vector());  // newer than h's own inputs
  CHECK(asked == 2);
  CHECK(unasked == 3);
  y.backward();
  CHECK(asked == 3);
  CHECK(unasked == 6);
}

TEST_CASE("boundary: an edge of a node that leads nowhere is left alone") {
  int runs = 0;
  const Tensor x = parameter(ones({2})), w = parameter(ones({2}));
  const Tensor y = op("both", core::zip(core::Binary::mul, x.array(), w.array()),
                      edge(x, keep(w), [](auto& g, auto& w) { return g * w; }), edge(w, [runs = &runs](auto&) {
                        ++*runs;
                        return Tensor();
                      }));
  (void)grad(sum(y), {x});
  CHECK(runs == 0);

  Wanted seen;
  const Tensor joint =
      op("joint", core::clone(x.array()), {x, w}, [seen = &seen](const Tensor& g, const Wanted& wanted) {
        *seen = wanted;
        return std::vector<Tensor>{wanted[0] ? g : Tensor(), wanted[1] ? g : Tensor()};
      });
  CHECK(grad(sum(joint), {w}, {.retain_graph = true})[0].to_vector() == Numbers{1, 1});
  CHECK(seen == Wanted{false, true});
  sum(joint).backward();
  CHECK(seen == Wanted{true, true});
}

TEST_CASE("boundary: a freed branch that leads nowhere asked for does not matter") {
  const Tensor a = parameter(tensor({1.5}, Dtype::f64)), b = parameter(tensor({2.5}, Dtype::f64));
  const Tensor shared = exp(a);
  sum(shared * 2.0).backward();
  const Tensor y = sum(shared * 1.0) + sum(exp(b));
  CHECK(grad(y, {b}, {.retain_graph = true})[0].to_vector() == exp(b).to_vector());
  CHECK(contains(message_of<AutogradError>([&] { (void)grad(y, {a}); }), "exp: what it kept for backward is gone"));
}

TEST_CASE("boundary: leaves and inner tensors, asked for in any order, more than once") {
  const Tensor x = parameter(tensor({2}, Dtype::f64));
  const Tensor h = square(x), y = h * x;
  const std::vector<Tensor> g = grad(y, {x, h, y, x});
  CHECK(g[0].item() == 12);
  CHECK(g[1].item() == 2);
  CHECK(g[2].item() == 1);
  CHECK(g[3].item() == 12);

  const Tensor other = parameter(tensor({1}, Dtype::f64));
  CHECK_FALSE(grad(square(x), {other})[0].defined());
  CHECK_FALSE(grad(square(x), {square(x)})[0].defined());  // newer than the output
  CHECK_FALSE(grad(square(x), {exp(other)})[0].defined());
  CHECK(grad(square(x), {}).empty());
}

TEST_CASE("boundary: partial derivatives take what is asked for as independent") {
  const Tensor x = parameter(tensor({3}, Dtype::f64));
  const auto derivatives = [&](bool partial) {
    const Tensor h = square(x);
    const std::vector<Tensor> g = grad(h * x, {x, h}, {.partial = partial});
    return Numbers{g[0].item(), g[1].item()};
  };
  CHECK(derivatives(false) == Numbers{27, 3});  // d(x³)/dx
  CHECK(derivatives(true) == Numbers{9, 3});    // ∂(h x)/∂x
}

TEST_CASE("boundary: a deep graph is walked in a loop, a branched one once") {
  const Tensor x = parameter(tensor({1}, Dtype::f64));
  Tensor y = x;
  for (int i = 0; i < 100000; ++i) y = y * 1.0;
  CHECK(grad(y, {x})[0].item() == 1);

  int runs = 0;
  Tensor z = x;
  for (int i = 0; i < 40; ++i) z = counted(z, &runs) + z;  // 2⁴⁰ ways
  CHECK(grad(z, {x})[0].item() == 0x1p40);
  CHECK(runs == 40);
}

TEST_CASE("boundary: a weight frozen after the forward pass stops there") {
  Tensor w = parameter(ones({2}));
  const Tensor x = parameter(ones({2}));
  const Tensor y = sum(w * x);
  w.requires_grad(false);
  y.backward();
  CHECK_FALSE(w.grad().defined());
  CHECK(x.grad().to_vector() == Numbers{1, 1});
}

TEST_CASE("boundary: what is given back shares its elements with nothing") {
  const Tensor x = parameter(ones({2})), y = parameter(ones({2})), seed = ones({2});
  std::vector<Tensor> g = grad(x + y, {x, y, x}, {.seed = seed});
  for (Tensor& each : g) each.fill_(7);
  CHECK(seed.to_vector() == Numbers{1, 1});
  for (size_t i = 0; i < g.size(); ++i) {
    g[i].fill_(static_cast<double>(i));
    for (size_t j = 0; j < i; ++j) CHECK(g[j].to_vector() == Numbers(2, static_cast<double>(j)));
  }
  Tensor of_sum = grad(sum(x), {x})[0];  // an expanded 1
  of_sum.mul_(2.0);
  CHECK(of_sum.to_vector() == Numbers{2, 2});
  of_sum.slice(0, 0, 1).fill_(5);
  CHECK(of_sum.to_vector() == Numbers{5, 2});
}

TEST_CASE("boundary: hooks see whole gradients, never parts") {
  const Tensor x = parameter(tensor({3}, Dtype::f64));
  Numbers seen;
  x.register_hook([&](const Tensor& g) {
    seen.push_back(g.item());
    return Tensor();
  });
  const Tensor h = square(x);
  grad(h * x, {x, h}, {.partial = true});
  CHECK(seen.empty());
  grad(h * x, {x});
  CHECK(seen == Numbers{27});
}

TEST_CASE("boundary: a seed has the output's dtype") {
  const Tensor x = parameter(ones({2}));
  const std::string tail = ": output float32, seed float64: must have the same dtype: convert the seed with to(Dtype)";
  CHECK(message_of<DtypeError>([&] { (x * 1.0).backward(ones({2}, Dtype::f64)); }) == "backward" + tail);
  CHECK(message_of<DtypeError>([&] { grad(x * 1.0, {x}, {.seed = ones({2}, Dtype::f64)}); }) == "grad" + tail);
}
