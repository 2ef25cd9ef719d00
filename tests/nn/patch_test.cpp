// Patches and forward hooks: values inside a model, replaced.
#include "support/catch.h"

#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/nn.h>

#include "support/apart.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::contains, test::message_of;

namespace {

GPT small_gpt(bool recompute = false) {
  manual_seed(1);
  return GPT({.vocab = 11, .context = 8, .width = 8, .heads = 2, .layers = 2, .recompute = recompute});
}

Tensor some_tokens() { return tensor_i64({1, 5, 10, 0, 3, 3}, {2, 3}); }

Tensor halved(const Tensor& x) { return x * 0.5; }

// c_proj without the columns that read head 1: it then says nothing.
Tensor without_head_1(GPT model, const Tensor& tokens) {
  model.h[1] = clone(model.h[1]);
  model.h[1].attn.c_proj.weight.detach().slice(1, 4, 8).fill_(0.0);
  return model(tokens);
}

}  // namespace

TEST_CASE("a patch replaces a value while it lives, and what follows is computed from it") {
  const Sequential model(Linear(3, 4), Tanh(), Linear(4, 2));
  const Tensor x = randn({5, 3}), plain = model(x);
  {
    const Patch patch(model, "1", halved);
    const Tensor y = model(x);
    CHECK(apart(y, std::get<2>(model.layers)(0.5 * tanh(std::get<0>(model.layers)(x)))) < 1e-6);
    CHECK(patch.applied() == 1);
    CHECK(capture(model, x)["1"].to_vector() == halved(tanh(std::get<0>(model.layers)(x))).to_vector());
  }
  CHECK(model(x).to_vector() == plain.to_vector());
  const Patch all(model, "*", halved);
  model(x);
  CHECK(all.applied() == 3);
}

TEST_CASE("patches of one path apply in the order in which they were made, whichever ends first") {
  const Tanh model;
  const Tensor x = randn({3});
  std::optional<Patch> first;
  first.emplace(model, "", [](const Tensor& y) { return y + 1.0; });
  Patch second(model, "", [](const Tensor& y) { return y * 2.0; });
  CHECK(apart(model(x), (tanh(x) + 1.0) * 2.0) < 1e-6);
  first.reset();
  CHECK(apart(model(x), tanh(x) * 2.0) < 1e-6);
  const Patch moved = std::move(second);
  CHECK(apart(model(x), tanh(x) * 2.0) < 1e-6);
}

TEST_CASE("gradients flow through what replaces a value, to the weights and to what the function captures") {
  Sequential model(Linear(3, 4), Tanh(), Linear(4, 2));
  model.to(Dtype::f64);
  gradcheck(
      [&](const std::vector<Tensor>& in) {
        const Patch patch(model, "1", [&](const Tensor& y) { return y * in[1] + square(y); });
        return model(in[0]);
      },
      {randn({5, 3}, Dtype::f64), randn({4}, Dtype::f64)});
  GPT gpt = small_gpt();
  gpt.to(Dtype::f64);
  for (const char* const path : {"h.0.attn:scores", "h.0.attn:weights", "h.0.attn:heads", "h.0.attn:v", "h.0:middle"}) {
    INFO(path);
    gradcheck(
        [&](const std::vector<Tensor>& in) {
          const Patch patch(gpt, path, [&](const Tensor& y) { return y * in[0]; });
          return mean(gpt(some_tokens()));
        },
        {scalar(1.3, Dtype::f64)});
  }
}

TEST_CASE("a patch under recomputation has the gradients of a plain call, and none reaches back") {
  std::vector<std::vector<double>> results[3];
  for (const int how :
       {0, 1, 2}) {  // plain; recomputed with the patch; recomputed, patched only after the forward pass
    const GPT model = small_gpt(how > 0);
    Tensor scale = parameter(scalar(0.5));
    std::optional<Patch> patch;
    const auto make = [&] { patch.emplace(model, "h.0.attn", [&](const Tensor& y) { return y * scale; }); };
    if (how < 2) make();
    const Tensor loss = mean(square(model(some_tokens())));
    if (how < 2) patch.reset();
    else make();
    loss.backward();
    for (const Tensor& p : model.parameters()) results[how].push_back(p.grad().to_vector());
    if (how < 2) results[how].push_back(scale.grad().to_vector());
  }
  CHECK(results[1] == results[0]);
  const GPT model = small_gpt(true);
  mean(square(model(some_tokens()))).backward();
  for (size_t i = 0; i < results[2].size(); ++i) CHECK(results[2][i] == model.parameters()[i].grad().to_vector());
}

TEST_CASE("ablate_head silences one head, in whole calls and in steps with a cache") {
  const GPT model = small_gpt();
  const Tensor wanted = without_head_1(model, some_tokens());
  const Patch off = ablate_head(model, "h.1.attn", 1);
  CHECK(apart(model(some_tokens()), wanted) < 1e-6);
  KeyValueCaches past = model.begin();
  const NoGrad no_history;
  for (int64_t t = 0; t < 3; ++t)
    CHECK(apart(model.step(some_tokens().slice(1, t, t + 1), past), wanted.select(1, t)) < 1e-5);
  CHECK(off.applied() == 4);
}

TEST_CASE("ablate_head by its mean: the mean over batch and positions") {
  const GPT model = small_gpt();
  const Tensor z = capture(model, some_tokens(), {"h.1.attn:heads"})["h.1.attn:heads"];
  const Patch off = ablate_head(model, "h.1.attn", 1, Ablation::mean);
  const Tensor now = capture(model, some_tokens(), {"h.1.attn:heads"})["h.1.attn:heads"];
  CHECK(now.select(1, 0).to_vector() == z.select(1, 0).to_vector());
  CHECK(apart(now.select(1, 1), mean(z.select(1, 1), {0, 1}, keepdim).expand({2, 3, 4})) < 1e-6);
}

TEST_CASE("a patch changes weights: a trace sees it, and what the mask forbids stays 0") {
  const GPT model = small_gpt();
  const Patch uniform(model, "h.0.attn:weights", [](const Tensor& w) { return ones_like(w) / 3.0; });
  AttentionTrace trace;
  model(some_tokens());
  CHECK(apart(trace.entries()[0].weights, (causal_mask(3).to(Dtype::f32) / 3.0).expand({2, 2, 3, 3})) < 1e-6);
  CHECK(trace.entries().size() == 2);
}

TEST_CASE("patch_from: values of one run in another, at all or some positions and heads") {
  const GPT model = small_gpt();
  const Tensor clean = some_tokens(), other = tensor_i64({2, 2, 2, 7, 8, 9}, {2, 3});
  const Captured seen = capture(model, clean, {"h.*", "h.1.attn:heads"});
  {
    const Patch all = patch_from(model, seen, "h.1");
    CHECK(model(other).to_vector() == model(clean).to_vector());  // nothing of the other text is left
  }
  const Tensor stream = capture(model, other, {"h.0"})["h.0"],
               z = capture(model, other, {"**:heads"})["h.1.attn:heads"];
  {
    const Patch last = patch_from(model, seen, "h.0", {.positions = {-1}});
    const Tensor now = capture(model, other, {"h.0"})["h.0"];
    CHECK(now.select(1, 2).to_vector() == seen["h.0"].select(1, 2).to_vector());
    CHECK(now.slice(1, 0, 2).to_vector() == stream.slice(1, 0, 2).to_vector());
  }
  const Patch head = patch_from(model, seen, "h.1.attn:heads", {.positions = {0}, .heads = {1}});
  const Tensor now = capture(model, other, {"h.1.attn:heads"})["h.1.attn:heads"];
  CHECK(now.select(1, 0).to_vector() == z.select(1, 0).to_vector());
  CHECK(now.select(1, 1)[0][0].to_vector() == seen["h.1.attn:heads"].select(1, 1)[0][0].to_vector());
  CHECK(now.select(1, 1)[0][1].to_vector() == z.select(1, 1)[0][1].to_vector());
  CHECK(
      contains(message_of([&] { model(other.slice(0, 0, 1)); }), "patch_from: h.1.attn:heads: captured (2, 2, 3, 4)"));
}

TEST_CASE("patches: what cannot be right is refused, with the path") {
  const GPT model = small_gpt();
  const auto call = [&](const char* path, const std::function<Tensor(const Tensor&)>& f) {
    return message_of([&] {
      const Patch patch(model, path, f);
      model(some_tokens());
    });
  };
  CHECK(contains(call("h.0.att", halved), "Patch: \"h.0.att\": GPT has no such module (did you mean h.0.attn?)"));
  CHECK(contains(call("h.0.attn:head", halved), "Patch: \"h.0.attn:head\": this call has no such point (did you mean"));
  CHECK(contains(call("h.0.attn:head", halved), "there is heads, k, q, scores, v, weights"));
  CHECK(contains(call("h.0.attn", [](const Tensor& y) { return y.select(0, 0); }),
                 "Patch: h.0.attn (2, 3, 8): its replacement is (3, 8): must have the same shape"));
  CHECK(contains(call("h.0.attn", [](const Tensor& y) { return y.to(Dtype::f64); }), "must have the same dtype"));
  CHECK(contains(call("h.0.attn", [](const Tensor&) { return Tensor(); }), "its replacement is an empty Tensor"));
  CHECK(contains(call("h.0.attn", nullptr), "an empty function"));
  const NoGrad off;
  CHECK(contains(call("h.0.attn", [](const Tensor& y) { return Tensor(y).mul_(2.0); }), "was changed in place"));
  const Patch none = ablate_head(model, "h.0.attn", 2);
  CHECK(contains(message_of([&] { model(some_tokens()); }), "ablate_head: h.0.attn:heads: (2, 2, 3, 4), index 2"));
  CHECK(message_of([&] { model(some_tokens()); }).ends_with("[in h.0.attn]"));
}

TEST_CASE("an RNN's points, a user's points, and those of a module without a name") {
  const LSTM lstm(2, 3);
  const Tensor x = randn({4, 5, 2});
  const Patch patch(lstm, ":cell", halved);
  CHECK(apart(lstm(x).cell, 0.5 * capture(lstm, x, {":hidden"})[":hidden"]) > 0.0);
  struct Own : Module {
    FeedForward inner{3, {.hidden = 4, .dropout = 0.0}};  // not named itself, as in TransformerEncoderLayer
    Tensor operator()(const Tensor& x) const {
      const Scope scope(*this);
      return scope(inner(scope("doubled", x * 2.0)));
    }
    void visit(Visitor& v) override { v("linear1", inner.linear1), v("linear2", inner.linear2); }
  };
  const Own own;
  const Captured seen = capture(own, ones({1, 3}), {":*"});
  CHECK(seen[":doubled"].to_vector() == std::vector<double>(3, 2.0));
  CHECK(seen[":hidden"].shape() == Shape{1, 4});  // belongs to the innermost module that has a path
}

TEST_CASE("on_forward: a module's own hooks, as PyTorch's") {
  Sequential model(Linear(3, 4), Tanh());
  const Tensor x = randn({2, 3}), plain = model(x);
  int calls = 0;
  const ForwardHookHandle count = on_forward(model.get<0>(), [&](const Module& m, const Tensor& y) {
    calls += class_name(m) == "Linear" && y.shape() == Shape{2, 4};
  });
  CHECK(model(x).to_vector() == plain.to_vector());
  CHECK(calls == 1);
  ForwardHookHandle add = on_forward(model, [](const Module&, const Tensor& y) { return y + 1.0; });
  on_forward(model, [](const Module&, const Tensor& y) { return y * 2.0; });  // the handle may be dropped
  CHECK(apart(model(x), (plain + 1.0) * 2.0) < 1e-6);
  const Sequential copy = model;  // shares them
  CHECK(apart(copy(x), (plain + 1.0) * 2.0) < 1e-6);
  CHECK(apart(capture(model, x)[""], (plain + 1.0) * 2.0) < 1e-6);
  Sequential independent = clone(model);
  add.remove();
  add.remove();
  CHECK(apart(independent(x), (plain + 1.0) * 2.0) < 1e-6);
  CHECK(apart(model(x), plain * 2.0) < 1e-6);
  on_forward(model, [](const Module&, const Tensor& y) { return sum(y); });
  CHECK(contains(message_of([&] { model(x); }), "on_forward: Sequential<"));
  CHECK(contains(message_of([&] { model(x); }), "its replacement is (): must have the same shape"));
  CHECK(contains(message_of([&] { on_forward(model, ForwardHook()); }), "an empty function"));
}
