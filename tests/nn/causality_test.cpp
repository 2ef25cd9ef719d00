#include "support/catch.h"

#include <heed/autograd/anomaly.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_layers.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/causality.h>
#include <heed/nn/layers/dropout.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/transformer.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::message_of;

namespace {

/// Layers of attention in a row, of which one may forget its mask.
struct Tower : Module {
  std::vector<MultiHeadAttention> layers;
  Linear head{8, 3};
  size_t forgetful;

  explicit Tower(size_t forgetful_) : forgetful(forgetful_) {
    for (int i = 0; i < 3; ++i) layers.emplace_back(8, 2);
  }
  Tensor operator()(Tensor x) const {
    const Scope scope(*this);
    for (size_t i = 0; i < layers.size(); ++i) x = x + layers[i](x, {.causal = i != forgetful}).output;
    return head(x);
  }
  void visit(Visitor& v) override {
    v("layers", layers);
    v("head", head);
  }
};

/// Adds the mean over all positions: the future comes in without any attention.
struct Averaging : Module {
  Linear first{4, 8}, second{8, 4};
  Tensor operator()(const Tensor& x) const {
    const Scope scope(*this);
    const Tensor y = first(x);
    return second(y + mean(y, 1, keepdim));
  }
  void visit(Visitor& v) override {
    v("first", first);
    v("second", second);
  }
};

}  // namespace

TEST_CASE("causality: a GPT uses no future token, and the check leaves no trace") {
  manual_seed(1);
  const GPT model({.vocab = 11, .context = 16, .width = 8, .heads = 2, .layers = 2});
  const Tensor tokens = randint(0, 11, {2, 7});
  const uint64_t before = default_generator().counter();
  CHECK_FALSE(causality_leak([&](const Tensor& x) { return model(x); }, tokens).has_value());
  check_causality([&](const Tensor& x) { return model(x); }, tokens);
  CHECK(default_generator().counter() == before);
  CHECK(observer == nullptr);
}

TEST_CASE("causality: the layer that forgot its mask is named") {
  for (size_t forgetful = 0; forgetful < 4; ++forgetful) {
    manual_seed(2);
    const Tower model(forgetful);
    const auto leak = causality_leak([&](const Tensor& x) { return model(x); }, randn({2, 5, 8}));
    REQUIRE(leak.has_value() == (forgetful < 3));
    if (!leak) continue;
    CHECK(leak->path == cat("layers.", forgetful));
    CHECK(leak->position == 0);
    CHECK(leak->future == 1);
    CHECK(leak->change > 0.0);
  }
}

TEST_CASE("causality: plain and fused paths, encoders and other attentions") {
  manual_seed(3);
  const TransformerEncoderLayer encoder(8, 2, {.dim_feedforward = 16, .dropout = 0.0});
  const Tensor x = randn({1, 5, 8});
  const auto path = [&](const auto& model) {
    const auto leak = causality_leak(model, x);
    return leak ? leak->path : std::string("none");
  };
  CHECK(path([&](const Tensor& y) { return encoder(y, {.causal = true}); }) == "none");
  CHECK(path([&](const Tensor& y) { return encoder(y); }) == "self_attn");
  const MultiHead heads(8, 2, Gaussian());
  CHECK(path([&](const Tensor& y) { return heads(y, {.causal = true}).output; }) == "none");
  CHECK(path([&](const Tensor& y) { return heads(y).output; }) == "attention");
  const SelfAttention self(8, 3);
  CHECK(path([&](const Tensor& y) { return self(y, {.mask = sliding_window_mask(5, 5, 2)}).output; }) == "none");
  CHECK(path([&](const Tensor& y) { return self(y, {.mask = sliding_window_mask(5, 5, 2, 1)}).output; }) ==
        "SelfAttention");
}

TEST_CASE("causality: a late leak is found where it begins") {
  // Position 3 sees one position after it, all others only the past.
  const auto model = [](const Tensor& x) {
    const Tensor mask = causal_mask(6) | (eq(arange(6), 4.0) & eq(arange(6).unsqueeze(1), 3.0));
    return attention(x, x, x, {.mask = mask}).output;
  };
  manual_seed(4);
  const auto leak = causality_leak(model, randn({1, 6, 3}));
  REQUIRE(leak.has_value());
  CHECK(leak->position == 3);
  CHECK(leak->future == 4);
  CHECK(leak->path.empty());  // there is no module here
}

TEST_CASE("causality: leaks without attention, along other axes, in tokens") {
  manual_seed(5);
  const Averaging averaging;
  CHECK(message_of([&] { check_causality([&](const Tensor& x) { return averaging(x); }, randn({2, 5, 4})); })
            .find("with inputs from 1 on: the future enters at add in Averaging: give that layer "
                  ".causal = true or a mask") != std::string::npos);
  const auto reversed = [](const Tensor& x) { return index_select(x, 0, tensor_i64({2, 1, 0})); };
  const auto leak = causality_leak(reversed, randn({3, 2}), {.axis = 0});
  REQUIRE(leak.has_value());
  CHECK(leak->op == "index_select");
  CHECK_FALSE(causality_leak([](const Tensor& x) { return cumsum(x, 0); }, randn({3, 2}), {.axis = 0}));
  const Embedding table(5, 4);
  const auto backwards = [&](const Tensor& tokens) {
    const Tensor y = table(tokens);
    return y + sum(y, 1, keepdim);
  };
  CHECK(causality_leak(backwards, tensor_i64({1, 0, 4, 2}, {1, 4})).has_value());
}

TEST_CASE("causality: other observers still see everything") {
  manual_seed(6);
  const auto bad = [](const Tensor& x) { return log(x * 0.0 - 1.0) + mean(x, 1, keepdim); };
  DetectAnomaly guard;
  CHECK_THROWS_AS(causality_leak(bad, randn({1, 4, 2})), Error);
}

TEST_CASE("causality: what cannot be judged is an error") {
  const auto same = [](const Tensor& x) { return x; };
  CHECK(message_of<ShapeError>([&] { check_causality(same, zeros({3}), {.axis = 1}); }) ==
        "check_causality: axis 1, input (3,): there is no such axis: give the axis of time");
  CHECK(
      message_of<ShapeError>(
          [&] { check_causality([](const Tensor& x) { return sum(x, 1, keepdim); }, zeros({2, 3})); }) ==
      "check_causality: input (2, 3), output (2, 1): axis 1 differs: a causal model must have one output per position");
  CHECK(message_of([&] { check_causality([](const Tensor& x) { return dropout(x, 0.5); }, ones({4, 30})); }) ==
        "check_causality: input (4, 30): two calls give different outputs: switch "
        "dropout off with eval()");
  CHECK(message_of([&] { check_causality(same, tensor_i64({0, 0}, {1, 2})); }) ==
        "check_causality: input (1, 2): all tokens are 0, so the future cannot be replaced: use tokens from the whole "
        "vocabulary");
  CHECK(message_of<DtypeError>([&] { check_causality(same, causal_mask(3)); }) ==
        "check_causality: input bool (3, 3): is neither floating nor tokens, so the future cannot be replaced: pass "
        "one of these");
}
