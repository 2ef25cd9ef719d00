#include "support/catch.h"

#include <cmath>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include <heed/nn/layers/losses.h>
#include <heed/nn/models/gpt.h>
#include "support/errors.h"
#include "support/module_check.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

const GPTOptions small{.vocab = 11, .context = 6, .width = 8, .heads = 2, .layers = 2};
const GPTOptions tiny{.vocab = 5, .context = 4, .width = 4, .heads = 2, .layers = 1, .bias = true};

double std_of(const Tensor& x) { return std::sqrt(mean(square(x.detach().to(Dtype::f64))).item()); }

}  // namespace

TEST_CASE("GPT: names are nanoGPT's, and the head is tied to the embedding") {
  GPTOptions options = tiny;
  std::string names;
  for (const NamedTensor& entry : GPT(options).state_dict()) names += entry.name + " ";
  CHECK(names ==
        "wte.weight wpe.weight h.0.ln_1.weight h.0.ln_1.bias h.0.attn.c_attn.weight "
        "h.0.attn.c_attn.bias "
        "h.0.attn.c_proj.weight h.0.attn.c_proj.bias h.0.ln_2.weight h.0.ln_2.bias "
        "h.0.mlp.c_fc.weight h.0.mlp.c_fc.bias "
        "h.0.mlp.c_proj.weight h.0.mlp.c_proj.bias ln_f.weight ln_f.bias lm_head.weight ");
  const GPT model(small);
  CHECK(model.lm_head.weight.node() == model.wte.weight.node());
  CHECK(clone(model).lm_head.weight.node() != model.wte.weight.node());
  const GPT copy = clone(model);
  CHECK(copy.lm_head.weight.node() == copy.wte.weight.node());
  // nanoGPT's count for the published size, without positions: 10.65M.
  const GPT published;
  CHECK(published.num_parameters() - published.wpe.weight.numel() == 10646784);
}

TEST_CASE("theorem: a token changes no logits before it, bit by bit") {
  manual_seed(1);
  const GPT model(small);
  const Tensor a = tensor_i64({1, 2, 3, 4, 5}, {1, 5}), b = tensor_i64({1, 2, 3, 9, 5}, {1, 5});
  const Tensor x = model(a), y = model(b);
  REQUIRE(x.shape() == Shape{1, 5, 11});
  CHECK(x.slice(1, 0, 3).to_vector() == y.slice(1, 0, 3).to_vector());
  CHECK(x.slice(1, 3, 5).to_vector() != y.slice(1, 3, 5).to_vector());
}

TEST_CASE("GPT: the fused path equals the plain one, in loss and gradients") {
  manual_seed(2);
  GPT model(small);
  model.to(Dtype::f64);
  const Tensor tokens = randint(0, 11, {3, 6}), targets = randint(0, 11, {3, 6});
  std::vector<std::vector<Tensor>> grads;
  for (const bool plain : {true, false}) {
    set_plain_attention(plain);
    model.zero_grad();
    cross_entropy(model(tokens), targets).backward();
    grads.emplace_back();
    for (const Tensor& p : model.parameters()) grads.back().push_back(p.grad());
  }
  for (size_t i = 0; i < grads[0].size(); ++i) CHECK(amax(abs(grads[0][i] - grads[1][i])).item() < 1e-13);
}

TEST_CASE("GPT starts as nanoGPT, with a loss near ln V") {
  manual_seed(3);
  const GPT model({.vocab = 100, .context = 64, .width = 128, .heads = 4, .layers = 8, .bias = true});
  const double residual = 0.02 / std::sqrt(16.0);
  for (const NamedTensor& p : model.named_parameters()) {
    INFO(p.name);
    const bool is_norm = p.name.find("ln_") != std::string::npos;
    if (p.name.find("bias") != std::string::npos) CHECK(amax(abs(p.tensor.detach())).item() == 0.0);
    else if (is_norm) CHECK(p.tensor.to_vector() == std::vector<double>(128, 1.0));
    else CHECK(std_of(p.tensor) == Approx(p.name.find("c_proj") != std::string::npos ? residual : 0.02).epsilon(0.03));
  }
  const Tensor tokens = randint(0, 100, {4, 64});
  CHECK(cross_entropy(model(tokens), randint(0, 100, {4, 64})).item() == Approx(std::log(100.0)).epsilon(0.02));
}

TEST_CASE("GPT learns a sequence by heart") {
  manual_seed(4);
  GPT model(small);
  const Tensor tokens = tensor_i64({1, 5, 2, 8, 0, 3}, {1, 6}), targets = tensor_i64({5, 2, 8, 0, 3, 7}, {1, 6});
  double loss = 0;
  for (int step = 0; step < 150; ++step) {
    model.zero_grad();
    const Tensor l = cross_entropy(model(tokens), targets);
    loss = l.item();
    l.backward();
    const NoGrad no_history;
    for (Tensor p : model.parameters()) p.add_(p.grad(), -0.5);
  }
  CHECK(loss < 0.05);
}

TEST_CASE("GPT: weights decay where they multiply, gains and biases do not") {
  GPTOptions options = tiny;
  options.layers = 2;
  const GPT model(options);
  const DecayGroups groups = decay_groups(model);
  CHECK(groups.decay.size() == 2 + 2 * 4);
  CHECK(groups.no_decay.size() == model.parameters().size() - groups.decay.size());
  for (const Tensor& p : groups.no_decay) CHECK(p.dim() == 1);
}

TEST_CASE("GPT: dropout works while training only, at all its places") {
  manual_seed(5);
  GPTOptions options = small;
  options.dropout = 0.3;
  GPT model(options);
  const Tensor tokens = randint(0, 11, {2, 6});
  const uint64_t before = default_generator().counter();
  model(tokens);
  CHECK(default_generator().counter() - before == 1 + 2 * 3);  // embedding; weights, attention and MLP of each block
  {
    const NoGrad no_history;
    KeyValueCaches past = model.begin();
    model.step(tokens, past);  // drops at the same places
    CHECK(default_generator().counter() - before == 2 * (1 + 2 * 3));
  }
  model.eval();
  CHECK(model(tokens).to_vector() == model(tokens).to_vector());
}

TEST_CASE("GPT holds what layers must") {
  manual_seed(6);
  const Tensor x = randn({2, 3, 4});
  GPTOptions options = tiny;
  test::check_module(CausalSelfAttention(options), {x});
  test::check_module(MLP(options), {x});
  options.gelu_tanh = true;
  test::check_module(MLP(options), {x});
  test::check_module(Block(options), {x});
  test::check_module(GPT(options), {tensor_i64({1, 0, 4, 2, 2, 3}, {2, 3})});
}

TEST_CASE("GPT says what does not fit") {
  CHECK(message_of<ShapeError>([] { GPT({.width = 10, .heads = 3}); }) ==
        "GPT: width 10, 3 heads: every head gets an equal part: make the width a multiple of the "
        "heads");
  CHECK(message_of([] { GPT({.layers = 0}); }) == "GPT: vocab 65, context 256, layers 0: all must be positive");
  const GPT model(small);
  CHECK(message_of<ShapeError>([&] { model(tensor_i64(std::vector<int64_t>(7, 0), {1, 7})); }) ==
        "GPT: tokens (1, 7), context 6: must be (B, n) with n <= 6: keep the last 6 tokens [in GPT]");
  CHECK(message_of<ShapeError>([&] { model(tensor_i64({1, 2, 3, 0})); }) ==
        "GPT: tokens (4,): must be (B, n): give one sequence a batch axis with unsqueeze(0) [in GPT]");
  CHECK(message_of<DtypeError>([&] { model(zeros({1, 4})); }) ==
        "GPT: tokens float32 (1, 4): ids must be int64: convert them with to(Dtype::i64) [in GPT]");
  CHECK(message_of<ShapeError>([&] { model(zeros({1, 4, 8})); }) ==
        "GPT: tokens (1, 4, 8): must be (B, n): a token is one integer, not a vector: pass ids, the model embeds them "
        "itself [in GPT]");
  CHECK(message_of<IndexError>([&] { model(tensor_i64({1, 99}, {1, 2})); })
            .starts_with("embedding: table (11, 8), ids (1, 2): id 99 (entry 1) is outside the vocabulary: "
                         "ids run from 0 to 10"));
}
