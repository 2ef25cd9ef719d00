#include "support/catch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include <heed/autograd/ops.h>
#include <heed/nn/models/generate.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

using Tokens = std::vector<int64_t>;

GPT gpt() {
  manual_seed(5);
  GPT model({.vocab = 13, .context = 12, .width = 16, .heads = 2, .layers = 2});
  for (Tensor p : model.parameters()) p.detach().copy_(p.detach() * 8.0);  // so that the likeliest token varies
  model.eval();
  return model;
}

Llama llama() {
  manual_seed(6);
  Llama model({.vocab = 13, .context = 12, .width = 16, .hidden = 24, .layers = 2, .heads = 4, .kv_heads = 2});
  for (Tensor p : model.parameters()) p.detach().copy_(p.detach() * 8.0);
  model.eval();
  return model;
}

// The likeliest continuation, with everything computed again at each step, and the window rolled as generate() says.
template <class Model> Tokens plainly(const Model& model, Tokens tokens, int64_t count) {
  const NoGrad no_history;
  const auto context = static_cast<size_t>(model.options.context);
  const size_t prompt = tokens.size();
  size_t first = prompt > context ? prompt - context : 0;
  for (int64_t i = 0; i < count; ++i) {
    if (tokens.size() - first > context) first = tokens.size() - context / 2;
    const Tokens window(tokens.begin() + static_cast<int64_t>(first), tokens.end());
    const auto n = static_cast<int64_t>(window.size());
    tokens.push_back(static_cast<int64_t>(argmax(model(tensor_i64(window, {1, n}))[0][n - 1], -1).item()));
  }
  return {tokens.begin() + static_cast<int64_t>(prompt), tokens.end()};
}

template <class Model> void check_greedy(const Model& model) {
  const GenerateOptions greedy{.max_tokens = 40, .sampling = {.temperature = 0}};
  const std::vector<Tokens> prompts = {{1, 2, 3}, {4}, {5, 6, 7, 8, 9, 10}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  for (const Tokens& prompt : prompts) {
    const Tokens found = generate(model, {prompt}, greedy).front().tokens;
    CHECK(found == plainly(model, prompt, 40));
    CHECK(std::set<int64_t>(found.begin(), found.end()).size() > 2);
  }
  const Tokens longer = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1, 2};
  CHECK(generate(model, {longer}, greedy).front().tokens == plainly(model, longer, 40));
}

}  // namespace

TEST_CASE("generate: with a cache, the tokens are those of computing everything again, past the context too") {
  check_greedy(gpt());
  check_greedy(llama());
}

TEST_CASE("generate: each text of a batch is continued as if it were alone") {
  const GPT model = gpt();
  const GenerateOptions greedy{.max_tokens = 8, .sampling = {.temperature = 0}};
  const std::vector<Tokens> prompts = {{1, 2, 3}, {4}, {5, 6}};
  const std::vector<Generated> all = generate(model, prompts, greedy);
  REQUIRE(all.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(all[i].tokens == generate(model, {prompts[i]}, greedy).front().tokens);
  CHECK(generate(model, {}, greedy).empty());
}

TEST_CASE("generate: prompts longer than the context are continued as if each were alone, beside short ones") {
  const GPT model = gpt();
  GenerateOptions greedy{.max_tokens = 30, .sampling = {.temperature = 0}};
  Tokens long_one, longer;
  for (int64_t i = 0; i < 17; ++i) longer.push_back((i * i + 3) % 13);
  for (int64_t i = 0; i < 13; ++i) long_one.push_back((i * 5 + 1) % 13);
  const std::vector<Tokens> prompts = {longer, {4}, long_one, {5, 6}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, longer};
  std::vector<Tokens> seen(prompts.size());
  greedy.on_token = [&](int64_t text, int64_t token) {
    seen[static_cast<size_t>(text)].push_back(token);
    return true;
  };
  const std::vector<Generated> all = generate(model, prompts, greedy);
  REQUIRE(all.size() == prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    CHECK(all[i].tokens == plainly(model, prompts[i], 30));
    CHECK(seen[i] == all[i].tokens);
  }
}

TEST_CASE("generate: logits of a text that has ended, or whose prompt is still being read, are not looked at") {
  // Text 0 ends after one token, text 1 has a prompt of four: their logits are then NaN, or all -inf.
  for (const double odd : {std::nan(""), -HUGE_VAL})
    for (const SamplingOptions sampling : {SamplingOptions{.temperature = 0}, SamplingOptions{.top_k = 1}}) {
      int64_t position = 0;
      const CachedModel model{.step =
                                  [&](const Tensor& tokens) {
                                    position += tokens.size(1);
                                    Tensor logits = one_hot(full({2}, 3, Dtype::i64), 5).to(Dtype::f32);
                                    if (position > 1) logits[0].fill_(odd);
                                    if (position < 4) logits[1].fill_(odd);
                                    return logits;
                                  },
                              .restart = [] {},
                              .context = 20};
      const std::vector<Generated> texts = generate(
          model, {{1}, {1, 2, 1, 2}},
          {.max_tokens = 3, .sampling = sampling, .on_token = [](int64_t text, int64_t) { return text == 1; }});
      CHECK(texts[0].tokens == Tokens{3});
      CHECK(texts[1].tokens == Tokens{3, 3, 3});
    }
}

TEST_CASE("generate: what a step of one's own returns is checked, and a missing function named") {
  int calls = 0;
  const auto message = [&](const std::function<Tensor(int call)>& step) {
    calls = 0;
    const CachedModel model{.step = [&](const Tensor&) { return step(++calls); }, .restart = [] {}, .context = 8};
    return message_of<Error>([&] { generate(model, {{1, 2}, {3, 4}, {5, 6}}, {.max_tokens = 3}); });
  };
  CHECK(message([](int) { return zeros({3, 7}); }) == "no error");
  CHECK(message([](int) { return zeros({1, 7}); }) ==
        "generate: step() of tokens (3, 2) returned logits (1, 7): must be (3, V), one row per text, with a logit for "
        "each token");
  CHECK(message([](int) { return zeros({4, 7}); }).find("(4, 7): must be (3, V)") != std::string::npos);
  CHECK(message([](int) { return zeros({3, 0}); }).find("(3, 0): must be (3, V)") != std::string::npos);
  CHECK(
      message([](int) { return zeros({3, 2, 7}); }) ==
      "generate: step() of tokens (3, 2) returned logits (3, 2, 7): must be (3, V), one row per text, with a logit for "
      "each token: return those of the last position, logits.select(1, -1)");
  CHECK(message([](int call) { return zeros({call == 1 ? 3 : 2, 7}); }).find("tokens (3, 1) returned logits (2, 7)") !=
        std::string::npos);
  CHECK(message([](int call) { return zeros({3, call == 1 ? 7 : 8}); }) ==
        "generate: step() of tokens (3, 1) returned logits (3, 8), those before had V = 7: V must be the same at every "
        "step");
  CHECK(message([](int) { return zeros({3, 7}, Dtype::i64); }) ==
        "generate: step() of tokens (3, 2) returned logits int64: must be f32 or f64");
  CHECK(message([](int) { return Tensor(); }) ==
        "generate: step() of tokens (3, 2) returned an empty Tensor: must return logits (B, V)");
  const auto step = [](const Tensor&) { return zeros({1, 7}); };
  CHECK(message_of<Error>([&] { generate(CachedModel{nullptr, [] {}, 8}, {{1}}); }) ==
        "generate: the model's step is empty: give a function of tokens (B, n) that returns the logits (B, V) of the "
        "next token");
  CHECK(
      message_of<Error>([&] { generate(CachedModel{step, nullptr, 8}, {{1}}); }) ==
      "generate: the model's restart is empty: give a function that forgets all tokens, [] {} if step() keeps nothing");
}

TEST_CASE("generate: ends at a stop token, a stop string, on_token, or max_tokens") {
  const GPT model = gpt();
  const GenerateOptions greedy{.max_tokens = 20, .sampling = {.temperature = 0}};
  const Tokens whole = generate(model, {{1, 2, 3}}, greedy).front().tokens;
  REQUIRE(whole.size() == 20);
  CHECK_FALSE(generate(model, {{1, 2, 3}}, greedy).front().stopped);
  const auto first_of = [&](int64_t token) { return std::find(whole.begin(), whole.end(), token) - whole.begin(); };

  GenerateOptions o = greedy;
  const int64_t last = whole[5];
  o.stop_tokens = {last};
  Generated text = generate(model, {{1, 2, 3}}, o).front();
  CHECK(text.stopped);
  CHECK(text.tokens == Tokens(whole.begin(), whole.begin() + first_of(last)));

  o = greedy;
  o.bytes_of = [](int64_t token) { return std::string(1, static_cast<char>('a' + token)); };
  std::string spelled;
  for (const int64_t token : whole) spelled += o.bytes_of(token);
  o.stop_strings = {"no such", spelled.substr(4, 3)};
  text = generate(model, {{1, 2, 3}}, o).front();
  CHECK(text.stopped);
  CHECK(text.tokens.size() == spelled.find(spelled.substr(4, 3)) + 3);

  o = greedy;
  Tokens seen;
  o.on_token = [&](int64_t row, int64_t token) {
    CHECK(row == 0);
    seen.push_back(token);
    return seen.size() < 3;
  };
  text = generate(model, {{1, 2, 3}}, o).front();
  CHECK(text.stopped);
  CHECK(text.tokens == Tokens(whole.begin(), whole.begin() + 3));
  CHECK(seen == text.tokens);

  o = greedy;
  o.max_tokens = 0;
  CHECK(generate(model, {{1, 2, 3}}, o).front().tokens.empty());
}

TEST_CASE("generate: the same seed gives the same text, another one another") {
  const Llama model = llama();
  const auto text = [&](uint64_t seed) {
    Generator generator(seed);
    return generate(model, {{1}}, {.max_tokens = 30, .generator = &generator}).front().tokens;
  };
  CHECK(text(1) == text(1));
  CHECK(text(1) != text(2));
  manual_seed(3);
  const Tokens from_default = generate(model, {{1}}, {.max_tokens = 30}).front().tokens;
  CHECK(from_default == text(3));
}

TEST_CASE("generate: caches have room for what is needed, and not for the whole context") {
  CHECK(positions_needed({{1, 2, 3}, {1}}, 5, 100) == 8);
  CHECK(positions_needed({{1, 2, 3}}, 5, 6) == 6);
  CHECK(positions_needed({{1, 2, 3}}, INT64_MAX, 6) == 6);
  CHECK(positions_needed({{1, 2, 3, 4, 5, 6, 7}}, 1, 6) == 6);
  CHECK(positions_needed({}, 5, 100) == 6);
  CHECK(positions_needed({{1}}, -1, 100) == 1);

  // A context of 2^40 tokens: a cache for all of them would be refused.
  struct Successor {  // the next token is one more; the "keys" are the tokens themselves
    struct {
      int64_t context = int64_t{1} << 40;
    } options;
    KeyValueCaches begin() const { return {1, options.context}; }
    Tensor step(const Tensor& tokens, KeyValueCaches& past) const {
      const Tensor t = tokens.to(Dtype::f32).unsqueeze(1).unsqueeze(-1);
      const Tensor all = past.layers[0].append({t, t}).k;
      return one_hot((all.select(2, all.size(2) - 1).reshape({tokens.size(0)}) + 1.0).to(Dtype::i64), 50)
          .to(Dtype::f32);
    }
  };
  static_assert(GenerativeModel<Successor>);
  CHECK(generate(Successor(), {{1, 2}, {7}}, {.max_tokens = 4, .sampling = {.temperature = 0}})[1].tokens ==
        Tokens{8, 9, 10, 11});
}

TEST_CASE("generate: a model that is not one for it does not compile, and says what it lacks") {
  struct Options {
    int64_t context = 4;
  };
  struct WithoutStep {
    Options options;
    KeyValueCaches begin() const { return {1, 4}; }
  };
  struct StepChangesIt : WithoutStep {
    Tensor step(const Tensor& tokens, KeyValueCaches&) { return tokens; }
  };
  struct WithoutBegin {
    Options options;
    Tensor step(const Tensor& tokens, KeyValueCaches&) const { return tokens; }
  };
  CHECK(GenerativeModel<GPT>);
  CHECK(GenerativeModel<Llama>);
  CHECK_FALSE(GenerativeModel<WithoutStep>);
  CHECK_FALSE(GenerativeModel<StepChangesIt>);
  CHECK_FALSE(GenerativeModel<WithoutBegin>);
  CHECK_FALSE(GenerativeModel<Linear>);
}

TEST_CASE("generate: mistakes are refused with a message") {
  const GPT model = gpt();
  CHECK(message_of<Error>([&] { generate(model, {{1}, {}}); }) ==
        "generate: prompt 1 is empty: give at least one token, for example the one that begins a text");
  CHECK(message_of<Error>([&] { generate(model, {{1}}, {.max_tokens = -1}); }) ==
        "generate: max_tokens -1: must not be negative");
  CHECK(message_of<Error>([&] { generate(model, {{1}}, {.stop_strings = {"x"}}); }) ==
        "generate: 1 stop strings, but no bytes_of: give the function that returns a token's bytes");
  CHECK(message_of<Error>([&] {
          generate(model, {{1}}, {.sampling = {.top_p = 0}});
        }).find("generate: temperature 1, ") == 0);
  CHECK_THROWS_AS(generate(model, {{99}}), IndexError);
}
