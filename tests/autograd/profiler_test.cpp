#include <heed/autograd/profiler.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <heed/autograd/ops.h>
#include <heed/autograd/ops/fused_attention.h>
#include <heed/core/files/file.h>
#include <heed/core/files/json_reader.h>
#include <heed/core/op_name.h>
#include <heed/core/parallel.h>
#include <heed/core/watch.h>
#include <heed/nn/module.h>
#include <heed/nn/recompute.h>
#include "support/catch.h"
#include "support/errors.h"
#include "support/temp_dir.h"

using namespace heed;
using test::contains;
using test::message_of;

namespace {

// A clock that each reading sets forward by a microsecond, and a machine whose peak is round.
ProfilerOptions with_fake_clock() {
  return {.clock = [t = int64_t{0}]() mutable { return t += 1000; }, .peak = core::MachinePeak{1e9, 1e9}};
}

OpCost row(const Profiler& profiler, const std::string& op, bool backward = false) {
  for (const OpCost& each : profiler.ops())
    if (each.op == op && each.backward == backward) return each;
  return {};
}

ModuleCost module_row(const Profiler& profiler, const std::string& path) {
  for (const ModuleCost& each : profiler.modules())
    if (each.path == path) return each;
  return {};
}

struct Inner : nn::Module {
  Tensor weight = parameter(ones({5, 3}));
  Tensor operator()(const Tensor& x) const {
    const nn::Scope scope(*this);
    return linear(x, weight);
  }
  void visit(nn::Visitor& v) override { v("weight", weight); }
};

struct Outer : nn::Module {
  Inner inner;
  Tensor operator()(const Tensor& x) const {
    const nn::Scope scope(*this);
    return exp(inner(x)) + inner(x);
  }
  void visit(nn::Visitor& v) override { v("inner", inner); }
};

}  // namespace

TEST_CASE("profiler: calls, operations and bytes of each op, forward and backward apart") {
  const Tensor a = parameter(ones({4, 3})), b = parameter(ones({3, 5}));
  Profiler profiler(with_fake_clock());
  sum(square(matmul(a, b))).backward();
  profiler.stop();
  const OpCost product = row(profiler, "matmul"), back = row(profiler, "matmul", true), map = row(profiler, "square");
  CHECK(product.calls == 1);
  CHECK(product.flops == 2.0 * 4 * 3 * 5);
  CHECK(product.bytes == 4 * (12 + 15 + 20));
  CHECK(product.seconds > 0.0);
  CHECK(back.calls == 1);
  CHECK(back.flops == 2.0 * 2.0 * 4 * 3 * 5);  // g bᵀ and aᵀ g
  CHECK(back.seconds > back.self_seconds);     // two products within one rule
  CHECK(map.flops == 20.0);
  CHECK(map.bytes == 2 * 4 * 20);
  CHECK(product.seconds == product.self_seconds);
  CHECK(row(profiler, "exp").calls == 0);
}

TEST_CASE("profiler: the products of attention, recurrence and their gradients") {
  const Tensor q = parameter(randn({1, 2, 3, 4})), k = parameter(randn({1, 2, 3, 4}));
  Profiler profiler(with_fake_clock());
  linear(q, parameter(ones({7, 4})));
  CHECK(row(profiler, "linear").flops == 2.0 * 6 * 4 * 7);
  fused_attention(q, k, k, core::AttentionRule{.scale = 1.0, .causal = true}, Tensor()).backward(q);
  CHECK(row(profiler, "attention").flops == 2.0 * 2 * 6 * (4 + 4));
}

TEST_CASE("profiler: the rows and the rest sum to the time on the clock") {
  Outer model;
  const Tensor x = ones({2, 3});
  Profiler profiler(with_fake_clock());
  for (int i = 0; i < 3; ++i) sum(nn::recompute(model, model(x).detach().slice(1, 0, 3))).backward();
  profiler.stop();
  double total = profiler.outside_ops();
  for (const OpCost& each : profiler.ops()) total += each.seconds;
  CHECK(std::abs(total - profiler.seconds()) < 1e-12);
  CHECK(profiler.outside_ops() > 0.0);
  double self = 0;
  for (const ModuleCost& each : profiler.modules()) self += each.self_seconds;
  CHECK(self < profiler.seconds());
}

TEST_CASE("profiler: each module with its path, forward and backward") {
  Outer model;
  const Tensor x = ones({2, 3});
  Profiler profiler(with_fake_clock());
  const Tensor y = model(x);
  const double forward_only = module_row(profiler, "inner").backward_seconds;
  sum(y).backward();
  profiler.stop();
  CHECK(forward_only == 0.0);
  const ModuleCost outer = module_row(profiler, "Outer"), inner = module_row(profiler, "inner");
  CHECK(outer.calls == 1);
  CHECK(inner.calls == 2);
  CHECK(outer.depth == 0);
  CHECK(inner.depth == 1);
  CHECK(inner.layer == "Inner");
  // Called twice: both products, both gradients of the weight, and the sum of these.
  CHECK(inner.flops == 2.0 * 2 * (2.0 * 2 * 3 * 5) + 2.0 * 5 * 3);
  CHECK(outer.flops > inner.flops);
  CHECK(inner.backward_seconds > 0.0);
  CHECK(outer.forward_seconds > inner.forward_seconds);
  CHECK(outer.backward_seconds > inner.backward_seconds);
  CHECK(std::abs(outer.self_seconds + inner.self_seconds - outer.forward_seconds - outer.backward_seconds) < 1e-12);
}

TEST_CASE("profiler: tables name ops, modules, shares and the peak") {
  Outer model;
  Profiler profiler(with_fake_clock());
  sum(model(ones({2, 3}))).backward();
  profiler.stop();
  const std::string text = profiler.table();
  for (const char* part : {"\nlinear       backward      2", "outside ops", "100.0 %", "peak: 1.0 GFLOP/s, 1.0 GB/s",
                           "Outer", "  inner  Inner", "threads"}) {
    INFO(text << part);
    CHECK(contains(text, part));
  }
}

TEST_CASE("profiler: the trace is JSON whose slices lie within each other") {
  const test::TempDir folder;
  const std::string path = folder / "trace.json";
  Outer model;
  Profiler profiler(with_fake_clock());
  sum(model(ones({2, 3}))).backward();
  profiler.stop();
  profiler.write_trace(path);
  const std::string text = core::read_file(path);
  core::JsonReader json(text, path);
  std::map<std::string, int> names;
  std::vector<double> ends;  // of the slices around
  json.object([&](const std::string& key) {
    if (key != "traceEvents") return json.skip();
    std::vector<std::array<double, 2>> slices;
    json.list([&] {
      std::string name, phase;
      double begin = 0, took = -1;
      json.object([&](const std::string& field) {
        if (field == "name") name = json.string();
        else if (field == "ph") phase = json.string();
        else if (field == "ts") begin = json.number();
        else if (field == "dur") took = json.number();
        else json.skip();
      });
      if (phase != "X") {
        CHECK(phase == "M");
        return;
      }
      ++names[name];
      slices.push_back({begin, took});
    });
    std::sort(slices.begin(), slices.end());
    for (const auto& [begin, took] : slices) {
      while (!ends.empty() && ends.back() <= begin) ends.pop_back();
      CHECK((ends.empty() || begin + took <= ends.back()));
      ends.push_back(begin + took);
    }
  });
  json.finish();
  CHECK(names["inner"] == 2);
  CHECK(names["Outer"] == 1);
  CHECK(names["linear"] == 4);  // two of them within the rules, for the weight
  CHECK(names["linear backward"] == 2);
}

TEST_CASE("profiler: at most so many slices are kept, and the rest is counted") {
  const test::TempDir folder;
  ProfilerOptions options = with_fake_clock();
  options.trace_events = 2;
  Profiler profiler(options);
  for (int i = 0; i < 5; ++i) exp(ones({2}));
  profiler.stop();
  CHECK(row(profiler, "exp").calls == 5);
  profiler.write_trace(folder / "t.json");
  CHECK(contains(core::read_file(folder / "t.json"), "\"events_left_out\":8"));  // of ten: ones and exp
}

TEST_CASE("profiler: nothing is seen after its end, a nested one is seen by both, and order matters") {
  CHECK(core::watch == nullptr);
  Profiler outer(with_fake_clock());
  {
    Profiler inner(with_fake_clock());
    exp(ones({2}));
    CHECK(message_of([&] { outer.stop(); }) ==
          "Profiler: stop(): a Profiler that began later still watches: stop that one first");
    CHECK(row(inner, "exp").calls == 1);
  }
  exp(ones({2}));
  std::string elsewhere;
  std::thread([&] { elsewhere = message_of([&] { outer.stop(); }); }).join();
  CHECK(elsewhere == "Profiler: stop(): called on another thread than it began on: stop it there");
  outer.stop();
  exp(ones({2}));
  outer.stop();
  CHECK(row(outer, "exp").calls == 2);
  CHECK(core::watch == nullptr);
}

TEST_CASE("profiler: an error inside an op leaves nothing open") {
  Outer model;
  Profiler profiler(with_fake_clock());
  CHECK_THROWS_AS(model(ones({2, 4})), ShapeError);
  exp(ones({2}));
  profiler.stop();
  CHECK(module_row(profiler, "Outer").calls == 1);
  CHECK(row(profiler, "linear").calls == 1);
  CHECK(profiler.modules().size() == 2);
}

TEST_CASE("profiler: the threads of the pool are seen") {
  const int before = num_threads();
  set_num_threads(3);
  const test::TempDir folder;
  Profiler profiler;
  // A part waits for another to begin, so at least two threads take part.
  std::atomic<int> begun = 0;
  {
    const core::OpName at("busy");
    core::parallel_for(2, 1, [&](int64_t, int64_t) {
      ++begun;
      while (begun < 2) std::this_thread::yield();
    });
  }
  profiler.stop();
  set_num_threads(before);
  const OpCost busy = row(profiler, "busy");
  CHECK(busy.calls == 1);
  CHECK(busy.threads_seconds > 0.0);
  profiler.write_trace(folder / "t.json");
  CHECK(contains(core::read_file(folder / "t.json"), "\"worker 1\""));
  CHECK(contains(core::read_file(folder / "t.json"), "\"cat\":\"part\""));
}
