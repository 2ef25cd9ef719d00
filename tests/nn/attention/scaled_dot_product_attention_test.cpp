#include "support/apart.h"
#include "support/catch.h"

#include <heed/autograd/engine.h>
#include <heed/autograd/gradcheck.h>
#include <heed/autograd/ops.h>
#include <heed/nn/attention/attention_trace.h>
#include <heed/nn/attention/masks.h>
#include <heed/nn/attention/scaled_dot_product_attention.h>
#include "support/errors.h"

using namespace heed;
using namespace heed::nn;
using test::apart;
using test::message_of;

namespace {

struct Result {
  Tensor y;
  std::vector<Tensor> grads;
};

// Value and gradients by q, k and v, from the same state of the generator each time.
Result run(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o, bool plain) {
  manual_seed(6);
  const Tensor a = parameter(q), b = parameter(k), c = parameter(v);
  const Tensor y = plain ? attention(a, b, c, o).output : scaled_dot_product_attention(a, b, c, o);
  manual_seed(77);
  y.backward(randn(y.shape(), y.dtype()));
  return {y.detach(), {a.grad(), b.grad(), c.grad()}};
}

void check_equal(const char* what, const Shape& q, const Shape& k, const Shape& v, const AttentionOptions& o) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    INFO(what << " in " << dtype);
    manual_seed(5);
    const Tensor a = randn(q, dtype), b = randn(k, dtype), c = randn(v, dtype);
    const Result plain = run(a, b, c, o, true), fused = run(a, b, c, o, false);
    const double near = dtype == Dtype::f32 ? 1e-5 : 1e-13;
    REQUIRE(fused.y.shape() == plain.y.shape());
    CHECK(apart(fused.y, plain.y) < near);
    for (size_t i = 0; i < 3; ++i) {
      INFO("gradient of input " << i);
      CHECK(apart(fused.grads[i], plain.grads[i]) < 4 * near);
    }
  }
}

}  // namespace

TEST_CASE("fused attention equals the plain one, in values and gradients") {
  const Tensor dense = tensor({1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1}, {3, 5}).to(Dtype::boolean);
  manual_seed(1);
  const Tensor random = rand({2, 1, 70, 150}) < 0.3;
  const std::pair<const char*, AttentionOptions> options[] = {{"plain", {}},
                                                              {"causal", {.causal = true}},
                                                              {"scale", {.scale = 0.2}},
                                                              {"dropout", {.dropout = 0.3}},
                                                              {"causal and dropout", {.causal = true, .dropout = 0.5}},
                                                              {"all dropped", {.dropout = 1.0}}};
  for (const auto& [what, o] : options) {
    check_equal(what, {2, 2, 3, 4}, {2, 2, 5, 4}, {2, 2, 5, 6}, o);
    check_equal(what, {2, 2, 5, 4}, {2, 2, 3, 4}, {2, 2, 3, 4},
                o);  // causal: two queries see nothing
    check_equal(what, {1, 2, 70, 16}, {1, 2, 150, 16}, {1, 2, 150, 16},
                o);  // more than one block of keys
    check_equal(what, {3, 4}, {5, 4}, {5, 2}, o);
    check_equal(what, {2, 3, 4}, {2, 5, 4}, {2, 5, 2}, o);
  }
  check_equal("mask with an empty row", {2, 2, 3, 4}, {2, 2, 5, 4}, {2, 2, 5, 4}, {.mask = dense});
  check_equal("large mask, causal", {2, 2, 70, 8}, {2, 2, 150, 8}, {2, 2, 150, 8}, {.mask = random, .causal = true});
  check_equal("mask and padding", {2, 2, 3, 4}, {2, 2, 5, 4}, {2, 2, 5, 4},
              {.mask = dense, .key_mask = padding_mask({5, 0}, 5), .dropout = 0.3});
  check_equal("padding, three axes", {2, 3, 4}, {2, 5, 4}, {2, 5, 4}, {.key_mask = padding_mask({5, 2}, 5)});
  check_equal("broadcast batch", {2, 2, 3, 4}, {1, 1, 5, 4}, {2, 1, 5, 4}, {.causal = true});
}

TEST_CASE("heads that are cut from one tensor need no copy") {
  manual_seed(2);
  for (const AttentionOptions& o : {AttentionOptions{}, AttentionOptions{.causal = true, .dropout = 0.4},
                                    AttentionOptions{.key_mask = padding_mask({7, 3}, 7)}})
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      const Tensor qkv = randn({2, 7, 36}, dtype), seed = randn({2, 7, 12}, dtype);
      std::vector<Tensor> y, grads;
      for (const bool plain : {true, false}) {
        set_plain_attention(plain);
        default_generator().set_counter(50);
        const Tensor x = parameter(qkv);
        y.push_back(packed_attention(x, 3, o));
        y.back().backward(seed);
        grads.push_back(x.grad());
      }
      CHECK(y[1].shape() == Shape{2, 7, 12});
      CHECK(apart(y[0], y[1]) < (dtype == Dtype::f32 ? 1e-5 : 1e-13));
      CHECK(apart(grads[0], grads[1]) < (dtype == Dtype::f32 ? 4e-5 : 4e-13));
    }
}

TEST_CASE("gradients of fused attention, first and second order") {
  manual_seed(3);
  const auto f64 = [](const Shape& shape) { return randn(shape, Dtype::f64); };
  const Tensor mask = tensor({1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 1}, {3, 4}).to(Dtype::boolean);
  for (const AttentionOptions& o :
       {AttentionOptions{}, AttentionOptions{.mask = mask}, AttentionOptions{.causal = true, .scale = 0.7}})
    gradcheck([&](const std::vector<Tensor>& in) { return scaled_dot_product_attention(in[0], in[1], in[2], o); },
              {f64({2, 1, 3, 2}), f64({2, 1, 4, 2}), f64({2, 1, 4, 3})});
  gradcheck([](const Tensor& x) { return packed_attention(x, 2, {.causal = true}); }, f64({1, 4, 12}));
  gradcheck(
      [](const Tensor& x) {
        default_generator().set_counter(9);
        return packed_attention(x, 2, {.dropout = 0.3});
      },
      f64({1, 4, 12}));
}

TEST_CASE("grouped heads: fused equals plain, with each head of keys repeated") {
  for (const int64_t groups : {1, 2, 3}) {
    for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
      manual_seed(8);
      const Tensor q = randn({2, 6, 5, 4}, dtype), k = randn({2, groups, 7, 4}, dtype),
                   v = randn({2, groups, 7, 3}, dtype), seed = randn({2, 6, 5, 3}, dtype);
      for (const AttentionOptions& o :
           {AttentionOptions{.causal = true}, AttentionOptions{.key_mask = padding_mask({7, 4}, 7), .dropout = 0.3}}) {
        std::vector<std::vector<Tensor>> results;
        for (const bool plain : {true, false}) {
          default_generator().set_counter(70);
          const Tensor a = parameter(q), b = parameter(k), c = parameter(v);
          const Tensor y = plain ? attention(a, repeat_heads(b, 6), repeat_heads(c, 6), o).output
                                 : scaled_dot_product_attention(a, b, c, o);
          y.backward(seed);
          results.push_back({y.detach(), a.grad(), b.grad(), c.grad()});
        }
        for (size_t i = 0; i < 4; ++i)
          CHECK(apart(results[0][i], results[1][i]) < (dtype == Dtype::f32 ? 4e-5 : 4e-13));
      }
      set_plain_attention(true);
      const Tensor plain = scaled_dot_product_attention(q, k, v);
      set_plain_attention(false);
      CHECK(apart(scaled_dot_product_attention(q, k, v), plain) < 1e-5);
      CHECK(apart(scaled_dot_product_attention(q, k, v, {.mask = zeros({5, 7}, dtype)}), plain) < 1e-5);
      const AttentionTrace trace;
      scaled_dot_product_attention(q, k, v);
      CHECK(trace.entries().at(0).weights.shape() == Shape{2, 6, 5, 7});
    }
  }
  manual_seed(9);
  gradcheck(
      [](const std::vector<Tensor>& in) { return scaled_dot_product_attention(in[0], in[1], in[2], {.causal = true}); },
      {randn({1, 4, 3, 2}, Dtype::f64), randn({1, 2, 3, 2}, Dtype::f64), randn({1, 2, 3, 2}, Dtype::f64)});
}

TEST_CASE("fused attention draws one random number per call if it drops, and none if not") {
  const Tensor x = zeros({1, 1, 2, 2});
  const uint64_t before = default_generator().counter();
  scaled_dot_product_attention(x, x, x);
  CHECK(default_generator().counter() == before);
  scaled_dot_product_attention(x, x, x, {.dropout = 0.5});
  CHECK(default_generator().counter() == before + 1);
}

TEST_CASE("a trace changes no result and sees the weights before dropout") {
  manual_seed(4);
  const Tensor q = randn({2, 3, 5, 4}), k = randn({2, 3, 6, 4}), v = randn({2, 3, 6, 4});
  const AttentionOptions o{.causal = true, .dropout = 0.3};
  const uint64_t counter = default_generator().counter();
  const Tensor alone = scaled_dot_product_attention(q, k, v, o);
  default_generator().set_counter(counter);
  const AttentionTrace trace;
  const Tensor watched = scaled_dot_product_attention(q, k, v, o);
  CHECK(alone.to_vector() == watched.to_vector());
  REQUIRE(trace.entries().size() == 1);
  CHECK(trace.entries()[0].weights.to_vector() == attention(q, k, v, {.causal = true}).weights.to_vector());
  packed_attention(randn({2, 4, 12}), 2);
  CHECK(trace.entries().back().weights.shape() == Shape{2, 2, 4, 4});
}

TEST_CASE("fused attention says what does not fit") {
  CHECK(message_of<ShapeError>([] { scaled_dot_product_attention(zeros({3, 4}), zeros({5, 2}), zeros({5, 2})); }) ==
        "scaled_dot_product_attention: queries (3, 4), keys (5, 2): must be (…, n, d) and (…, m, d): the "
        "last axes differ: project one of them to the other's width");
  CHECK(message_of<ShapeError>([] {
          scaled_dot_product_attention(zeros({2, 3, 4}), zeros({2, 4, 5}), zeros({2, 5, 4}));
        }).ends_with("the keys look transposed: put one key in each row with k.transpose(-2, -1)"));
  CHECK(message_of<ShapeError>([] { scaled_dot_product_attention(zeros({3, 4}), zeros({5, 4}), zeros({4, 2})); }) ==
        "scaled_dot_product_attention: queries (3, 4), keys (5, 4), values (4, 2): must be (…, n, d), "
        "(…, m, d) and (…, m, p): one value per key");
  CHECK(message_of([] {
          scaled_dot_product_attention(zeros({3, 4}), zeros({5, 4}), zeros({5, 2}),
                                       {.normaliser = Normaliser::kernel_sum});
        }) == "scaled_dot_product_attention: a normaliser other than softmax: use attend(), which supports all");
  CHECK(message_of<ShapeError>([] { packed_attention(zeros({1, 2, 12}), 3); }) ==
        "packed_attention: (1, 2, 12), 3 heads: must be (B, n, 3E) with E a multiple of the heads");
  CHECK(message_of<DtypeError>([] {
          packed_attention(zeros({1, 2, 12}), 2, {.mask = tensor_i64({1, 0})});
        }).find("packed_attention: mask int64 (2,): a mask is boolean") == 0);
}

TEST_CASE("what all scores of a row share changes neither the fused attention nor its gradient, by one bit") {
  // Scores are shared + q k, all exact; the values' gradient is made of the weights alone.
  const auto gradient = [](double shared) {
    manual_seed(4);
    const Tensor whole = round(randn({1, 1, 5, 1}) * 16.0) / 8.0, keys = round(randn({1, 1, 300, 1}) * 8.0) / 8.0;
    const Tensor q = cat({whole, ones({1, 1, 5, 1})}, -1), k = cat({keys, full({1, 1, 300, 1}, shared)}, -1);
    const Tensor v = parameter(randn({1, 1, 300, 3}));
    const Tensor y = scaled_dot_product_attention(parameter(q), k, v, {.scale = 1.0});
    y.backward(ones_like(y));
    std::vector<double> numbers = v.grad().to_vector(), output = y.to_vector();
    numbers.insert(numbers.end(), output.begin(), output.end());
    return numbers;
  };
  CHECK(gradient(4096) == gradient(0));
  CHECK(gradient(-65536) == gradient(0));
}

TEST_CASE("each sequence of a batch has the gradients that it has alone, also where tasks share its keys") {
  manual_seed(9);
  const std::vector<Tensor> all{randn({3, 2, 9, 4}), randn({3, 2, 600, 4}), randn({3, 2, 600, 4}), randn({3, 2, 9, 4})};
  const auto gradients = [](const std::vector<Tensor>& in) {
    const Tensor q = parameter(in[0]), k = parameter(in[1]), v = parameter(in[2]);
    return grad(scaled_dot_product_attention(q, k, v), {q, k, v}, {.seed = in[3]});
  };
  const std::vector<Tensor> whole = gradients(all);
  for (int64_t b = 0; b < 3; ++b) {
    std::vector<Tensor> own;
    for (const Tensor& x : all) own.push_back(x.slice(0, b, b + 1).clone());
    const std::vector<Tensor> alone = gradients(own);
    for (size_t i = 0; i < 3; ++i) CHECK(apart(whole[i].slice(0, b, b + 1), alone[i]) < 1e-5);
  }
}

TEST_CASE("HEED_PLAIN_ATTENTION: 1 is on, 0 or nothing off, anything else is refused by name") {
  CHECK(plain_attention_by_default("1"));
  for (const char* off : {static_cast<const char*>(nullptr), "", "0"}) CHECK_FALSE(plain_attention_by_default(off));
  for (const char* wrong : {"yes", "2", "01"})
    CHECK(test::message_of([&] { plain_attention_by_default(wrong); }) ==
          "HEED_PLAIN_ATTENTION: \"" + std::string(wrong) +
              "\": neither 0 nor 1: set it to 1 for the plain path, or unset it");
}
