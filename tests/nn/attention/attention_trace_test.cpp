#include "support/catch.h"

#include <thread>

#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/distance_kernels.h>
#include <heed/nn/attention/kernel_regression.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/multi_head_attention.h>
#include <heed/nn/models/gpt.h>
#include <heed/nn/models/llama.h>

using namespace heed;
using namespace heed::nn;

TEST_CASE("a trace collects the weights of every layer and head, with the layer's path") {
  manual_seed(1);
  const GPT model({.vocab = 11, .context = 8, .width = 8, .heads = 2, .layers = 3});
  const Tensor tokens = tensor_i64({1, 5, 10, 0, 3, 3}, {2, 3});
  const std::vector<double> alone = model(tokens).to_vector();
  AttentionTrace trace;
  CHECK(AttentionTrace::active());
  CHECK(model(tokens).to_vector() == alone);
  REQUIRE(trace.entries().size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    const AttentionEntry& entry = trace.entries()[i];
    CHECK(entry.path == "h." + std::to_string(i) + ".attn");
    CHECK(entry.weights.shape() == Shape{2, 2, 3, 3});
    CHECK_FALSE(entry.weights.requires_grad());
    CHECK(amax(abs(sum(entry.weights, -1) - 1.0)).item() < 1e-6);
    CHECK(entry.weights.slice(2, 0, 1).slice(3, 1, 3).to_vector() == std::vector<double>(8, 0.0));
  }
  trace.clear();
  CHECK(trace.entries().empty());
}

TEST_CASE("a trace keeps queries and keys if it is asked: the weights are made of them") {
  manual_seed(3);
  const Tensor tokens = tensor_i64({1, 5, 10, 0, 3, 3}, {2, 3});
  const GPT gpt({.vocab = 11, .context = 8, .width = 8, .heads = 2, .layers = 2});
  const Llama llama({.vocab = 11, .context = 8, .width = 8, .hidden = 8, .layers = 2, .heads = 4, .kv_heads = 2});
  const auto check_entries = [](const AttentionTrace& trace, int64_t heads, int64_t width) {
    REQUIRE(trace.entries().size() == 2);
    for (const AttentionEntry& e : trace.entries()) {
      CHECK(e.q.shape() == Shape{2, heads, 3, width});
      CHECK(e.k.shape() == Shape{2, heads, 3, width});
      CHECK_FALSE(e.q.requires_grad());
      const Tensor scores = where(causal_mask(3), matmul(e.q, e.k.transpose(-2, -1)) * e.scale, full({}, -1e9));
      CHECK(amax(abs(softmax(scores, -1) - e.weights)).item() < 1e-6);
    }
  };
  {
    AttentionTrace trace({.queries_and_keys = true});
    gpt(tokens);
    check_entries(trace, 2, 4);
    trace.clear();
    llama(tokens);
    check_entries(trace, 4, 2);
  }
  AttentionTrace trace;
  gpt(tokens);
  CHECK_FALSE(trace.entries()[0].q.defined());
}

TEST_CASE("the newest trace collects, on its own thread, any attention") {
  CHECK_FALSE(AttentionTrace::active());
  AttentionTrace outer;
  const NadarayaWatson model{Gaussian()};
  const Tensor x = linspace(0, 1, 4);
  {
    AttentionTrace inner;
    model(x, x, x);
    CHECK(inner.entries().size() == 1);
    CHECK(inner.entries()[0].path == "NadarayaWatson<heed::nn::Gaussian>");
    CHECK(inner.entries()[0].weights.shape() == Shape{4, 4});
  }
  CHECK(outer.entries().empty());
  std::thread([&] { model(x, x, x); }).join();
  CHECK(outer.entries().empty());
  attention(zeros({2, 3}), zeros({2, 3}), zeros({2, 3}));
  REQUIRE(outer.entries().size() == 1);
  CHECK(outer.entries()[0].path.empty());
}

TEST_CASE("a trace sees the same weights whether the layer forms them or not") {
  manual_seed(2);
  MultiHeadAttention layer(8, 2, {.dropout = 0.5});
  const Tensor x = randn({2, 5, 8});
  AttentionTrace trace;
  const Tensor weights = layer(x, {.causal = true, .need_weights = true}).weights;
  layer(x, {.causal = true});
  REQUIRE(trace.entries().size() == 2);
  CHECK(trace.entries()[0].weights.to_vector() == weights.to_vector());
  CHECK(trace.entries()[1].weights.to_vector() == weights.to_vector());
}
