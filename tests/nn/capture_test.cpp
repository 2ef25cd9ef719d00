// capture(): the values inside a model by path. patch_test.cpp replaces them.
#include "support/catch.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>

#include <heed/autograd/ops.h>
#include <heed/nn/nn.h>
#include <heed/nn/places.h>

#include "support/apart.h"
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::contains, test::message_of;

namespace {

GPT small_gpt(int64_t layers = 2) {
  manual_seed(1);
  return GPT({.vocab = 11, .context = 8, .width = 8, .heads = 2, .layers = layers});
}

Tensor some_tokens() { return tensor_i64({1, 5, 10, 0, 3, 3}, {2, 3}); }

std::vector<std::string> names(const Captured& seen) {
  std::vector<std::string> all;
  for (const NamedTensor& value : seen.values()) all.push_back(value.name);
  return all;
}

struct Twice : Module {  // one module under two names
  Linear layer{3, 3};
  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return scope(layer(layer(x)));
  }
  void visit(Visitor& v) override {
    v("first", layer);
    v("second", layer);
  }
};

struct Silent : Module {  // does not show what it computes
  Linear layer{3, 3};
  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    return layer(x);
  }
  void visit(Visitor& v) override { v("layer", layer); }
};

}  // namespace

TEST_CASE("capture: every module's output, by its path, in the order of computation") {
  const GPT model = small_gpt(1);
  const std::vector<double> alone = model(some_tokens()).to_vector();
  const Captured seen = capture(model, some_tokens());
  std::vector<std::string> order = names(seen);
  std::sort(order.begin(), order.begin() + 2);  // wte(…) + wpe(…): C++ does not say which is first
  CHECK(order == std::vector<std::string>{"wpe", "wte", "drop", "h.0.ln_1", "h.0.attn.c_attn", "h.0.attn.c_proj",
                                          "h.0.attn.drop", "h.0.attn", "h.0.ln_2", "h.0.mlp.c_fc", "h.0.mlp.c_proj",
                                          "h.0.mlp.drop", "h.0.mlp", "h.0", "ln_f", "lm_head", ""});
  CHECK(seen[""].to_vector() == alone);  // seeing changes no bit
  CHECK(seen["h.0.attn"].shape() == Shape{2, 3, 8});
  CHECK(seen["h.0"].requires_grad());
  CHECK(watches == nullptr);
  const NoGrad off;
  CHECK_FALSE(capture(model, some_tokens())["h.0"].requires_grad());
}

TEST_CASE("capture: patterns name paths and points") {
  CHECK(path_matches("h.*", "h.3"));
  CHECK_FALSE(path_matches("h.*", "h.3.attn"));
  CHECK(path_matches("h.*.attn", "h.12.attn"));
  CHECK(path_matches("**", ""));
  CHECK(path_matches("**.c_proj", "h.0.mlp.c_proj"));
  CHECK_FALSE(path_matches("**.c_proj", "h.0.mlp"));
  CHECK_FALSE(path_matches("h", "h.0"));
  CHECK_FALSE(path_matches("*", ""));
  CHECK_FALSE(path_matches("*", "h.0"));
  const GPT model = small_gpt();
  CHECK(names(capture(model, some_tokens(), {"h.*"})) == std::vector<std::string>{"h.0", "h.1"});
  std::vector<std::string> points = names(capture(model, some_tokens(), {"h.1.attn:*", "h.0:middle"}));
  std::sort(points.begin(), points.end());
  CHECK(points == std::vector<std::string>{"h.0:middle", "h.1.attn:heads", "h.1.attn:k", "h.1.attn:q",
                                           "h.1.attn:scores", "h.1.attn:v", "h.1.attn:weights"});
  CHECK(names(capture(model, some_tokens(), {"**:weights"})) ==
        std::vector<std::string>{"h.0.attn:weights", "h.1.attn:weights"});
}

TEST_CASE("capture: the points of an attention are its formula, on the fused and on the plain path") {
  const GPT model = small_gpt();
  const Captured seen = capture(model, some_tokens(), {"h.0.attn:*", "h.0.attn.c_proj", ""});
  const std::string at = "h.0.attn:";
  const Tensor scores = matmul(seen[at + "q"], seen[at + "k"].transpose(-2, -1)) / 2.0;
  const Tensor weights = softmax(where(causal_mask(3), scores, -INFINITY), -1);
  CHECK(apart(seen[at + "weights"], weights) < 1e-6);
  CHECK(apart(where(causal_mask(3), seen[at + "scores"], 0.0), where(causal_mask(3), scores, 0.0)) < 1e-6);
  CHECK(apart(seen[at + "heads"], matmul(weights, seen[at + "v"])) < 1e-6);
  CHECK(apart(seen["h.0.attn.c_proj"], model.h[0].attn.c_proj(merge_heads(seen[at + "heads"]))) < 1e-6);
  CHECK(apart(seen[""], model(some_tokens())) < 1e-5);
  // The heads alone leave the fused path as it is.
  const Captured fused = capture(model, some_tokens(), {"h.0.attn:heads", ""});
  CHECK(fused[""].to_vector() == model(some_tokens()).to_vector());
  CHECK(apart(fused[at + "heads"], seen[at + "heads"]) < 1e-6);

  const MultiHead<ScaledDotScore> any(8, 2);
  const PerHeadAttention full(8, 4, 3);
  const GroupedQueryAttention grouped(8, 4, {.num_kv_heads = 2});
  const Tensor x = randn({2, 5, 8});
  CHECK(capture(any, x, {":heads"})[":heads"].shape() == Shape{2, 2, 5, 4});
  CHECK(capture(any, x, {"attention:weights"})["attention:weights"].shape() == Shape{2, 2, 5, 5});
  CHECK(capture(full, x, {":heads"})[":heads"].shape() == Shape{2, 3, 5, 4});
  CHECK(capture(grouped, x, {":k"})[":k"].shape() == Shape{2, 4, 5, 2});
}

TEST_CASE("capture: a call is any function, and gradients at captured values can be asked for") {
  const Linear first(3, 4), second(4, 1);
  const Sequential model(first, second);
  const Tensor x = randn({2, 3});
  Tensor loss;
  const Captured seen = capture(model, [&] { loss = sum(square(model(x))); }, {"0"});
  const Tensor g = grad(loss, {seen["0"]})[0];
  const Tensor expected = matmul(2.0 * second(seen["0"]), second.weight);
  CHECK(apart(g, expected) < 1e-6);
}

TEST_CASE("capture: several calls, a module with two names, another thread") {
  const GRUCell cell(2, 3);
  const Tensor x = randn({4, 2});
  const Captured seen = capture(cell, [&] { cell(x, cell(x)); });
  CHECK(seen.all("").size() == 2);
  CHECK(seen[""].to_vector() == cell(x, cell(x)).to_vector());
  const Twice twice;
  CHECK(names(capture(twice, ones({1, 3}))) == std::vector<std::string>{"first", "first", ""});
  CHECK(capture(twice, ones({1, 3}), {"second"}).values().size() == 2);  // the same module

  const Capture here(twice);
  std::thread([&] { twice(ones({1, 3})); }).join();
  CHECK(here.values().values().empty());
}

TEST_CASE("capture: a call within a call of the same module is a part of it") {
  const MultiHeadAttention attention(8, 2);
  const Tensor q = randn({1, 2, 8}), k = randn({1, 3, 8});
  CHECK(capture(attention, [&] { attention(q, k, k); }, {""}).values().size() == 1);  // it calls attend_to()
  CHECK(capture(attention, [&] { attention.attend_to(q, attention.keys_values(k, k)); }, {""}).values().size() == 1);
}

TEST_CASE("capture: errors name the nearest path, the patterns that named nothing, and what there is") {
  const GPT model = small_gpt();
  const std::string unknown = message_of([&] { capture(model, some_tokens(), {"h.0.atn"}); });
  CHECK(
      contains(unknown, "capture: \"h.0.atn\": GPT has no such module (did you mean h.0.attn?): there is \"\", wte, "));
  const Captured seen = capture(model, some_tokens(), {"h.*"});
  CHECK(contains(message_of([&] { seen["h.2"]; }), "Captured: \"h.2\": was not captured (did you mean h.1?)") ==
        false);  // h.0 is as near and comes first
  CHECK(contains(message_of([&] { seen["h.2"]; }), "Captured: \"h.2\": was not captured"));
  CHECK(contains(message_of([&] { seen["h.2"]; }), "there is h.0, h.1"));
  CHECK(contains(message_of([&] { capture(model, some_tokens(), {"**:wights"}); }),
                 "capture: \"**:wights\" (points that there were: heads hidden k middle q scores v weights)"));
  CHECK(contains(message_of([&] { capture(Silent(), ones({1, 3}), {""}); }),
                 "capture: \"\": the call computed no such value"));
  CHECK(capture(Silent(), ones({1, 3})).contains("layer"));
  CHECK_FALSE(capture(Silent(), ones({1, 3})).contains(""));
}

TEST_CASE("capture: heed's layers show their outputs") {
  const std::filesystem::path root = std::filesystem::path(HEED_TESTS_DIR).parent_path();
  const std::regex opens(R"(const (nn::)?Scope scope\(\*this\);)");
  int scopes = 0;
  for (const char* folder : {"nn", "examples"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string kind = entry.path().extension().string();
      if ((kind != ".h" && kind != ".cpp") || entry.path().filename() == "check_module.cpp") continue;
      std::ifstream file(entry.path());
      std::string line, since_blank, end;
      bool open = false;
      for (int number = 1; std::getline(file, line); ++number) {
        if (line.starts_with("//")) continue;
        since_blank = line.empty() ? "" : since_blank + line;
        if (std::regex_search(line, opens)) {
          // These prepare a call, and return no output of the module.
          open = !std::regex_search(since_blank, std::regex("(begin|encode|keys_values)\\("));
          end = std::string(line.find_first_not_of(' ') - 2, ' ') + "}";
          ++scopes;
        } else if (line.find("scope(") != std::string::npos) {
          open = false;
        }
        if (line == end) {
          INFO(entry.path().string() << ":" << number);
          CHECK_FALSE(open);
          open = false;
        }
      }
    }
  CHECK(scopes > 90);
}

TEST_CASE("logit_lens: the stream after each layer, through the last norm and the head") {
  const GPT model = small_gpt(3);
  const Tensor lens = logit_lens(model, some_tokens()), logits = model(some_tokens());
  CHECK(lens.shape() == Shape{4, 2, 3, 11});
  CHECK(lens[3].to_vector() == logits.to_vector());
  const Captured seen = capture(model, some_tokens(), {"drop", "h.1"});
  CHECK(apart(lens[0], model.lm_head(model.ln_f(seen["drop"]))) < 1e-6);
  CHECK(apart(lens[2], model.lm_head(model.ln_f(seen["h.1"]))) < 1e-6);
  const Llama llama({.vocab = 11, .context = 8, .width = 8, .hidden = 12, .layers = 2, .heads = 2});
  CHECK(apart(logit_lens(llama, some_tokens())[2], llama(some_tokens())) < 1e-6);
}

TEST_CASE("attention_rollout: the product of the layers' mean weights with half of the residual") {
  const GPT model = small_gpt();
  AttentionTrace trace;
  model(some_tokens());
  const Tensor rollout = attention_rollout(trace);
  CHECK(rollout.shape() == Shape{2, 3, 3});
  CHECK(apart(sum(rollout, -1), ones({2, 3})) < 1e-6);
  const auto half = [&](size_t i) { return 0.5 * mean(trace.entries()[i].weights, 1) + 0.5 * eye(3); };
  CHECK(apart(rollout, matmul(half(1), half(0))) < 1e-6);
  CHECK(apart(attention_rollout(trace, {.residual = 1.0}), eye(3).expand({2, 3, 3})) < 1e-6);
  CHECK(contains(message_of([&] { attention_rollout(trace, {.residual = 2.0}); }), "must lie in 0 … 1"));
  MultiHeadAttention(8, 2)(randn({2, 3, 8}), randn({2, 4, 8}), randn({2, 4, 8}));
  CHECK(contains(message_of([&] { attention_rollout(trace); }), "must be self-attention"));
  trace.clear();
  CHECK(contains(message_of([&] { attention_rollout(trace); }), "the trace is empty"));
}

TEST_CASE("apply: every module with its path, those inside first, as PyTorch's") {
  GPT model = small_gpt(1);
  std::vector<std::string> order;
  model.apply([&](const std::string& path, Module&) { order.push_back(path); });
  CHECK(order == std::vector<std::string>{"wte", "wpe", "drop", "h.0.ln_1", "h.0.attn.c_attn", "h.0.attn.c_proj",
                                          "h.0.attn.drop", "h.0.attn", "h.0.ln_2", "h.0.mlp.c_fc", "h.0.mlp.c_proj",
                                          "h.0.mlp.drop", "h.0.mlp", "h.0", "ln_f", "lm_head", ""});
  model.apply([](const std::string&, Module& m) {
    if (auto* const linear = dynamic_cast<Linear*>(&m)) constant_(linear->weight, 0.5);
  });
  CHECK(amax(model.h[0].mlp.c_fc.weight).item() == 0.5);
}
