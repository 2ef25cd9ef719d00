#include "support/catch.h"

#include <cmath>
#include <cstring>
#include <string>

#include <heed/autograd/ops.h>
#include <heed/nn/init.h>
#include <heed/nn/layers/linear.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/lora.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>
#include <heed/optim/optim.h>
#include "support/apart.h"
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

GPT small() {
  manual_seed(4);
  return GPT({.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 2});
}

}  // namespace

TEST_CASE("LoRA: at first nothing changes, then only the adapters are trained, and a merge gives the same model") {
  GPT model = small();
  const Tensor tokens = tensor_i64({1, 2, 3, 4, 5, 6}, {1, 6}), targets = tensor_i64({2, 3, 4, 5, 6, 7}, {1, 6});
  const Tensor before = model(tokens).detach();
  const StateDict weights = clone(model).state_dict();
  CHECK(add_low_rank(model, {.rank = 2}) == 8);  // four in each block; lm_head is tied
  CHECK(test::apart(model(tokens), before) == 0);
  CHECK(model.num_parameters() == 2 * 2 * ((8 + 24) + (8 + 8) + (8 + 32) + (32 + 8)));

  optim::AdamW adamw(model.parameters(), {.lr = 0.05});
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    adamw.zero_grad();
    const Tensor loss = cross_entropy(model(tokens), targets);
    (step == 0 ? first : last) = loss.item();
    loss.backward();
    adamw.step();
  }
  CHECK(last < first - 0.05);  // the embedding, which is also the head, stays small
  const StateDict adapted = model.state_dict();
  for (const NamedTensor& entry : weights) CHECK(test::apart(*adapted.find(entry.name), entry.tensor) == 0);
  CHECK(adapted.find("h.1.attn.c_attn.lora_A")->shape() == Shape({2, 8}));
  CHECK(adapted.find("h.1.attn.c_attn.lora_B")->shape() == Shape({24, 2}));

  const GPT copy = clone(model);
  const Tensor logits = model(tokens).detach();
  merge_low_rank(model);
  CHECK(test::apart(model(tokens), logits) < 1e-5);
  CHECK(model.state_dict().find("h.1.attn.c_attn.lora_A") == nullptr);
  CHECK(model.parameters().size() == small().parameters().size());
  CHECK(test::apart(copy(tokens), logits) == 0);  // the copy has adapters of its own
}

TEST_CASE("LoRA: layers are chosen by name, gradients pass the checks of a layer") {
  GPT model = small();
  CHECK(add_low_rank(model, {.rank = 1, .layers = {"c_attn"}}) == 2);
  CHECK(message_of<Error>([&] { add_low_rank(model, {.layers = {"c_attn"}}); }) ==
        "add_low_rank: h.0.attn.c_attn: has an adapter already: call merge_low_rank() first");
  CHECK(message_of<Error>([&] {
          add_low_rank(model, {.layers = {"q_proj"}});
        }).find("none of its Linear layers is named \"q_proj\"") != std::string::npos);
  CHECK(message_of<Error>([&] {
          add_low_rank(model, {.layers = {"c_proj", "c_porj"}});
        }).find("none of its Linear layers is named \"c_porj\"") != std::string::npos);
  CHECK(message_of<Error>([&] { add_low_rank(model, {.rank = 0, .layers = {"c_proj"}}); }) ==
        "add_low_rank: rank 0: must be positive");
  Linear linear(3, 2);
  linear.low_rank.emplace(3, 2, LowRankOptions{.rank = 2});
  normal_(linear.low_rank->lora_B);
  test::check_module(linear, {randn({4, 3})});
}

TEST_CASE("LoRA: what is refused leaves the model as it was") {
  Llama model({.vocab = 7, .context = 5, .width = 8, .hidden = 6, .layers = 1, .heads = 2, .tied = true});
  const auto refused = [&](const LoRAOptions& options) {
    const std::string text = message_of([&] { add_low_rank(model, options); });
    CHECK(test::follows_grammar(text));
    CHECK(model.state_dict().size() == 12);  // no adapter
    for (const Tensor& parameter : model.parameters()) CHECK(parameter.requires_grad());
    return text;
  };
  CHECK(refused({.rank = 0}) == "add_low_rank: rank 0: must be positive");
  CHECK(refused({.alpha = std::nan("")}) ==
        "add_low_rank: alpha nan: must be a number other than 0, by which the product is scaled");
  CHECK(refused({.alpha = 0}).find("alpha 0: must be a number other than 0") != std::string::npos);
  CHECK(!refused({.rank = int64_t{1} << 60}).empty());
  CHECK(refused({.layers = {"lm_head"}}) ==
        "add_low_rank: lm_head: its weight is also another layer's, which a merge would change: leave it out");
  CHECK(refused({.layers = {"no_such"}}).find("none of its Linear layers is named \"no_such\"") != std::string::npos);
  CHECK(add_low_rank(model) == 7);  // all but lm_head
}

TEST_CASE("LoRA: adapters have the dtype of their weight") {
  Linear layer(3, 2);
  layer.to(Dtype::f64);
  CHECK(add_low_rank(layer, {.rank = 1}) == 1);
  CHECK(layer.low_rank->lora_A.dtype() == Dtype::f64);
  CHECK(layer(ones({1, 3}, Dtype::f64)).dtype() == Dtype::f64);
  CHECK(layer.low_rank->lora_A.requires_grad());
}

TEST_CASE("LoRA: a copy of a layer shares its adapter, which is merged once") {
  Linear layer(3, 2);
  add_low_rank(layer, {.rank = 2});
  normal_(layer.low_rank->lora_B);
  Linear copy = layer;
  const Tensor x = randn({4, 3}), y = layer(x);
  merge_low_rank(copy);
  CHECK(test::apart(copy(x), y) < 1e-5);
  CHECK(test::apart(layer(x), y) < 1e-5);
}
