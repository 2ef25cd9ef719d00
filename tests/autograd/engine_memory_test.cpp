// What a graph keeps alive, what backward() frees, and what may be changed in place.
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#ifdef __linux__
#include <sys/resource.h>
#endif

#include <heed/autograd/engine.h>
#include <heed/autograd/node.h>
#include <heed/autograd/ops.h>
#include <heed/core/memory/storage.h>
#include <heed/core/ops/ops.h>

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

TEST_CASE("a saved value that was changed in place is found") {
  const Tensor x = number(3);
  Tensor w = parameter(tensor({1, 2}, Dtype::f64));
  const Tensor y = sum(w * x);
  {
    const NoGrad off;
    w.add_(ones({2}, Dtype::f64));
  }
  const std::string text = message_of<AutogradError>([&] { y.backward(); });
  CHECK(contains(text, "mul: a value (2,) kept for backward was modified in place afterwards (version 1, expected 0)"));

  // An output that its own rule needs is watched, too; through any view of it.
  const Tensor e = exp(x.reshape({1, 1}));
  Tensor seen_through = e.detach().reshape({1});
  seen_through.mul_(2);
  CHECK(contains(message_of<AutogradError>([&] { e.backward(); }), "exp: a value (1, 1) kept"));

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

TEST_CASE("a table that embeds and is the head, too, needs one gradient's memory, not two") {
  const Tensor table = parameter(randn({4096, 64}));
  const Tensor y = sum(linear(embedding(table, tensor_i64({1, 2}, {2})), table, Tensor()));
  const int64_t before = core::memory_stats().in_use, bytes = 4096 * 64 * 4;
  core::reset_peak_memory();
  y.backward();
  CHECK(core::memory_stats().peak - before < bytes * 3 / 2);
  CHECK(core::memory_stats().in_use - before >= bytes / 2);  // it is there
}

TEST_CASE("a gradient that was used is watched when another pass adds to it") {
  const Tensor x = number(3), w = number(2);
  square(x).backward();
  const Tensor y = x.grad() * w;
  square(x).backward();
  CHECK(contains(message_of<AutogradError>([&] { y.backward(); }), "mul: a value () kept"));
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
    return op("watch", core::clone(a.array()),
              edge(a, keep(Unwatched<std::shared_ptr<int>>{token}), [](auto& g, auto&) { return g; }));
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
    const Tensor bad =
        op("bad", core::clone(x.array()), edge(x, [](const Tensor&) -> Tensor { throw std::runtime_error("no"); }));
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

TEST_CASE("a first gradient is moved into its leaf only if nothing else refers to it") {
  const Tensor x = parameter(ones({3}, Dtype::f64)), y = parameter(ones({3}, Dtype::f64));
  Tensor seed = tensor({1, 2, 3}, Dtype::f64);
  (x + y).backward(seed);
  CHECK_FALSE(x.grad().array().storage() == seed.array().storage());
  CHECK_FALSE(x.grad().array().storage() == y.grad().array().storage());
  seed.fill_(0);
  CHECK(grad_of(x) == Numbers{1, 2, 3});

  const Tensor z = parameter(ones({2, 3}, Dtype::f64));
  sum(z).backward();  // arrives as one element, repeated
  CHECK(z.grad().is_contiguous());
  CHECK(grad_of(z) == Numbers(6, 1.0));

  const void* made = nullptr;
  const Tensor v = parameter(ones({3}, Dtype::f64));
  op("watch", core::clone(v.array()),
     edge(v,
          [made = &made](auto& g) {
            Tensor fresh = g * 2.0;
            *made = fresh.array().storage().bytes();
            return fresh;
          }))
      .backward(seed);
  CHECK(v.grad().array().storage().bytes() == made);
}

TEST_CASE("set_grad") {
  Tensor x = parameter(ones({2, 3}, Dtype::f64));
  x.set_grad(scalar(1.0, Dtype::f64).expand({2, 3}));
  sum(x * 2.0).backward();
  CHECK(grad_of(x) == Numbers(6, 3.0));
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
  CHECK(contains(message_of<ShapeError>([&] { x.set_grad(ones({3}, Dtype::f64)); }),
                 "set_grad: (3,) for a tensor (2, 3)"));
  CHECK(
      contains(message_of<DtypeError>([&] { x.set_grad(ones({2, 3})); }), "set_grad: float32 for a tensor of float64"));
  Tensor y = x * 2.0;
  CHECK(contains(message_of<AutogradError>([&] { y.set_grad(x); }), "set_grad: (2, 3) came from an op"));
  CHECK(contains(message_of<AutogradError>([&] { x.detach().set_grad(x); }), "set_grad: (2, 3) does not require grad"));
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
  CHECK(
      contains(message_of<AutogradError>([&] { inner.requires_grad(false); }), "requires_grad: (2,) came from an op"));
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
    CHECK(contains(message_of<ShapeError>([&] { changes[i](wide); }),
                   std::string(names[i]) + ": (3, 2): axis 0 repeats"));
    Tensor column = zeros({2, 1}, Dtype::f64).expand({2, 3}).select(1, 0);  // the axis that repeats is gone
    CHECK(message_of([&] { changes[i](column); }) == "no error");
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

TEST_CASE("ten thousand training steps take no more memory than a hundred", "[slow]") {
  const auto resident = [] {  // pages
    std::ifstream statm("/proc/self/statm");
    int64_t total = 0, rss = 0;
    statm >> total >> rss;
    return rss;
  };
  const Tensor x = test::spread({32, 16}, -1, 1, 0, Dtype::f32), y = test::spread({32, 1}, -1, 1, 1, Dtype::f32);
  Tensor w1 = parameter(test::spread({16, 16}, -0.5, 0.5, 0, Dtype::f32)),
         w2 = parameter(test::spread({16, 1}, -0.5, 0.5, 0, Dtype::f32));
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

#ifdef __linux__
TEST_CASE("a steady training step of large tensors finds its memory, fetches none and touches no fresh page") {
  if (test::address_sanitizer || test::thread_sanitizer) return;
  const auto faults = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  // Sizes from 0.3 to 5 MiB, none twice, so that a freed block serves another size only if it is cut.
  Tensor table = parameter(randn({1700, 450}));
  std::vector<Tensor> weights;
  for (int64_t width = 450; width > 100; width -= 70) weights.push_back(parameter(randn({width - 70, width}) * 0.05));
  const Tensor ids = arange(400, 1300, 1, Dtype::i64);
  const auto step = [&] {
    Tensor y = embedding(table, ids);
    for (const Tensor& w : weights) y = tanh(linear(y, w, Tensor()));
    mean(square(y)).backward();
    const NoGrad off;
    weights.push_back(table);
    for (Tensor& w : weights) {
      w.add_(w.grad(), -0.01);
      w.zero_grad();
    }
    weights.pop_back();
  };
  for (int i = 0; i < 5; ++i) step();
  const int64_t reserved = core::memory_stats().reserved, before = faults();
  for (int i = 0; i < 20; ++i) step();
  CHECK(core::memory_stats().reserved == reserved);
  CHECK(faults() - before < 20);  // one block alone has 64 pages or more
}
#endif
